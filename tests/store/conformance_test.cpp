// SPDX-License-Identifier: MIT
// What every store does alike.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using lines = std::vector<std::string>;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

TEST_CASE_TEMPLATE("an empty store has no events, streams or end", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    CHECK(lines_of(s.read()).empty());
    CHECK(s.end() == position{0});
    CHECK(s.streams().empty());
    CHECK(!s.last_revision("users"));
    CHECK(!s.position_at(timestamp::from_milliseconds(4'000'000'000'000)));
    CHECK(s.report().notes.empty());
}

TEST_CASE_TEMPLATE(
    "events are read in the order in which they were appended", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    const auto first = s.append(to_stream("a", {numbered(1), numbered(2)})).value();
    const auto second = s.append(to_stream("b", {numbered(3)})).value();
    const auto third = s.append(to_stream("a", {numbered(4)})).value();
    CHECK(first == appended{position{0}, position{1}, {revision{1}}});
    CHECK(second == appended{position{2}, position{2}, {revision{0}}});
    CHECK(third == appended{position{3}, position{3}, {revision{2}}});
    const lines all{
        R"(0 a@0 counted {"n":1})",
        R"(1 a@1 counted {"n":2})",
        R"(2 b@0 counted {"n":3})",
        R"(3 a@2 counted {"n":4})"};
    CHECK(lines_of(s.read()) == all);
    CHECK(lines_of(s.read(query{}.backwards())) == lines{all.rbegin(), all.rend()});
    CHECK(s.end() == position{4});
    CHECK(s.last_revision("a") == revision{2});
    CHECK(s.streams() == lines{"a", "b"});
    s = stores.reopen(s);
    CHECK(lines_of(s.read()) == all);
    CHECK(s.last_revision("a") == revision{2});
}

TEST_CASE_TEMPLATE("an expectation that does not hold appends nothing", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    const auto attempt = [&](expected_revision expected) {
        return s.append(to_stream("a", {numbered(9)}, expected)).is_appended();
    };
    CHECK(!attempt(expected_revision::exists()));
    CHECK(!attempt(expected_revision::exactly(revision{0})));
    CHECK(s.end() == position{0});
    CHECK(attempt(expected_revision::no_stream()));
    CHECK(!attempt(expected_revision::no_stream()));
    CHECK(attempt(expected_revision::exists()));
    CHECK(attempt(expected_revision::exactly(revision{1})));
    CHECK(!attempt(expected_revision::exactly(revision{1})));
    CHECK(!attempt(expected_revision::exactly(revision{3})));
    CHECK(attempt(expected_revision::any()));
    CHECK(s.end() == position{4});

    const auto lost = s.append(to_stream("a", {numbered(9)}, expected_revision::no_stream()));
    REQUIRE(lost.conflict_or_null() != nullptr);
    CHECK(
        *lost.conflict_or_null() ==
        append_conflict{"a", expected_revision::no_stream(), revision{3}}
    );
    CHECK(
        lost.conflict_or_null()->to_string() == "stream 'a': expected no stream, found revision 3"
    );
    CHECK_THROWS_AS(lost.value(), conflict);
}

TEST_CASE_TEMPLATE("an append over several streams is whole or not at all", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    append_request both;
    both.streams.push_back({"a", expected_revision::no_stream(), {numbered(1), numbered(2)}});
    both.streams.push_back({"b", expected_revision::no_stream(), {numbered(3)}});
    CHECK(s.append(both).value() == appended{position{0}, position{2}, {revision{1}, revision{0}}});

    both.streams[0].expected = expected_revision::exactly(revision{1});
    const auto lost = s.append(both);
    REQUIRE(lost.conflict_or_null() != nullptr);
    CHECK(lost.conflict_or_null()->stream == "b");
    CHECK(s.end() == position{3});
    CHECK(s.last_revision("a") == revision{1});
}

