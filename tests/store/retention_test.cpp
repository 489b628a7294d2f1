// SPDX-License-Identifier: MIT
// Rules of streams: what they put out of reach is not read, removed or not.

#include <everfold/base/error.hpp>
#include <everfold/log/manifest.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <algorithm>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using lines = std::vector<std::string>;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

namespace {

errc code_of(const auto& act) {
    try {
        act();
    } catch (const error& e) {
        return e.code();
    }
    FAIL("nothing was thrown");
    return errc::io;
}

std::string to_line(const stream_info& of) {
    const auto number = [](const auto& n) { return n ? std::to_string(n->value()) : "none"; };
    return of.name + ": " + std::string{to_text(of.state)} + " " + std::to_string(of.events) + " " +
           number(of.first) + " " + number(of.last) + " " + number(of.last_revision);
}

store with_events(auto& stores) {
    auto s = stores.open_store();
    for (std::uint32_t i = 0; i < 6; ++i)
        s.append(to_stream(i % 2 == 0 ? "user-1" : "user-2", {numbered(i)})).value();
    return s;
}

} // namespace

TEST_CASE_TEMPLATE("a truncated stream begins where the rule says", Stores, EVERY_STORE) {
    Stores stores;
    auto s = with_events(stores);
    s.truncate("user-1", revision{1}).value();
    const lines rest{R"(2 user-1@1 counted {"n":2})", R"(4 user-1@2 counted {"n":4})"};
    const auto check_all = [&] {
        CHECK(lines_of(s.read(query{}.stream("user-1"))) == rest);
        CHECK(lines_of(s.read(query{}.stream("user-1").backwards().limit(1))) == lines{rest[1]});
        CHECK(lines_of(s.read(query{}.stream("user-1").from_revision(revision{0}))) == rest);
        CHECK(
            lines_of(s.read(query{}.stream("user-1").to_revision(revision{1}))) == lines{rest[0]}
        );
        CHECK(lines_of(s.read(query{}.stream("user-1").to_revision(revision{0}))).empty());
        CHECK(lines_of(s.read()).size() == 5);
        CHECK(s.last_revision("user-1") == revision{2});
        CHECK(s.streams() == lines{"user-1", "user-2"});
    };
    check_all();
    s = stores.reopen(s);
    check_all();
    CHECK(s.scavenge({.is_dry_run = true}).events == 1);
    CHECK(s.stats().events == 7); // the rule is one
    const auto done = s.scavenge({.why = "a test"});
    CHECK(done.events == 1);
    CHECK(done.segments == 1);
    check_all();
    s = stores.reopen(s);
    check_all();
    CHECK(s.stats().events == 6);
    CHECK(s.scavenge().events == 0);
    CHECK(
        s.append(to_stream("user-1", {numbered(7)}, expected_revision::exactly(revision{2})))
            .value()
            .last_revisions.front() == revision{3}
    );
}

TEST_CASE_TEMPLATE("no truncation hides an event that comes later", Stores, EVERY_STORE) {
    Stores stores;
    auto s = with_events(stores);
    const auto too_far = code_of([&] { s.truncate("user-1", revision{4}).value(); });
    CHECK(too_far == errc::invalid);
    const auto of_none =
        code_of([&] { s.truncate("nobody", revision{1}, expected_revision::any()).value(); });
    CHECK(of_none == errc::invalid);
    CHECK(lines_of(s.read()).size() == 6);
    CHECK(s.end() == position{6});
    s.truncate("user-1", revision{3}).value();
    CHECK(lines_of(s.read(query{}.stream("user-1"))).empty());
    CHECK(s.scavenge().events == 3);
    s = stores.reopen(s);
    s.append(to_stream("user-1", {numbered(9)})).value();
    CHECK(lines_of(s.read(query{}.stream("user-1"))) == lines{R"(7 user-1@3 counted {"n":9})"});
}

TEST_CASE_TEMPLATE(
    "a tombstoned stream can't be read, and has ended for ever", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = with_events(stores);
    CHECK_FALSE(s.tombstone("user-1", expected_revision::exactly(revision{0})).is_appended());
    CHECK_FALSE(s.tombstone("nobody").is_appended());
    s.tombstone("user-1").value();
    const auto check_all = [&] {
        const auto read = code_of([&] { static_cast<void>(s.read(query{}.stream("user-1"))); });
        CHECK(read == errc::tombstoned);
        CHECK(lines_of(s.read(query{}.category("user"))).size() == 3);
        CHECK(s.streams() == lines{"user-2"});
        const auto again = code_of([&] { s.append(to_stream("user-1", {numbered(9)})).value(); });
        CHECK(again == errc::tombstoned);
        const auto twice = code_of([&] { s.tombstone("user-1").value(); });
        CHECK(twice == errc::tombstoned);
    };
    check_all();
    s = stores.reopen(s);
    check_all();
    CHECK(s.scavenge().events == 3);
    check_all();
    s = stores.reopen(s);
    check_all();
    CHECK(s.stats().events == 4);
}

