// SPDX-License-Identifier: MIT
// Conditions on data, both times, places to go on from, and what a query says of itself.

#include <everfold/base/error.hpp>
#include <everfold/json.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

namespace {

byte_buffer cbor(const char* json) {
    byte_buffer out;
    out.reserve(256);
    cbor_from_json(parse_json(json), out);
    return out;
}

bool holds(std::string_view pointer, comparison op, payload_value value, const byte_buffer& data) {
    std::vector<payload_value> values;
    values.push_back(std::move(value));
    return payload_condition{pointer, op, std::move(values)}.holds_for(data);
}

std::optional<errc> code_of(const auto& what) {
    try {
        what();
    } catch (const error& e) {
        return e.code();
    }
    return {};
}

std::vector<std::uint64_t> positions_of(event_range range) {
    std::vector<std::uint64_t> out;
    for (const auto& e : range)
        out.push_back(e.log_position.value());
    return out;
}

// Event i: stream "user-<i % 3>" or "order", type "even" or "odd", tag "mod:<i % 5>"; its time runs
// backwards within tens.
void fill(store& s, std::uint32_t first, std::uint32_t count) {
    for (auto i = first; i < first + count; ++i) {
        auto event =
            numbered(i, i % 2 == 0 ? "even" : "odd", {"mod:" + std::to_string(i % 5), "all:1"});
        event.occurred_at = timestamp::from_milliseconds(
            1000 + static_cast<std::int64_t>(i / 10 * 10 + 9 - i % 10)
        );
        const auto stream = i % 4 == 3 ? std::string{"order"} : "user-" + std::to_string(i % 3);
        REQUIRE(s.append(to_stream(stream, {std::move(event)})));
    }
}

store_options small_segments() {
    return {.segment_bytes_max = 6000, .event_bytes_max = 1024, .batch_bytes_max = 2048};
}

} // namespace

TEST_CASE("a condition compares numbers by their value, whatever their encoding") {
    constexpr auto greatest = std::numeric_limits<std::uint64_t>::max();
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    const auto data =
        cbor(R"({"i":5,"n":-5,"f":5.0,"h":2.5,"u":18446744073709551615,"l":-9223372036854775808,)"
             R"("p":9007199254740993,"z":0})");
    CHECK(holds("/i", comparison::equal, 5.0, data));
    CHECK(holds("/f", comparison::equal, 5, data));
    CHECK(holds("/n", comparison::equal, -5.0, data));
    CHECK(holds("/n", comparison::less, 0U, data));
    CHECK(holds("/h", comparison::greater, 2, data));
    CHECK(holds("/h", comparison::less, 3U, data));
    CHECK(holds("/h", comparison::not_equal, 2, data));
    CHECK(holds("/i", comparison::less, 5.5, data));
    CHECK(holds("/n", comparison::greater, -5.5, data));
    CHECK(holds("/n", comparison::less, -4.5, data));
    CHECK(holds("/u", comparison::equal, greatest, data));
    // 2^64 is no integer of 64 bits, and the nearest double of 2^64 - 1.
    CHECK_FALSE(holds("/u", comparison::equal, 18446744073709551616.0, data));
    CHECK(holds("/u", comparison::less, 18446744073709551616.0, data));
    CHECK(holds("/l", comparison::equal, least, data));
    CHECK(holds("/l", comparison::equal, -9223372036854775808.0, data));
    // 2^53 + 1 is between two doubles.
    CHECK_FALSE(holds("/p", comparison::equal, 9007199254740992.0, data));
    CHECK(holds("/p", comparison::greater, 9007199254740992.0, data));
    CHECK(holds("/z", comparison::equal, -0.0, data));
    CHECK(holds("/u", comparison::less, std::numeric_limits<double>::infinity(), data));
    CHECK(holds("/l", comparison::greater, -std::numeric_limits<double>::infinity(), data));
    const auto nan = std::nan("");
    for (const auto op :
         {comparison::equal,
          comparison::less,
          comparison::less_or_equal,
          comparison::greater,
          comparison::greater_or_equal,
          comparison::contains})
        CHECK_FALSE(holds("/i", op, nan, data));
    CHECK(holds("/i", comparison::not_equal, nan, data));
}