TEST_CASE_TEMPLATE("a query selects by stream, category, type and tags", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    s.append(to_stream("user-1", {numbered(0, "made", {"user:1", "team:red"})})).value();
    s.append(to_stream("user-2", {numbered(1, "made", {"user:2", "team:red"})})).value();
    s.append(
         to_stream("order-1", {numbered(2, "made", {"user:1"}), numbered(3, "paid", {"user:1"})})
    )
        .value();
    s.append(to_stream("user-1", {numbered(4, "left", {"user:1", "user:1"})})).value();
    const auto positions = [&](const query& q) {
        std::vector<std::uint64_t> out;
        for (const auto& e : s.read(q))
            out.push_back(e.log_position.value());
        return out;
    };
    using list = std::vector<std::uint64_t>;
    CHECK(positions(query{}.stream("user-1")) == list{0, 4});
    CHECK(positions(query{}.category("user")) == list{0, 1, 4});
    CHECK(positions(query{}.category("user").stream("order-1")) == list{});
    CHECK(positions(query{}.type("made")) == list{0, 1, 2});
    CHECK(positions(query{}.type("paid").type("left")) == list{3, 4});
    CHECK(positions(query{}.tag("user", 1)) == list{0, 2, 3, 4});
    CHECK(positions(query{}.tag("user:1").tag("team", "red")) == list{0});
    CHECK(positions(query{}.tag("user:1").type("made")) == list{0, 2});
    CHECK(positions(query{}.tag("user:1").stream("order-1").type("paid")) == list{3});
    CHECK(positions(query{}.stream("order-1") | query{}.tag("team:red")) == list{0, 1, 2, 3});
    CHECK(positions(query{}.stream("nobody")) == list{});
    CHECK(positions(query{}.type("nothing")) == list{});
    CHECK(positions(query{}.tag("user:1").tag("user:2")) == list{});
    CHECK(positions(query{}.tag("user:1").backwards().limit(2)) == list{4, 3});
    CHECK(positions(query{}.tag("user:1").from(position{1}).to(position{3})) == list{2, 3});
    CHECK(positions(query{}.from(position{5})) == list{});
    CHECK(positions(query{}.from(position{3}).to(position{2})) == list{});
    CHECK(positions(query{}.limit(0)) == list{});
    CHECK(positions(query{}.stream("order-1").from_revision(revision{1})) == list{3});
    CHECK(positions(query{}.stream("user-1").to_revision(revision{0})) == list{0});
    CHECK(positions(query{}.stream("user-1").from_revision(revision{2})) == list{});
    CHECK_THROWS_AS(positions(query{}.category("user").from_revision(revision{1})), error);
}

TEST_CASE_TEMPLATE(
    "a time range is closed and of the time at which events happened", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    const auto at = [](std::int64_t ms) { return timestamp::from_milliseconds(ms); };
    for (const std::int64_t ms : {500, 100, 300, 200, 300, -5}) {
        auto e = numbered(static_cast<std::uint32_t>(ms + 5));
        e.occurred_at = at(ms);
        s.append(to_stream("a", {e})).value();
    }
    const auto count = [&](const query& q) { return lines_of(s.read(q)).size(); };
    CHECK(count(query{}.since(at(300))) == 3);
    CHECK(count(query{}.until(at(300))) == 5);
    CHECK(count(query{}.since(at(200)).until(at(300))) == 3);
    CHECK(count(query{}.since(at(301)).until(at(499))) == 0);
    CHECK(count(query{}.until(at(-5))) == 1);
}

TEST_CASE_TEMPLATE(
    "what happened is kept exactly, at any time that 64 bits of milliseconds hold",
    Stores,
    EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    const std::vector<timestamp> times{
        timestamp::from_milliseconds(std::numeric_limits<std::int64_t>::min()),
        timestamp::from_milliseconds(-1),
        timestamp::from_nanoseconds(1'704'067'200'123'456'789),
        timestamp::from_milliseconds(9'999'999'999'999),
        timestamp::from_milliseconds(std::numeric_limits<std::int64_t>::max())};
    for (const auto t : times) {
        auto e = numbered(1);
        e.occurred_at = t;
        e.originally_recorded_at = t;
        s.append(to_stream("a", {e})).value();
    }
    s = stores.reopen(s);
    std::vector<timestamp> found;
    timestamp last;
    for (const auto& e : s.read()) {
        found.push_back(e.occurred_at);
        CHECK(e.recorded_at >= last);
        last = e.recorded_at;
    }
    CHECK(found == times);
    CHECK(lines_of(s.read(query{}.since(times.back()))).size() == 1);
    CHECK(lines_of(s.read(query{}.until(times.front()))).size() == 1);
}