TEST_CASE_TEMPLATE("of a stream with a limit the last events can be reached", Stores, EVERY_STORE) {
    Stores stores;
    auto s = with_events(stores);
    s.retain("user-1", {.max_count = 2}).value();
    const auto revisions = [&] {
        std::vector<std::uint64_t> out;
        for (const auto& e : s.read(query{}.stream("user-1")))
            out.push_back(e.stream_revision.value());
        return out;
    };
    CHECK(revisions() == std::vector<std::uint64_t>{1, 2});
    s.append(to_stream("user-1", {numbered(6)})).value();
    CHECK(revisions() == std::vector<std::uint64_t>{2, 3});
    CHECK(s.scavenge().events == 2);
    CHECK(revisions() == std::vector<std::uint64_t>{2, 3});
    s.retain("user-1", {}).value(); // no bound any more: what is gone stays gone
    CHECK(revisions() == std::vector<std::uint64_t>{2, 3});
}

TEST_CASE("what is older than the rule allows can't be reached, and the stream goes on") {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto machine = io::simulated_machine(disk);
    const auto time = std::make_shared<io::simulated_clock>();
    machine.time = time;
    auto s = open("/log", quiet({}), machine);
    s.append(to_stream("session-1", {numbered(0), numbered(1)})).value();
    time->advance(std::chrono::hours{2});
    s.append(to_stream("session-1", {numbered(2)})).value();
    s.retain("session-1", {.max_age = std::chrono::hours{1}}).value();
    CHECK(lines_of(s.read(query{}.stream("session-1"))).size() == 1);
    CHECK(s.scavenge().events == 2);
    CHECK(lines_of(s.read(query{}.stream("session-1"))).size() == 1);
    time->advance(std::chrono::hours{2});
    CHECK(lines_of(s.read(query{}.stream("session-1"))).empty());
    CHECK(s.streams() == lines{"session-1"}); // it has an event, though too old a one
    CHECK(s.scavenge().events == 1);
    CHECK(s.last_revision("session-1") == revision{2});
    const auto next = s.append(to_stream("session-1", {numbered(3)})).value();
    CHECK(next.last_revisions.front() == revision{3});
}

TEST_CASE_TEMPLATE("rules are read by name only, and written by rules only", Stores, EVERY_STORE) {
    Stores stores;
    auto s = with_events(stores);
    s.truncate("user-1", revision{1}).value();
    s.retain("user-2", {.max_count = 9, .max_age = std::chrono::seconds{5}}).value();
    const lines recorded{
        R"(6 $streams@0 $truncated {"stream":"user-1","before":1})",
        R"(7 $streams@1 $retained {"stream":"user-2","max_count":9,"max_age_ns":5000000000})"};
    CHECK(lines_of(s.read(query{}.stream("$streams"))) == recorded);
    CHECK(s.streams() == lines{"user-1", "user-2"});
    const auto refused = code_of([&] { s.append(to_stream("$mine", {numbered(1)})).value(); });
    CHECK(refused == errc::invalid);
    const auto of_rules = code_of([&] { s.tombstone("$streams").value(); });
    CHECK(of_rules == errc::invalid);
}

TEST_CASE("each removal is written down with its reason, and outlives archiving and reopening") {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto machine = io::simulated_machine(disk);
    const auto time = std::make_shared<io::simulated_clock>();
    machine.time = time;
    auto s = open("/log", quiet({.segment_bytes_max = 4096 + 600}), machine);
    for (std::uint32_t i = 0; i < 12; ++i)
        s.append(to_stream("s", {numbered(i)})).value();
    CHECK(s.removals().empty());
    s.truncate("s", revision{1}).value();
    CHECK(s.scavenge({.why = "the first"}).segments == 1);
    time->advance(std::chrono::hours{1});
    s.truncate("s", revision{9}).value();
    const auto second = s.scavenge({.why = "the second"});
    REQUIRE(second.segments > 1);
    const auto check_records = [&](const std::vector<removal_record>& found) {
        REQUIRE(found.size() == 1 + second.segments);
        CHECK(found.front().why == "the first");
        CHECK(found.front().events == 1);
        CHECK(found.front().segment == 0);
        std::uint64_t events = 0;
        for (std::size_t i = 1; i < found.size(); ++i) {
            CHECK(found[i].why == "the second");
            CHECK(found[i].at.to_milliseconds() - found.front().at.to_milliseconds() >= 3'600'000);
            CHECK(found[i].segment == i - 1); // the first of them was rewritten before
            CHECK(found[i].source_bytes > 4096);
            events += found[i].events;
        }
        CHECK(found[2].first > found[1].first);
        CHECK(events == second.events);
    };
    const auto records = s.removals();
    check_records(records);
    s.engine().archive("s", revision{11}, "");
    CHECK(s.removals() == records);
    auto reader = open("/log", {.mode = open_mode::read_only}, io::simulated_machine(disk, 9));
    CHECK(reader.removals() == records);
    s.close();
    s = open("/log", quiet({}), io::simulated_machine(disk, 3));
    CHECK(s.removals() == records);
}