TEST_CASE("a condition follows its pointer and nothing else") {
    const auto data = cbor(
        R"({"a":[1,{"b":"c"},[7]],"a/b":{"~":2},"":0,"o":{"k":1,"t":"Oslo"},"t":true,"none":null,)"
        R"("s":"b","big":[0,1,2,3,4,5,6,7,8,9,10]})"
    );
    CHECK(holds("/a/0", comparison::equal, 1, data));
    CHECK(holds("/a/1/b", comparison::equal, "c", data));
    CHECK(holds("/a/2/0", comparison::equal, 7, data));
    CHECK(holds("/a~1b/~0", comparison::equal, 2, data));
    CHECK(holds("/", comparison::equal, 0, data));
    CHECK(holds("/o/t", comparison::equal, "Oslo", data));
    CHECK(holds("/t", comparison::equal, true, data));
    CHECK(holds("/none", comparison::equal, nullptr, data));
    CHECK(holds("/big/10", comparison::equal, 10, data));
    CHECK(
        holds("/o", comparison::equal, payload_value::encoded{cbor(R"({"k":1,"t":"Oslo"})")}, data)
    );
    for (const auto* nowhere :
         {"/a/3", "/a/00", "/a/-", "/a/x", "/a/", "/missing", "/s/b", "/o/", "/t/0"}) {
        CAPTURE(nowhere);
        CHECK_FALSE(holds(nowhere, comparison::equal, 1, data));
        CHECK_FALSE(holds(nowhere, comparison::not_equal, 1, data));
    }
    // Of another kind: not equal, and in no order.
    CHECK(holds("/s", comparison::not_equal, 1, data));
    CHECK_FALSE(holds("/s", comparison::less, 1, data));
    CHECK_FALSE(holds("/t", comparison::equal, 1, data));
    CHECK_FALSE(holds("/none", comparison::equal, false, data));
    CHECK(holds("/s", comparison::less, "c", data));
    CHECK(holds("/s", comparison::greater_or_equal, "b", data));
    CHECK_FALSE(holds("/s", comparison::greater, "ba", data));
}

TEST_CASE("contains finds a part of a text and a member of an array") {
    const auto data = cbor(R"({"t":"Oslo","a":[1,"x",2.0,null,[3]],"o":{"k":1},"n":12})");
    CHECK(holds("/t", comparison::contains, "sl", data));
    CHECK(holds("/t", comparison::contains, "", data));
    CHECK_FALSE(holds("/t", comparison::contains, "SL", data));
    CHECK(holds("/a", comparison::contains, "x", data));
    CHECK(holds("/a", comparison::contains, 2, data));
    CHECK(holds("/a", comparison::contains, nullptr, data));
    CHECK_FALSE(holds("/a", comparison::contains, 3, data));
    CHECK_FALSE(holds("/o", comparison::contains, "k", data));
    CHECK_FALSE(holds("/n", comparison::contains, 1, data));
}

TEST_CASE("of several values one is enough, and of not equal all are meant") {
    const auto data = cbor(R"({"city":"Oslo"})");
    const std::vector<payload_value> both{"Oslo", "Bergen"};
    CHECK(payload_condition{"/city", comparison::equal, both}.holds_for(data));
    CHECK_FALSE(payload_condition{"/city", comparison::not_equal, both}.holds_for(data));
    CHECK(
        payload_condition{"/city", comparison::equal, both}.to_string() ==
        "/city = \"Oslo\" or \"Bergen\""
    );
}

TEST_CASE("a condition that can't be meant is refused when it is made") {
    const auto make = [](std::string_view pointer, comparison op, std::vector<payload_value> values
                      ) {
        return code_of([&] {
            static_cast<void>(payload_condition{pointer, op, std::move(values)});
        });
    };
    CHECK(make("a", comparison::equal, {1}) == errc::invalid);
    CHECK(make("/a~2", comparison::equal, {1}) == errc::invalid);
    CHECK(make("/a~", comparison::equal, {1}) == errc::invalid);
    CHECK(make("/\xff", comparison::equal, {1}) == errc::invalid);
    CHECK(make("/a", comparison::equal, {"\xff"}) == errc::invalid);
    CHECK(make("/a", comparison::equal, {}) == errc::invalid);
    CHECK(make("/a", comparison::less, {nullptr}) == errc::invalid);
    CHECK(make("/a", comparison::greater, {true}) == errc::invalid);
    CHECK(make("/a", comparison::equal, {payload_value::encoded{}}) == errc::encoding);
    CHECK(make("", comparison::not_equal, {nullptr}) == std::nullopt);
}