TEST_CASE_TEMPLATE(
    "an import keeps its place in recorded time, as far as that lies in the past",
    Stores,
    EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    append_request history = to_stream("a", {});
    for (const std::int64_t ms : {1000, 2000, 1500, 3000}) {
        auto e = numbered(static_cast<std::uint32_t>(ms));
        e.occurred_at = e.originally_recorded_at = timestamp::from_milliseconds(ms);
        history.streams[0].events.push_back(e);
    }
    auto future = numbered(1);
    future.occurred_at = future.originally_recorded_at =
        timestamp::from_milliseconds(9'000'000'000'000);
    history.streams[0].events.push_back(future);
    s.append(history).value();
    s.append(to_stream("a", {numbered(2)})).value();
    std::vector<std::int64_t> recorded;
    for (const auto& e : s.read())
        recorded.push_back(e.recorded_at.to_milliseconds());
    REQUIRE(recorded.size() == 6);
    CHECK(
        std::vector(recorded.begin(), recorded.begin() + 4) ==
        std::vector<std::int64_t>{1000, 2000, 2000, 3000}
    );
    CHECK(recorded[4] < 9'000'000'000'000);
    CHECK(recorded[5] >= recorded[4]);
    const auto at = [&](std::int64_t ms) {
        return s.position_at(timestamp::from_milliseconds(ms));
    };
    CHECK(!at(999));
    CHECK(at(1000) == position{0});
    CHECK(at(1999) == position{0});
    CHECK(at(2000) == position{2});
    CHECK(at(3000) == position{3});
    CHECK(at(9'000'000'000'000) == position{5});
}

TEST_CASE_TEMPLATE("an event keeps its id, causes, tags and metadata", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    auto e = numbered(1, "made", {"a:1", "b:2"});
    e.version = 3;
    e.id = *uuid::parse("01234567-89ab-4def-8123-456789abcdef");
    e.correlation_id = *uuid::parse("11111111-1111-4111-8111-111111111111");
    e.causation_id = *uuid::parse("22222222-2222-4222-8222-222222222222");
    e.metadata = number_payload(77);
    s.append(to_stream("a", {e, numbered(2), numbered(3)})).value();
    s = stores.reopen(s);
    std::set<uuid> ids;
    for (const auto& found : s.read()) {
        ids.insert(found.id);
        CHECK(!found.id.is_nil());
        if (found.log_position > position{0})
            continue;
        CHECK(found.version == 3);
        CHECK(found.id == e.id);
        CHECK(found.correlation_id == e.correlation_id);
        CHECK(found.causation_id == e.causation_id);
        CHECK(std::vector<std::string>(found.tags.begin(), found.tags.end()) == e.tags);
        CHECK(byte_buffer(found.metadata.begin(), found.metadata.end()) == e.metadata);
    }
    CHECK(ids.size() == 3);
    std::set<uuid> again;
    for (const auto& found : s.read())
        again.insert(found.id);
    CHECK(again == ids);
}