TEST_CASE("a reader beside the writer sees rules, and answers the same after a removal") {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto writer = open("/log", quiet({}), io::simulated_machine(disk));
    for (std::uint32_t i = 0; i < 6; ++i)
        writer.append(to_stream("s", {numbered(i)})).value();
    auto reader = open("/log", {.mode = open_mode::read_only}, io::simulated_machine(disk, 9));
    CHECK(lines_of(reader.read()).size() == 6);
    auto begun = reader.read();
    auto it = begun.begin();
    writer.truncate("s", revision{4}).value();
    CHECK(lines_of(reader.read()).size() == 2);
    CHECK(writer.scavenge().events == 4);
    CHECK(lines_of(reader.read()).size() == 2);
    CHECK(lines_of(reader.read(query{}.stream("s").from_revision(revision{1}))).size() == 2);
    // Whoever was reading goes on with what there was or what there is.
    std::size_t seen = 0;
    for (; it != begun.end(); ++it)
        ++seen;
    CHECK((seen == 6 || seen == 2));
    const auto refused = code_of([&] { reader.scavenge(); });
    CHECK(refused == errc::read_only);
    CHECK(reader.scavenge({.is_dry_run = true}).events == 0);
}

TEST_CASE("P15: no answer depends on whether what can't be reached was removed") {
    std::uint64_t removed = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random{seed};
        const auto disk = std::make_shared<io::simulated_disk>();
        const auto options = [&] {
            auto out = quiet({.segment_bytes_max = 4096 + 1500});
            out.compress_sealed = seed % 2 == 0;
            return out;
        };
        auto s = open("/log", options(), io::simulated_machine(disk, 100 * seed));
        const lines names{"a-1", "a-2", "b-1", "b-2", "c"};
        std::set<std::string> ended;
        const auto answers = [&] {
            lines out = lines_of(s.read());
            const auto add = [&](event_range range) {
                for (auto& line : lines_of(std::move(range)))
                    out.push_back(std::move(line));
                out.emplace_back("--");
            };
            for (const auto& name : names) {
                out.push_back(to_line(s.about(name)));
                if (ended.contains(name))
                    continue; // reading it is refused
                add(s.read(query{}.stream(name)));
                add(s.read(query{}.stream(name).backwards().limit(3)));
                add(s.read(query{}.stream(name).from_revision(revision{5})));
                add(s.read(query{}.stream(name).to_revision(revision{7})));
                const auto last = s.last_revision(name);
                out.push_back(last ? std::to_string(last->value()) : "none");
            }
            add(s.read(query{}.category("a")));
            add(s.read(query{}.type("t1")));
            add(s.read(query{}.tag("k:1").from(position{20})));
            for (const auto& c : s.categories())
                out.push_back(c.name + std::to_string(c.streams) + " " + std::to_string(c.events));
            std::ranges::sort(
                out.end() - static_cast<std::ptrdiff_t>(s.categories().size()), out.end()
            );
            auto streams = s.streams();
            std::ranges::sort(streams); // their order is that of the first event left
            for (auto& name : streams)
                out.push_back(std::move(name));
            out.push_back(std::to_string(s.end().value()));
            return out;
        };
        for (std::uint32_t i = 0; i < 120; ++i) {
            const auto& name = names[random() % names.size()];
            if (ended.contains(name))
                continue;
            const auto dice = random() % 20;
            const auto last = s.last_revision(name);
            if (dice == 0 && last)
                s.truncate(name, revision{random() % (last->value() + 2)}).value();
            else if (dice == 1)
                s.retain(name, {.max_count = 1 + random() % 6}).value();
            else if (dice == 2 && last && ended.size() < 2) {
                s.tombstone(name).value();
                ended.insert(name);
            } else {
                s
                    .append(to_stream(
                        name, {numbered(i, i % 2 == 0 ? "t0" : "t1", {i % 3 == 0 ? "k:1" : "k:2"})}
                    ))
                    .value();
            }
            if (i % 40 != 39)
                continue;
            const auto before = answers();
            const auto planned = s.scavenge({.is_dry_run = true}).events;
            const auto done = s.scavenge({.why = "a test"});
            CHECK(done.events == planned);
            removed += done.events;
            CHECK(answers() == before);
            s.close();
            s = open("/log", options(), io::simulated_machine(disk, 100 * seed + i, 2));
            CHECK(s.report().notes.empty());
            CHECK(answers() == before);
            CHECK(s.scavenge({.is_dry_run = true}).events == 0);
        }
    }
    CHECK(removed > 200);
    std::printf(
        "removals that changed no answer: %llu events\n", static_cast<unsigned long long>(removed)
    );
}
