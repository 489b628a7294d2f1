// SPDX-License-Identifier: MIT
// What a store says of its streams: how many events, where, under which rules, and how they ended.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using lines = std::vector<std::string>;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

namespace {

struct owner {
    std::string team{};
    std::vector<std::string> readers{};
};

struct big {
    std::string text{};
};

std::vector<stream_info> all_of(store& s) {
    std::vector<stream_info> out;
    for (const auto& stream : s.list_streams())
        out.push_back(stream);
    return out;
}

lines names_of(store& s) {
    lines out;
    for (const auto& stream : s.list_streams())
        out.push_back(stream.name);
    return out;
}

/// What a scan of the events says.
stream_info counted_by_reading(store& s, const std::string& name) {
    stream_info out{.name = name, .category = std::string{category_of(name)}};
    for (const auto& e : s.read(query{}.stream(name))) {
        ++out.events;
        out.first = out.first.value_or(e.log_position);
        out.last = e.log_position;
    }
    return out;
}

errc code_of(const auto& act) {
    try {
        act();
    } catch (const error& e) {
        return e.code();
    }
    FAIL("nothing was thrown");
    return errc::io;
}

} // namespace

TEST_CASE_TEMPLATE(
    "each stream is listed once, with what a reader would count", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store({.segment_bytes_max = 4096 + 1500});
    CHECK(names_of(s).empty());
    CHECK(s.categories().empty());
    for (std::uint32_t i = 0; i < 90; ++i)
        s.append(to_stream(i % 3 == 0 ? "user-1" : "order-" + std::to_string(i / 20), {numbered(i)})
        )
            .value();
    s.truncate("order-0", revision{3}).value();
    s.retain("order-1", {.max_count = 2}).value();
    s.truncate("order-2", revision{14}).value();
    s.tombstone("order-3").value();
    const auto check_all = [&] {
        REQUIRE(s.stats().segments > 2);
        CHECK(
            names_of(s) == lines{"user-1", "order-0", "order-1", "order-2", "order-4", "order-3"}
        );
        for (const auto& stream : all_of(s)) {
            CAPTURE(stream.name);
            if (stream.state == stream_state::tombstoned)
                continue;
            const auto read = counted_by_reading(s, stream.name);
            CHECK(stream.events == read.events);
            CHECK(stream.first == read.first);
            CHECK(stream.last == read.last);
            CHECK(stream.last_revision == s.last_revision(stream.name));
            CHECK(stream == s.about(stream.name));
        }
        CHECK(s.about("order-0").begins_at == revision{3});
        CHECK(s.about("order-1").kept == retention{.max_count = 2});
        CHECK(s.about("order-1").events == 2);
        CHECK(s.about("order-2").state == stream_state::empty);
        CHECK(s.about("order-2").last_revision == revision{13});
        CHECK(s.about("order-3").state == stream_state::tombstoned);
        CHECK(s.about("order-3").events == 0);
        CHECK(s.about("user-1").state == stream_state::readable);
        CHECK(s.about("user-1").events == 30);
        CHECK(s.about("nobody").state == stream_state::unknown);
        const auto categories = s.categories();
        REQUIRE(categories.size() == 2);
        CHECK(categories[0] == category_info{"user", 1, 30});
        CHECK(categories[1].streams == 3);
        std::uint64_t events = 0;
        for (const auto& c : categories)
            events += c.events;
        CHECK(events == lines_of(s.read()).size());
    };
    check_all();
    s = stores.reopen(s);
    check_all();
    s.engine().archive("user-1", revision{20}, "");
    check_all();
}

TEST_CASE("listing streams and categories reads no event") {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto s = open("/log", quiet({.segment_bytes_max = 4096 + 1500}), io::simulated_machine(disk));
    for (std::uint32_t i = 0; i < 200; ++i)
        s.append(to_stream("s-" + std::to_string(i % 7), {numbered(i)})).value();
    // The indexes are opened once; from then on there is nothing to read.
    const auto known = all_of(s);
    const auto before = disk->operation_count();
    CHECK(all_of(s) == known);
    CHECK(s.categories() == std::vector<category_info>{{"s", 7, 200}});
    CHECK(disk->operation_count() == before);
    CHECK(lines_of(s.read()).size() == 200);
    CHECK(disk->operation_count() > before); // reading is counted
}