TEST_CASE_TEMPLATE(
    "what can't be meant is refused before anything is written", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store({.event_bytes_max = 1024, .batch_bytes_max = 4096});
    const auto code_of = [&](const append_request& r) {
        try {
            s.append(r).value();
        } catch (const error& e) {
            return e.code();
        }
        return errc::io;
    };
    CHECK(code_of({}) == errc::invalid);
    CHECK(code_of(to_stream("a", {})) == errc::invalid);
    CHECK(code_of(to_stream("", {numbered(1)})) == errc::invalid);
    CHECK(code_of(to_stream(std::string(256, 'x'), {numbered(1)})) == errc::invalid);
    CHECK(code_of(to_stream("\xFF", {numbered(1)})) == errc::invalid);
    for (const auto* forged : {"a\nb", "\x1b[2J", "\x7f", "\xC2\x9B", "\xE2\x80\xAE"}) {
        CHECK(code_of(to_stream(forged, {numbered(1)})) == errc::invalid);
        CHECK(code_of(to_stream("a", {numbered(1, forged)})) == errc::invalid);
        CHECK(code_of(to_stream("a", {numbered(1, "t", {forged})})) == errc::invalid);
    }
    CHECK(code_of(to_stream("a", {numbered(1, "")})) == errc::invalid);
    CHECK(code_of(to_stream("a", {numbered(1, "t", {""})})) == errc::invalid);
    CHECK(
        code_of(to_stream("a", {numbered(1, "t", std::vector<std::string>(256, "k:v"))})) ==
        errc::limit
    );
    auto twice = to_stream("a", {numbered(1)});
    twice.streams.push_back(twice.streams.front());
    CHECK(code_of(twice) == errc::invalid);
    auto garbage = numbered(1);
    garbage.payload = {std::byte{0xFF}};
    CHECK(code_of(to_stream("a", {garbage})) == errc::encoding);
    auto large = numbered(1);
    large.payload = {
        std::byte{0xA1},
        std::byte{0x61},
        std::byte{'n'},
        std::byte{0x59},
        std::byte{0x04},
        std::byte{0x00}};
    large.payload.resize(large.payload.size() + 1024);
    CHECK(code_of(to_stream("a", {large})) == errc::limit);
    CHECK(code_of(to_stream("a", std::vector<new_event>(200, numbered(1)))) == errc::limit);
    CHECK(s.end() == position{0});
    s.append(to_stream("a", {numbered(1)})).value();
    CHECK(s.end() == position{1});
}

TEST_CASE_TEMPLATE("of racing writers with one expectation exactly one wins", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    constexpr int rounds = 50;
    constexpr int racers = 4;
    for (int round = 0; round < rounds; ++round) {
        std::atomic<int> winners{0};
        std::atomic<int> ready{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < racers; ++i)
            threads.emplace_back([&, i] {
                ++ready;
                while (ready < racers)
                    std::this_thread::yield();
                const auto expected = round == 0 ? expected_revision::no_stream()
                                                 : expected_revision::exactly(revision{
                                                       static_cast<std::uint64_t>(round - 1)});
                if (s.append(to_stream("raced", {numbered(static_cast<std::uint32_t>(i))}, expected)
                    ))
                    ++winners;
            });
        for (auto& t : threads)
            t.join();
        CHECK(winners == 1);
    }
    CHECK(s.end() == position{rounds});
}

TEST_CASE_TEMPLATE(
    "appends from many threads are each whole, once, and in order", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store(
        {.segment_bytes_max = 16384, .event_bytes_max = 1024, .batch_bytes_max = 4096}
    );
    constexpr std::uint32_t writers = 4;
    constexpr std::uint32_t appends = 100;
    std::vector<std::thread> threads;
    for (std::uint32_t w = 0; w < writers; ++w)
        threads.emplace_back([&, w] {
            for (std::uint32_t i = 0; i < appends; ++i)
                s.append(to_stream("w-" + std::to_string(w), {numbered(2 * i), numbered(2 * i + 1)})
                )
                    .value();
        });
    // Beside them, a reader that must never see half a batch.
    std::atomic<bool> is_done{false};
    std::thread reader{[&] {
        while (!is_done) {
            std::size_t count = 0;
            for (const auto& e : s.read()) {
                CHECK(e.log_position.value() == count);
                ++count;
            }
            CHECK(count % 2 == 0);
        }
    }};
    for (auto& t : threads)
        t.join();
    is_done = true;
    reader.join();
    for (std::uint32_t w = 0; w < writers; ++w) {
        std::uint32_t next = 0;
        for (const auto& e : s.read(query{}.stream("w-" + std::to_string(w)))) {
            CHECK(e.stream_revision == revision{next});
            CHECK(e.to_json() == "{\"n\":" + std::to_string(next) + "}");
            ++next;
        }
        CHECK(next == 2 * appends);
    }
    s = stores.reopen(s);
    CHECK(s.end() == position{2 * writers * appends});
}

