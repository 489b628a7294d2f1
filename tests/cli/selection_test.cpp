// SPDX-License-Identifier: MIT
// The selection language, its conditions, and visiting what it selects.

#include <everfold/cli/failure.hpp>
#include <everfold/cli/selection.hpp>
#include <everfold/cli/where.hpp>
#include <everfold/json.hpp>
#include <everfold/store/open.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using everfold::position;
using everfold::query;
using everfold::cli::parse_selection;
using everfold::cli::parse_where;
using everfold::cli::selected_events;
using everfold::cli::selection_words;

std::string complaint_about(const std::function<void(selection_words&)>& type) {
    selection_words words;
    type(words);
    try {
        static_cast<void>(parse_selection(words));
    } catch (const everfold::cli::usage_error& e) {
        return e.what();
    }
    return "";
}

bool holds(const std::string& condition, const char* data) {
    everfold::byte_buffer bytes;
    everfold::cbor_from_json(nlohmann::ordered_json::parse(data), bytes);
    return parse_where(condition).holds_for(bytes);
}

// An event of stream "a-<k>" or "b", alternately, with the tag "mod:<i % 3>" and {"n": i}.
void fill(everfold::store& store, std::uint64_t first, std::uint64_t count) {
    for (auto i = first; i < first + count; ++i) {
        everfold::new_event event{.type = i % 5 == 0 ? "fifth" : "other"};
        everfold::cbor_from_json(nlohmann::json{{"n", i}}, event.payload);
        event.tags.push_back("mod:" + std::to_string(i % 3));
        event.occurred_at =
            everfold::timestamp::from_milliseconds(static_cast<std::int64_t>(1000 + i));
        everfold::append_request request;
        request.streams.push_back(
            {i % 2 == 0 ? "a-" + std::to_string(i % 4) : "b",
             everfold::expected_revision::any(),
             {event}}
        );
        REQUIRE(store.append(request));
    }
}

std::vector<std::uint64_t> visited(selected_events& events) {
    std::vector<std::uint64_t> out;
    events.visit_new([&](const everfold::recorded_event& e) {
        out.push_back(e.log_position.value());
    });
    return out;
}

std::vector<std::uint64_t> selected(const everfold::store& store, const selection_words& words) {
    selected_events events{store, parse_selection(words)};
    return visited(events);
}

} // namespace

