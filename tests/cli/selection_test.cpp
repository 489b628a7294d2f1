// SPDX-License-Identifier: MIT
// The selection language, its conditions, and visiting what it selects.

#include <everfold/cli/failure.hpp>
#include <everfold/cli/selection.hpp>
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
using everfold::cli::field_condition;
using everfold::cli::parse_selection;
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
    return field_condition{condition}.holds_for(nlohmann::ordered_json::parse(data));
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
    CHECK(all.conditions.empty());
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
                            .backwards();
    CHECK(s.which == wanted);
    CHECK(s.conditions.size() == 1);
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
    for (const auto* where : {"a=1", "/a", "", "=1", "/a~2=1"})
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