TEST_CASE_TEMPLATE("conditions are looked at before the limit counts", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store(small_segments());
    fill(s, 0, 100);
    const auto q = query{}
                       .type("even")
                       .where("/n", comparison::greater, 50)
                       .where("/n", comparison::not_equal, 54);
    CHECK(positions_of(s.read(query{q}.limit(3))) == std::vector<std::uint64_t>{52, 56, 58});
    CHECK(
        positions_of(s.read(query{q}.limit(2).backwards())) == std::vector<std::uint64_t>{98, 96}
    );
    CHECK(positions_of(s.read(query{}.where("/m", comparison::not_equal, 1))).empty());
}

TEST_CASE("a range of recorded_at is exact within one append, too") {
    auto s = memory_stores::open_store();
    auto request = to_stream("s", {numbered(0), numbered(1), numbered(2)});
    for (std::int64_t i = 0; i < 3; ++i)
        request.streams[0].events[static_cast<std::size_t>(i)].originally_recorded_at =
            timestamp::from_milliseconds(1000 * (i + 1));
    REQUIRE(s.append(request));
    REQUIRE(s.append(to_stream("s", {numbered(3)})));
    const auto middle = timestamp::from_milliseconds(2000);
    CHECK(positions_of(s.read(query{}.recorded_until(middle))) == std::vector<std::uint64_t>{0, 1});
    CHECK(
        positions_of(s.read(query{}.recorded_since(middle).recorded_until(middle))) ==
        std::vector<std::uint64_t>{1}
    );
    CHECK(
        positions_of(s.read(query{}.recorded_since(middle))) == std::vector<std::uint64_t>{1, 2, 3}
    );
}

TEST_CASE("a range of recorded_at is exact and leaves out segments and frames") {
    simulated_stores stores;
    auto s = stores.open_store(small_segments());
    fill(s, 0, 300);
    std::vector<timestamp> recorded;
    for (const auto& e : s.read())
        recorded.push_back(e.recorded_at);
    REQUIRE(s.stats().segments > 3);
    for (std::size_t i = 0; i < recorded.size(); i += 37) {
        for (std::size_t k = i; k < recorded.size(); k += 41) {
            for (const bool is_backwards : {false, true}) {
                CAPTURE(i);
                CAPTURE(k);
                auto q = query{}.recorded_since(recorded[i]).recorded_until(recorded[k]);
                if (is_backwards)
                    q.backwards();
                std::vector<std::uint64_t> wanted;
                for (std::size_t at = 0; at < recorded.size(); ++at) {
                    if (recorded[at] >= recorded[i] && recorded[at] <= recorded[k])
                        wanted.push_back(at);
                }
                if (is_backwards)
                    std::ranges::reverse(wanted);
                CHECK(positions_of(s.read(q)) == wanted);
            }
        }
    }
    CHECK(positions_of(s.read(query{}.recorded_since(timestamp{1'000'000'000'000, 0}))).empty());
    CHECK(positions_of(s.read(query{}.recorded_until(timestamp{-1'000'000'000'000, 0}))).empty());
    CHECK(
        positions_of(s.read(query{}.recorded_since(timestamp{-1'000'000'000'000, 0}))).size() == 300
    );
}

TEST_CASE_TEMPLATE(
    "a reading goes on where it was, at any event and in both directions", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store(small_segments());
    fill(s, 0, 120);
    s.truncate("user-1", revision{5}).value();
    s = stores.reopen(std::move(s), small_segments());
    const std::vector<query> queries{
        query{},
        query{}.tag("mod", 3),
        query{}.type("odd").where("/n", comparison::less, 90),
        query{}.category("user").since(timestamp::from_milliseconds(1033)),
        query{}.stream("order").from_revision(revision{4}),
        query{}.stream("none"),
        query{}.tag("mod", 1) | query{}.stream("order").type("odd"),
    };
    for (std::size_t which = 0; which < queries.size(); ++which) {
        for (const bool is_backwards : {false, true}) {
            CAPTURE(which);
            CAPTURE(is_backwards);
            auto q = queries[which];
            if (is_backwards)
                q.backwards();
            const auto all = positions_of(s.read(q));
            for (std::size_t taken = 0; taken <= all.size(); ++taken) {
                auto first = s.read(query{q}.limit(taken));
                std::vector<std::uint64_t> got;
                for (const auto& e : first)
                    got.push_back(e.log_position.value());
                const auto text = first.cursor().to_string();
                const auto cursor = query_cursor::parse(text);
                REQUIRE(cursor);
                if (taken % 16 == 3)
                    s = stores.reopen(std::move(s), small_segments());
                for (const auto at : positions_of(s.read(query{q}.resume(*cursor))))
                    got.push_back(at);
                CHECK(got == all);
            }
        }
    }
}