TEST_CASE("no words mean every event") {
    const auto all = parse_selection({});
    CHECK(all.which == query{});
    CHECK(all.limit == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("each option becomes its part of the query") {
    const auto s = parse_selection({
        .streams = {"users"},
        .categories = {"user"},
        .types = {"a", "b"},
        .tags = {"user:1", "x:y:z"},
        .since = "2024-01-31T09:30:00Z",
        .until = "@1706693400001",
        .from = "3",
        .to = "18446744073709551614",
        .from_revision = "5",
        .to_revision = "6",
        .recorded_since = "@5",
        .recorded_until = "@6",
        .where = {"/a=1"},
        .is_backwards = true,
        .limit = "7",
    });
    const auto wanted = query{}
                            .stream("users")
                            .category("user")
                            .type("a")
                            .type("b")
                            .tag("user:1")
                            .tag("x:y:z")
                            .since(everfold::timestamp::from_milliseconds(1706693400000))
                            .until(everfold::timestamp::from_milliseconds(1706693400001))
                            .from(position{3})
                            .to(position{18446744073709551614U})
                            .from_revision(everfold::revision{5})
                            .to_revision(everfold::revision{6})
                            .recorded_since(everfold::timestamp::from_milliseconds(5))
                            .recorded_until(everfold::timestamp::from_milliseconds(6))
                            .where({"/a", everfold::comparison::equal, {1, "1"}})
                            .backwards();
    CHECK(s.which == wanted);
    CHECK(s.limit == 7);
}

TEST_CASE("several streams and categories are alternatives") {
    const auto s = parse_selection({.streams = {"a", "b"}, .types = {"t"}});
    CHECK(s.which == (query{}.stream("a").type("t") | query{}.stream("b").type("t")));
    const auto c = parse_selection({.streams = {"a", "b"}, .categories = {"c", "d"}});
    CHECK(c.which.items().size() == 4);
}

TEST_CASE("what can't be meant names the option and what it takes") {
    const auto has = [](const std::string& text, std::initializer_list<const char*> words) {
        for (const auto* word : words) {
            CAPTURE(text);
            CAPTURE(word);
            CHECK(text.find(word) != std::string::npos);
        }
    };
    for (const auto* time :
         {"yesterday",
          "2024-01-31",
          "2024-01-31T09:30:00",
          "2024-13-01T00:00:00Z",
          "@",
          "@1.5",
          ""})
        has(complaint_about([&](auto& w) { w.since = time; }), {"--since", time, "RFC 3339"});
    has(complaint_about([](auto& w) { w.until = "now"; }), {"--until", "'now'"});
    for (const auto* number : {"-1", "+1", "1.5", "x", "", " 1", "18446744073709551616", "0x10"}) {
        has(complaint_about([&](auto& w) { w.from = number; }), {"--from", number, "position"});
        has(complaint_about([&](auto& w) { w.to = number; }), {"--to", number});
        has(complaint_about([&](auto& w) { w.limit = number; }), {"--limit", number});
    }
    for (const auto* tag : {"user", ":1", ""})
        has(complaint_about([&](auto& w) { w.tags = {tag}; }), {"--tag", tag});
    for (const auto& time : {"yesterday", ""}) {
        has(complaint_about([&](auto& w) { w.recorded_since = time; }), {"--recorded-since", time});
        has(complaint_about([&](auto& w) { w.recorded_until = time; }), {"--recorded-until", time});
    }
    has(complaint_about([](auto& w) { w.from_revision = "1"; }),
        {"--from-revision", "one --stream"});
    has(complaint_about([](auto& w) {
            w.streams = {"a", "b"};
            w.to_revision = "1";
        }),
        {"--to-revision", "one --stream"});
    has(complaint_about([](auto& w) {
            w.streams = {"a"};
            w.from_revision = "2";
            w.to_revision = "1";
        }),
        {"--to-revision 1", "--from-revision 2"});
    has(complaint_about([](auto& w) {
            w.recorded_since = "@2";
            w.recorded_until = "@1";
        }),
        {"--recorded-until '@1'", "--recorded-since '@2'"});
    for (const auto* cursor : {"", "begin", "c1.x"})
        has(complaint_about([&](auto& w) { w.cursor = cursor; }), {"--cursor", cursor, "start"});
    for (const auto* where : {"a=1", "/a", "", "=1", "/a~2=1", "/a==1", "/a >> 3", "/a<>3"})
        has(complaint_about([&](auto& w) { w.where = {where}; }), {"--where", where});
    has(complaint_about([](auto& w) { w.streams = {""}; }), {"--stream"});
    has(complaint_about([](auto& w) { w.categories = {"\xff"}; }), {"--category", "UTF-8"});
    has(complaint_about([](auto& w) { w.types = {""}; }), {"--type"});
    has(complaint_about([](auto& w) {
            w.from = "5";
            w.to = "4";
        }),
        {"--to 4", "--from 5"});
    has(complaint_about([](auto& w) {
            w.since = "@2";
            w.until = "@1";
        }),
        {"--until '@1'", "--since '@2'"});
}

TEST_CASE("a range of one is a range") {
    CHECK(complaint_about([](auto& w) {
              w.from = "5";
              w.to = "5";
              w.since = "@1";
              w.until = "@1";
          }).empty());
}

TEST_CASE("a condition takes text as it is and any other value as JSON") {
    constexpr const char* data = R"({"id":123,"text":"123","name":"Ada = x","on":true,"none":null,)"
                                 R"("f":1.5,"a":[1,{"b":"c"}],"a/b":{"~":2},"":0,"o":{"k":1}})";
    for (const auto* yes :
         {"/id=123",
          "/text=123",
          "/text=\"123\"",
          "/name=Ada = x",
          "/on=true",
          "/none=null",
          "/f=1.5",
          "/a/0=1",
          "/a/1/b=c",
          "/a~1b/~0=2",
          "/=0",
          "/o={\"k\":1}",
          "/a=[1,{\"b\":\"c\"}]"}) {
        CAPTURE(yes);
        CHECK(holds(yes, data));
    }
    for (const auto* no :
         {"/id=12",
          "/id=\"123\"",
          "/id=",
          "/name=Ada",
          "/on=1",
          "/none=",
          "/missing=null",
          "/a/2=1",
          "/a/x=1",
          "/a/01=1",
          "/a/-=1",
          "/id/x=1",
          "/f=1,5",
          "/o={}"}) {
        CAPTURE(no);
        CHECK_FALSE(holds(no, data));
    }
}

TEST_CASE("a condition compares, with blanks or without") {
    constexpr const char* data =
        R"({"n":5,"f":1.5,"city":"Oslo","tags":["new","2"],"a b":1,"x<y":2,)"
        R"("who":"5","contains":3,"t":true})";
    for (const auto* yes :
         {"/n>4",
          "/n >= 5",
          " /n  <  6 ",
          "/n<=5.0",
          "/f < 2",
          "/n != 6",
          "/city = \"Oslo\"",
          "/city=Oslo",
          "/city != Bergen",
          "/city > Oslm",
          "/city contains sl",
          "/tags contains new",
          "/tags contains 2",
          "\"/a b\" = 1",
          "\"/x<y\"=2",
          "/contains = 3",
          "/contains contains 3 or /n != 1 is no text of it",
          "/t = true",
          "\"\" != 1"}) {
        CAPTURE(yes);
        const bool is_text = std::string_view{yes}.starts_with("/contains contains");
        CHECK(holds(yes, data) == !is_text);
    }
    for (const auto* no :
         {"/n > 5",
          "/n<5",
          "/who < 6",
          "/n != 5",
          "/who != 5",
          "/missing != 1",
          "/city contains SL"}) {
        CAPTURE(no);
        CHECK_FALSE(holds(no, data));
    }
}

TEST_CASE("a condition that can't be read says at which character") {
    const auto place = [](const std::string& where) {
        const auto text = complaint_about([&](auto& w) { w.where = {where}; });
        const auto at = text.find("at character ");
        return at == std::string::npos ? text : text.substr(at + 13);
    };
    CHECK(place("city = 1").starts_with("1:"));
    CHECK(place("  city").starts_with("3:"));
    CHECK(place("/city").starts_with("6:"));
    CHECK(place("/city == 1").starts_with("8:"));
    CHECK(place("/city = >1").starts_with("9:"));
    CHECK(place("/city ~ 1").starts_with("7:"));
    CHECK(place("/city ! 1").starts_with("7:"));
    CHECK(place("/city containsx").starts_with("7:"));
    CHECK(place("/city <").starts_with("8:"));
    CHECK(place("/city < true").starts_with("9:"));
    CHECK(place("/city = \"Oslo").starts_with("9:"));
    CHECK(place("\"/city = 1").starts_with("1:"));
    CHECK(place("/a~2 = 1").starts_with("1:"));
    CHECK(place("/\xc3\xa9\xc3\xa9 ~").starts_with("5:")); // characters, not bytes
}

TEST_CASE("a second process goes on where the first one said") {
    auto store = everfold::open("memory:");
    fill(store, 0, 20);
    for (const bool is_backwards : {false, true}) {
        std::vector<std::uint64_t> all;
        std::string place = "start";
        for (;;) {
            selected_events some{
                store,
                parse_selection(
                    {.streams = {"b"}, .is_backwards = is_backwards, .limit = "3", .cursor = place}
                )};
            const auto got = visited(some);
            if (got.empty())
                break;
            all.insert(all.end(), got.begin(), got.end());
            place = some.place().value().to_string();
        }
        CHECK(all == selected(store, {.streams = {"b"}, .is_backwards = is_backwards}));
    }
}

TEST_CASE("events are selected as a walk over all of them would") {
    auto store = everfold::open("memory:");
    fill(store, 0, 200);
    std::mt19937_64 random{7};
    for (int round = 0; round < 300; ++round) {
        const auto pick = [&](std::uint64_t n) { return random() % n; };
        selection_words words;
        if (pick(3) == 0)
            words.streams = {pick(2) == 0 ? "b" : "a-2"};
        if (pick(4) == 0)
            words.categories = {"a"};
        if (pick(3) == 0)
            words.types = {"fifth"};
        if (pick(3) == 0)
            words.tags = {"mod:" + std::to_string(pick(4))};
        if (pick(3) == 0)
            words.since = "@" + std::to_string(1000 + pick(200));
        if (pick(3) == 0)
            words.from = std::to_string(pick(100));
        if (pick(3) == 0)
            words.to = std::to_string(100 + pick(200));
        const auto n = pick(200);
        if (pick(5) == 0)
            words.where = {"/n=" + std::to_string(n)};
        words.is_backwards = pick(2) == 0;
        if (pick(3) == 0)
            words.limit = std::to_string(pick(20));
        CAPTURE(round);

        std::vector<std::uint64_t> wanted;
        for (std::uint64_t k = 0; k < 200; ++k) {
            const auto i = words.is_backwards ? 199 - k : k;
            const auto stream = i % 2 == 0 ? "a-" + std::to_string(i % 4) : "b";
            const bool matches =
                (words.streams.empty() || words.streams[0] == stream) &&
                (words.categories.empty() || stream[0] == 'a') &&
                (words.types.empty() || i % 5 == 0) &&
                (words.tags.empty() || words.tags[0] == "mod:" + std::to_string(i % 3)) &&
                (!words.since || 1000 + i >= std::stoull(words.since->substr(1))) &&
                (!words.from || i >= std::stoull(*words.from)) &&
                (!words.to || i <= std::stoull(*words.to)) && (words.where.empty() || i == n);
            if (matches && (!words.limit || wanted.size() < std::stoull(*words.limit)))
                wanted.push_back(i);
        }
        CHECK(selected(store, words) == wanted);
    }
}

TEST_CASE("a second visit goes on where the first one ended") {
    auto store = everfold::open("memory:");
    selected_events odd{store, parse_selection({.streams = {"b"}, .limit = "8"})};
    CHECK(visited(odd).empty());
    fill(store, 0, 10);
    CHECK(visited(odd) == std::vector<std::uint64_t>{1, 3, 5, 7, 9});
    CHECK(visited(odd).empty());
    CHECK_FALSE(odd.is_done());
    fill(store, 10, 20);
    CHECK(visited(odd) == std::vector<std::uint64_t>{11, 13, 15});
    CHECK(odd.is_done());
    CHECK(visited(odd).empty());
}

TEST_CASE("a visit is over once it has passed its last position") {
    auto store = everfold::open("memory:");
    fill(store, 0, 3);
    selected_events few{store, parse_selection({.to = "4"})};
    CHECK(visited(few).size() == 3);
    CHECK_FALSE(few.is_done());
    fill(store, 3, 5);
    CHECK(visited(few) == std::vector<std::uint64_t>{3, 4});
    CHECK(few.is_done());
}
