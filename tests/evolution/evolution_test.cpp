// SPDX-License-Identifier: MIT
// An event in an older form is today's event wherever a program reads it typed.

#include "generations.hpp"

#include <everfold/aggregate/fold.hpp>
#include <everfold/aggregate/repository.hpp>
#include <everfold/base/error.hpp>
#include <everfold/projection/live.hpp>
#include <everfold/projection/subscription.hpp>
#include <everfold/store/open.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace everfold;
using lines = std::vector<std::string>;

namespace {

struct user_book : aggregate<third::users> {};

/// Events of the first program, and one of the third.
store old_events() {
    auto s = open("memory:");
    s.append(
         "users",
         first::user_created{1, "Ada Lovelace", "ada@example.com"},
         first::user_imported{2, "Bob", "555"},
         first::user_imported{3, "Eve", ""},
         first::user_updated{.user_id = 1, .phone = "556"},
         first::user_noted{.user_id = 1, .text = "hello"},
         first::user_deleted{2},
         third::user_created{4, "Di", "Vine", {"a@x", "b@x"}}
    ).value();
    return s;
}

const lines said_by_the_newest{
    "created Ada|Lovelace ada@example.com",
    "created Bob|",
    "telephone 555",
    "created Eve|",
    "updated 556",
    "noted hello by -",
    "removed",
    "created Di|Vine a@x b@x"};

std::string refusal_of(const auto& act) {
    try {
        act();
    } catch (const schema_error& e) {
        return e.what();
    }
    return {};
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

struct failing {
    static constexpr std::string_view event_type = "user_created";
    static constexpr std::uint32_t event_version = 2;
    using previous = first::user_created;
    std::int64_t user_id{};
    static failing from(const previous&) { throw std::runtime_error{"no idea"}; }
};

} // namespace

TEST_CASE("a fold applies old versions, old names and the parts of a split event as today's") {
    auto s = old_events();
    folder<third::users> fold;
    third::users state;
    for (const auto& e : s.read())
        fold.apply(state, e);
    CHECK(state.said == said_by_the_newest);
    CHECK(fold.skipped() == 0);
}

TEST_CASE("a repository loads old events as today's, also as of a position") {
    auto s = old_events();
    repository<user_book> users{s};
    const auto all = users.load("users");
    CHECK(all.state().said == said_by_the_newest);
    const auto then = users.load("users", as_of{position{1}});
    CHECK(then.state().said == lines(said_by_the_newest.begin(), said_by_the_newest.begin() + 3));
}

TEST_CASE("a typed query finds old names and old versions, and as() reads them") {
    auto s = old_events();
    lines said;
    for (const auto& e : s.read(query{}.type<third::user_created>()))
        said.push_back(e.as<third::user_created>().given);
    CHECK(said == lines{"Ada", "Bob", "Eve", "Di"});
    std::uint64_t removed = 0;
    for (const auto& e : s.read(query{}.type<third::user_removed>())) {
        CHECK(e.is<third::user_removed>());
        removed += static_cast<std::uint64_t>(e.as<third::user_removed>().user_id);
    }
    CHECK(removed == 2);
}

TEST_CASE("a subscription's slot gets old events as today's, and none that from() drops") {
    auto s = old_events();
    lines said;
    subscription sub{s, std::nullopt};
    sub.on<third::user_created>([&](const third::user_created& e) { said.push_back(e.given); });
    sub.on<third::telephone_set>([&](const third::telephone_set& e) { said.push_back(e.number); });
    sub.on<third::user_updated>([&](const third::user_updated&) { said.emplace_back("updated"); });
    sub.on<third::user_removed>([&](const third::user_removed&) { said.emplace_back("removed"); });
    sub.catch_up();
    CHECK(said == lines{"Ada", "Bob", "555", "Eve", "updated", "removed", "Di"});
}

TEST_CASE("a live slot gets what an older program appends as today's event") {
    auto s = open("memory:");
    lines said;
    {
        live l{s};
        l.on<third::user_created>([&](const third::user_created& e) { said.push_back(e.given); });
        l.on<third::user_removed>([&](const third::user_removed&) { said.emplace_back("removed"); }
        );
        s.append("u", first::user_created{1, "Ada Lovelace", {}}, first::user_deleted{1}).value();
        s.append("u", first::user_imported{2, "Bob", ""}).value();
        const bool is_done = l.wait_for(position{2}, std::chrono::seconds{20});
        REQUIRE(is_done);
        l.close();
    }
    CHECK(said == lines{"Ada", "removed", "Bob"});
}

TEST_CASE("as() of an event that from() drops is a schema_error that says so") {
    auto s = open("memory:");
    s.append("u", first::user_imported{3, "Eve", ""}).value();
    for (const auto& e : s.read()) {
        const auto why = refusal_of([&] { static_cast<void>(e.as<third::telephone_set>()); });
        CHECK(has(why, "from() drops the event at position 0"));
    }
}

TEST_CASE("an upcaster that throws is an error with its place on every path") {
    auto s = open("memory:");
    s.append("u", first::user_created{1, "Ada", {}}).value();
    struct failing_state {
        using events = everfold::events<failing>;
        void apply(const failing&) {}
    };
    for (const auto& e : s.read()) {
        const auto why = refusal_of([&] { static_cast<void>(e.as<failing>()); });
        CHECK(has(why, "the upcaster failed at position 0: no idea"));
        failing_state state;
        folder<failing_state> fold;
        CHECK_THROWS_AS(fold.apply(state, e), replay_error);
    }
}

TEST_CASE("a version that is newer than the program is refused as newer, unless it is additive") {
    auto s = open("memory:");
    s.append("u", third::user_created{1, "Ada", "L", {}}).value();
    s.append("u", third::user_noted{1, "hello", "Bob"}).value();
    first::users state;
    folder<first::users> fold;
    lines whys;
    for (const auto& e : s.read())
        whys.push_back(refusal_of([&] { fold.apply(state, e); }));
    REQUIRE(whys.size() == 2);
    CHECK(has(whys[0], "user_created"));
    CHECK(has(whys[0], "is newer than this program"));
    CHECK(whys[1].empty());
    CHECK(state.said == lines{"noted hello unknown author"});
    for (const auto& e : s.read(query{}.type("user_created"))) {
        const auto why = refusal_of([&] { static_cast<void>(e.as<first::user_created>()); });
        CHECK(has(why, "is newer than this program"));
    }
    for (const auto& e : s.read(query{}.type("user_noted")))
        CHECK(e.as<first::user_noted>().unknown.contains("author"));
}