TEST_CASE_TEMPLATE(
    "a snapshot comes back if it was of this past, and the last two are kept", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    for (std::uint32_t i = 0; i < 10; ++i)
        s.append(to_stream("a", {numbered(i)})).value();
    const auto of = [&](std::uint64_t r) {
        return snapshot{
            "a",
            "state",
            revision{r},
            position{r},
            42,
            1,
            number_payload(static_cast<std::uint32_t>(r))};
    };
    const auto newest = revision{1000};
    auto* engine = &s.engine();
    CHECK(!engine->load_snapshot("a", "state", newest));
    for (const std::uint64_t r : {1U, 3U, 5U})
        engine->save_snapshot(of(r));
    CHECK(engine->load_snapshot("a", "state", newest) == of(5));
    CHECK(engine->load_snapshot("a", "state", revision{4}) == of(3));
    CHECK(!engine->load_snapshot("a", "state", revision{2})); // the third last is gone
    CHECK(!engine->load_snapshot("a", "other", newest));
    CHECK(!engine->load_snapshot("b", "state", newest));
    CHECK(s.stats().snapshots == 2);
    auto ahead = of(9);
    ahead.at = revision{10};
    CHECK_THROWS_AS(engine->save_snapshot(ahead), error);
    s = stores.reopen(s);
    CHECK(s.engine().load_snapshot("a", "state", newest) == of(5));
}

TEST_CASE_TEMPLATE("archiving a stream changes no answer and frees space", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store(
        {.segment_bytes_max = 20000, .event_bytes_max = 1024, .batch_bytes_max = 8192}
    );
    for (std::uint32_t i = 0; i < 1000; ++i)
        s
            .append(to_stream(
                i % 3 == 0 ? "a" : "b", {numbered(i, "counted", {"mod:" + std::to_string(i % 7)})}
            ))
            .value();
    const auto all = lines_of(s.read());
    const auto tagged = lines_of(s.read(query{}.tag("mod:3")));
    const auto segments = s.stats().segments;
    CHECK(segments > 3);
    const auto done = s.engine().archive("a", revision{1000}, "");
    CHECK(done.segments == segments);
    CHECK(done.events == 1000);
    CHECK(done.bytes_after < done.bytes_before / 2);
    CHECK(lines_of(s.read()) == all);
    CHECK(lines_of(s.read(query{}.tag("mod:3"))) == tagged);
    CHECK(lines_of(s.read(query{}.backwards())) == lines{all.rbegin(), all.rend()});
    CHECK(s.stats().archived_segments == segments);
    s.append(to_stream("a", {numbered(1000)})).value();
    s = stores.reopen(s);
    CHECK(lines_of(s.read()).size() == 1001);
    CHECK(lines_of(s.read(query{}.tag("mod:3"))) == tagged);
    CHECK(s.engine().archive("nobody", revision{0}, "").segments == 0);
}

TEST_CASE_TEMPLATE(
    "waiting ends when the event is there, or when the time is over", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    CHECK(!s.wait_for(position{0}, std::chrono::milliseconds{1}));
    std::thread later{[&] { s.append(to_stream("a", {numbered(1)})).value(); }};
    CHECK(s.wait_for(position{0}, std::chrono::seconds{30}));
    later.join();
    CHECK(s.wait_for(position{0}, std::chrono::milliseconds{0}));
}

TEST_CASE_TEMPLATE("a closed store refuses appends and still reads", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    s.append(to_stream("a", {numbered(1)})).value();
    s.close();
    s.close();
    CHECK_THROWS_AS(s.append(to_stream("a", {numbered(2)})).value(), error);
    CHECK(lines_of(s.read()).size() == 1);
}