TEST_CASE_TEMPLATE(
    "a reading that was at the end sees each later event once", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store(small_segments());
    const auto q = query{}.tag("mod", 2);
    std::optional<query_cursor> place;
    std::vector<std::uint64_t> got;
    for (std::uint32_t round = 0; round < 5; ++round) {
        auto range = place ? s.read(query{q}.resume(*place)) : s.read(q);
        for (const auto& e : range)
            got.push_back(e.log_position.value());
        place = range.cursor();
        CHECK(place->boundary == s.end()); // what does not match is not looked at again
        fill(s, round * 7, 7);
    }
    CHECK(got == std::vector<std::uint64_t>{2, 7, 12, 17, 22, 27});
}

TEST_CASE_TEMPLATE(
    "a cursor of another query, log or time to come is refused", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    fill(s, 0, 10);
    const auto q = query{}.tag("mod", 1).since(timestamp::from_milliseconds(5));
    const auto place = s.read(q).cursor();
    const auto refusal = [](store& from, const query& which) -> std::string {
        try {
            static_cast<void>(from.read(which));
        } catch (const error& e) {
            return e.code() == errc::invalid ? e.message() : "another code";
        }
        return "";
    };
    CHECK(refusal(s, query{q}.resume(place)).empty());
    CHECK(refusal(s, query{q}.limit(1).resume(place)).empty());
    auto foreign = place;
    foreign.log_id.octets[3] ^= std::byte{1};
    CHECK(refusal(s, query{q}.resume(foreign)).find("another log") != std::string::npos);
    const std::vector<query> changed{
        query{q}.backwards(),
        query{q}.type("odd"),
        query{q}.tag("mod", 2),
        query{q}.from(position{1}),
        query{q}.to(position{1}),
        query{q}.until(timestamp::from_milliseconds(5)),
        query{q}.recorded_since(timestamp::from_milliseconds(5)),
        query{q}.recorded_until(timestamp::from_milliseconds(5)),
        query{q}.where("/n", comparison::equal, 1),
        query{q} | query{},
        query{}.tag("mod", 1),
        query{}.type("mod:1").since(timestamp::from_milliseconds(5)),
    };
    for (std::size_t i = 0; i < changed.size(); ++i) {
        CAPTURE(i);
        CHECK(
            refusal(s, query{changed[i]}.resume(place)).find("another query") != std::string::npos
        );
    }
    auto ahead = place;
    ahead.boundary = position{11};
    CHECK(refusal(s, query{q}.resume(ahead)).find("ahead of the log") != std::string::npos);
}

TEST_CASE("the fingerprint of a query is the same in every program") {
    CHECK(query{}.fingerprint() == query{}.limit(5).fingerprint());
    CHECK(
        query{}.where("/a", comparison::equal, 1).fingerprint() !=
        query{}.where("/a", comparison::equal, "1").fingerprint()
    );
    // Cursors that were kept from before would be refused if these changed.
    CHECK(query{}.fingerprint() == 11498223501903275906U);
    CHECK(
        query{}.tag("user", 123).where("/a", comparison::less, 1.5).backwards().fingerprint() ==
        17092852179439351065U
    );
}

TEST_CASE("a text that is no cursor is none") {
    const query_cursor place{
        .log_id = *uuid::parse("00112233-4455-6677-8899-aabbccddeeff"),
        .fingerprint = 0x0123456789abcdef,
        .is_backwards = true,
        .boundary = position{42}};
    const auto text = place.to_string();
    CHECK(query_cursor::parse(text) == place);
    for (std::size_t i = 0; i < text.size(); ++i) {
        CAPTURE(i);
        CHECK_FALSE(query_cursor::parse(text.substr(0, i)));
        for (const char c : {'0', '1', 'F', 'f', '.', '-', ' ', '\0', '\xff'}) {
            auto other = text;
            other[i] = c;
            if (other != text)
                CHECK_FALSE(query_cursor::parse(other));
            other.insert(i, 1, c);
            CHECK_FALSE(query_cursor::parse(other));
        }
    }
    for (const auto* no : {"", "c1", "c1.", "c1....", "c2.x", "f.1", "18446744073709551616"})
        CHECK_FALSE(query_cursor::parse(no));
    CHECK_FALSE(query_cursor::parse(text + "\n"));
    CHECK_FALSE(query_cursor::parse(std::string(1'000'000, 'c')));
}