TEST_CASE("of an append whose events have several times, only those in time are counted") {
    auto machine = io::simulated_machine(std::make_shared<io::simulated_disk>());
    const auto time = std::make_shared<io::simulated_clock>();
    machine.time = time;
    auto s = open("/log", quiet({}), machine);
    s.append(to_stream("s", {numbered(0)})).value();
    const auto start = time->now();
    time->advance(std::chrono::hours{5});
    auto early = numbered(1);
    early.originally_recorded_at = timestamp::from_milliseconds(start.to_milliseconds() + 1000);
    s.append(to_stream("s", {early, numbered(2)})).value();
    s.retain("s", {.max_age = std::chrono::hours{1}}).value();
    const auto found = s.about("s");
    CHECK(found.events == lines_of(s.read(query{}.stream("s"))).size());
    CHECK(found.events == 1);
    CHECK(found.first == position{2});
    time->advance(std::chrono::hours{5});
    CHECK(s.about("s").events == 0);
    CHECK(s.about("s").state == stream_state::empty);
}

TEST_CASE_TEMPLATE("reading a tombstoned stream says so, when and why", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    s.append(to_stream("user-1", {numbered(1)})).value();
    s.append(to_stream("user-2", {numbered(2)})).value();
    const auto rule =
        s.tombstone("user-1", expected_revision::exists(), "on request, ticket 7").value().first;
    const auto check_all = [&] {
        const auto end = s.about("user-1").end;
        REQUIRE(end);
        CHECK(end->rule == rule);
        CHECK(end->why == "on request, ticket 7");
        try {
            const auto range = s.read(query{}.stream("user-1").type("counted"));
            FAIL("it was read");
        } catch (const stream_ended& e) {
            CHECK(e.code() == errc::tombstoned);
            CHECK(e.stream() == "user-1");
            CHECK(e.how() == *end);
            CHECK(
                e.message() == "the stream 'user-1' has ended: it was tombstoned at " +
                                   end->at.to_string() + ", on request, ticket 7"
            );
        }
        // Who reads more than this one stream goes on with the others.
        const lines rest{R"(1 user-2@0 counted {"n":2})"};
        CHECK(lines_of(s.read()) == rest);
        CHECK(lines_of(s.read(query{}.category("user"))) == rest);
        CHECK(lines_of(s.read(query{}.stream("user-1") | query{}.stream("user-2"))) == rest);
        // One that never was is empty.
        CHECK(lines_of(s.read(query{}.stream("user-3"))).empty());
        for (const auto& e : s.read(query{}.stream("$streams")))
            CHECK(e.recorded_at == end->at);
    };
    check_all();
    s = stores.reopen(s);
    check_all();
    CHECK(s.scavenge().events == 1);
    check_all();
    s = stores.reopen(s);
    check_all();
    const auto too_long = code_of([&] {
        s.tombstone("user-2", expected_revision::any(), std::string(4097, 'x')).value();
    });
    CHECK(too_long == errc::invalid);
}

TEST_CASE_TEMPLATE("a stream has the metadata that it was given last", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    CHECK(s.about("user-1").metadata_json() == "{}");
    s.describe("user-1", owner{"sales", {"ada"}}).value(); // before its first event, too
    s.append(to_stream("user-1", {numbered(1)})).value();
    s.append(to_stream("user-2", {numbered(2)})).value();
    s.describe("user-1", owner{"support", {}}).value();
    s.describe("user-2", owner{"sales", {}}, expected_revision::exactly(revision{0})).value();
    CHECK_FALSE(s.describe("user-2", owner{}, expected_revision::no_stream()).is_appended());
    const auto check_all = [&] {
        CHECK(s.about("user-1").metadata_json() == R"({"team":"support","readers":[]})");
        CHECK(decode_as<owner>(s.about("user-1").metadata).team == "support");
        CHECK(s.about("user-2").metadata_json() == R"({"team":"sales","readers":[]})");
        CHECK(s.about("user-3").metadata.empty());
        CHECK(lines_of(s.read()).size() == 2);
        CHECK(s.about("user-1").events == 1);
        // What there was before can be read.
        const auto all = lines_of(s.read(query{}.stream("$streams")));
        REQUIRE(all.size() == 3);
        CHECK(
            all.front() ==
            R"(0 $streams@0 $described {"stream":"user-1","metadata":{"team":"sales","readers":["ada"]}})"
        );
    };
    check_all();
    s = stores.reopen(s);
    check_all();
    s.engine().archive("user-1", revision{0}, "");
    CHECK(s.scavenge().events == 0);
    s = stores.reopen(s);
    check_all();
    const auto too_big =
        code_of([&] { s.describe("user-1", big{std::string(70'000, 'x')}).value(); });
    CHECK(too_big == errc::limit);
    const auto no_map = code_of([&] { s.describe("user-1", byte_buffer{std::byte{1}}).value(); });
    CHECK(no_map == errc::encoding);
    s.tombstone("user-1").value();
    CHECK(s.about("user-1").metadata_json() == R"({"team":"support","readers":[]})");
    const auto ended = code_of([&] { s.describe("user-1", owner{}).value(); });
    CHECK(ended == errc::tombstoned);
}