TEST_CASE("a query says which index it takes, and reads no more than that has") {
    simulated_stores stores;
    auto s = stores.open_store(small_segments());
    fill(s, 0, 400);
    auto rare = numbered(1, "odd", {"rare:1", "all:1"});
    REQUIRE(s.append(to_stream("order", {rare})));
    fill(s, 400, 400);

    const auto q = query{}.tag("all", 1).tag("rare", 1).type("odd");
    const auto plan = s.explain(q);
    REQUIRE(plan.items.size() == 1);
    CHECK_FALSE(plan.reading);
    CHECK(plan.segments == s.stats().segments);
    CHECK(plan.segments_entered == 1);
    CHECK(plan.segments_without_match == plan.segments - 1);
    CHECK(plan.items[0].tag_events == std::vector<std::uint64_t>{801, 1});
    CHECK(plan.items[0].segments_by_tag == 1);

    auto range = s.read(q);
    CHECK(positions_of(std::move(range)) == std::vector<std::uint64_t>{400});
    auto again = s.read(q);
    std::uint64_t events = 0;
    for (auto it = again.begin(); it != again.end(); ++it)
        ++events;
    const auto done = again.explanation();
    REQUIRE(done.reading);
    CHECK(events == 1);
    CHECK(done.reading->candidates == 1);
    CHECK(done.reading->frames_read == 1);
    CHECK(done.reading->events_decoded == 1);
    CHECK(done.reading->events_delivered == 1);
    CHECK(done.segments_entered == 1);

    const auto text = done.to_string();
    CAPTURE(text);
    CHECK(text.find("tag 'rare:1' (1 event)") != std::string::npos);
    CHECK(text.find("1 candidate, 1 frame, 1 event\n") != std::string::npos);

    const auto late = s.explain(query{}.since(timestamp::from_milliseconds(1790)));
    CHECK(late.segments_at_other_times > late.segments / 2);
}

TEST_CASE("a long list is not taken where few events are within the bounds") {
    auto s = memory_stores::open_store();
    fill(s, 0, 300);
    const auto q = query{}.type("odd").from(position{290});
    CHECK(s.explain(q).items[0].segments_by_position == 1);
    CHECK(s.explain(query{}.type("odd")).items[0].segments_by_type == 1);
    auto range = s.read(q);
    std::vector<std::uint64_t> got;
    for (const auto& e : range)
        got.push_back(e.log_position.value());
    CHECK(got == std::vector<std::uint64_t>{291, 293, 295, 297, 299});
    CHECK(range.explanation().reading->events_decoded == 10);
    CHECK(range.explanation().reading->events_unmatched == 5);
    // Nor the list of a second name, where the first has left little.
    CHECK(
        positions_of(s.read(query{}.tag("all", 1).stream("order").from(position{296}))) ==
        std::vector<std::uint64_t>{299}
    );
}

TEST_CASE("what an explanation counts adds up, to what was handed out") {
    simulated_stores stores;
    auto s = stores.open_store(small_segments());
    fill(s, 0, 500);
    const auto q = query{}
                       .tag("mod", 2)
                       .since(timestamp::from_milliseconds(1100))
                       .until(timestamp::from_milliseconds(1305))
                       .where("/n", comparison::not_equal, 202);
    auto range = s.read(q);
    std::uint64_t delivered = 0;
    for (auto it = range.begin(); it != range.end(); ++it)
        ++delivered;
    const auto e = range.explanation();
    REQUIRE(e.reading);
    const auto& r = *e.reading;
    CHECK(r.events_delivered == delivered);
    CHECK(r.events_failing_conditions == 1);
    CHECK(
        r.events_decoded == r.events_delivered + r.events_failing_conditions + r.events_unmatched +
                                r.events_at_other_times + r.events_out_of_reach
    );
    // Each append here is one frame with one event.
    CHECK(r.frames_read == r.events_decoded);
    CHECK(r.candidates == r.frames_read + r.frames_skipped_by_time);
    CHECK(r.events_at_other_times == 0);
    CHECK(
        e.segments == e.segments_outside + e.segments_at_other_times + e.segments_without_match +
                          e.segments_entered
    );
}
