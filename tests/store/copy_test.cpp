// SPDX-License-Identifier: MIT
// Events of one store in another: as they were, fewer, or other ones.

#include <everfold/base/error.hpp>
#include <everfold/store/context.hpp>
#include <everfold/store/copy.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

/// What a copy keeps of an event.
std::string kept_of(const recorded_event& e) {
    std::string out = std::string{e.stream} + "@" + std::to_string(e.stream_revision.value()) +
                      " " + std::string{e.type} + " " + std::to_string(e.version) + " " +
                      e.id.to_string() + " " + e.occurred_at.to_string() + " " +
                      e.correlation_id.to_string() + " " + e.causation_id.to_string() + " ";
    for (const auto& tag : e.tags)
        (out += tag) += ',';
    out += as_text(e.metadata);
    return out + e.to_json();
}

/// A line for each event, with where its append begins.
std::vector<std::string> kept_in(store s, const query& q = {}) {
    std::vector<std::string> out;
    const auto cursor = s.engine().read(q);
    while (const auto* e = cursor->next()) {
        const auto append = cursor->append_of_last();
        REQUIRE(append.has_value());
        out.push_back(std::to_string(append->first.value()) + " " + kept_of(*e));
    }
    return out;
}

store_options small_options() {
    return quiet(
        {.segment_bytes_max = 4096 + 2500, .event_bytes_max = 2048, .batch_bytes_max = 1U << 14U}
    );
}

/// Appends over several streams, each stream once in an append and in one order, so that a copy has
/// the positions of the source.
void fill(store& s, std::uint64_t seed, int appends) {
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t n) { return random() % n; };
    for (int i = 0; i < appends; ++i) {
        append_request request;
        for (const auto* name : {"a-1", "a-2", "b-1", "c"}) {
            if (below(2) == 0)
                continue;
            stream_append to{.stream = name};
            for (auto n = 1 + below(3); n > 0; --n) {
                auto e = numbered(
                    static_cast<std::uint32_t>(below(100)),
                    below(2) == 0 ? "seen" : "counted",
                    {"k:" + std::to_string(below(3))}
                );
                if (below(2) == 0)
                    e.id.octets.fill(static_cast<std::byte>(1 + below(200)));
                if (below(2) == 0)
                    e.metadata = number_payload(7);
                if (below(2) == 0)
                    e.causation_id.octets.fill(std::byte{5});
                if (below(3) == 0)
                    e.occurred_at = timestamp{static_cast<std::int64_t>(below(1000)), 9};
                to.events.push_back(std::move(e));
            }
            request.streams.push_back(std::move(to));
        }
        if (!request.streams.empty())
            s.append(request).value();
    }
}

} // namespace

TEST_CASE_TEMPLATE(
    "a copy has the events of its source, in the same appends, whatever the stores are",
    Stores,
    memory_stores,
    simulated_stores
) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        CAPTURE(seed);
        const Stores kind;
        const simulated_stores others;
        *others.lives = 1000; // other random numbers, and so another log
        auto from = kind.open_store(small_options());
        auto to = others.open_store(small_options());
        fill(from, seed, 40);
        std::uint64_t told = 0;
        copy_options options;
        options.progress = [&](const copy_report& so_far) {
            CHECK(so_far.events > told);
            told = so_far.events;
        };
        const auto done = copy(from, to, options);
        CHECK(done.events == from.end().value());
        CHECK(done.read == done.events);
        CHECK(done.end == from.end());
        CHECK(told == done.events);
        CHECK(done.repeated_appends == 0);
        CHECK(kept_in(to) == kept_in(from));
        // Again: nothing is added. And once more, when there is more.
        const auto again = copy(from, to);
        CHECK(again.repeated_appends == again.appends);
        CHECK(to.end() == from.end());
        fill(from, seed + 100, 5);
        const auto more = copy(from, to);
        CHECK(more.repeated_appends == done.appends);
        CHECK(more.appends > done.appends);
        CHECK(kept_in(to) == kept_in(from));
    }
}

TEST_CASE("a copy that ends anywhere and is made again is the copy that did not end") {
    const simulated_stores source;
    auto from = source.open_store(small_options());
    fill(from, 4, 40);
    const auto wanted = kept_in(from);
    int ended = 0;
    for (std::uint64_t at = 0;; at += 3) {
        CAPTURE(at);
        const auto disk = std::make_shared<io::simulated_disk>();
        bool is_done = false;
        {
            auto to = open("/to", small_options(), io::simulated_machine(disk, 50));
            disk->power_off_at(disk->operation_count() + at);
            try {
                copy(from, to);
                is_done = true;
            } catch (const error&) { // the writer's, after the power went
            } catch (const io::simulated_disk::powered_off&) {
            }
            try {
                to.close();
            } catch (...) { // NOLINT(bugprone-empty-catch)
                // Its disk is off.
            }
        }
        const auto left = disk->after_power_cut(io::power_cut::random, at);
        auto to = open("/to", small_options(), io::simulated_machine(left, 51));
        const auto before = kept_in(to);
        REQUIRE(before.size() <= wanted.size());
        CHECK(std::equal(before.begin(), before.end(), wanted.begin()));
        copy(from, to);
        CHECK(kept_in(to) == wanted);
        if (is_done)
            break;
        ++ended;
    }
    CHECK(ended > 20);
}

TEST_CASE("a filter leaves out events, and what is left of an append stays one append") {
    const simulated_stores kinds;
    auto from = open("memory:");
    auto to = kinds.open_store();
    append_request request = to_stream("a", {numbered(1, "x"), numbered(2, "y")});
    request.streams.push_back({.stream = "b", .events = {numbered(3, "x")}});
    from.append(request).value();
    from.append(to_stream("a", {numbered(4, "y")})).value();
    from.append(to_stream("a", {numbered(5, "x")})).value();
    const auto done = copy(from, to, {.filter = query{}.type("x")});
    CHECK(done.read == 3);
    CHECK(done.appends == 2);
    const auto lines = kept_in(to);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].starts_with("0 a@0 x"));
    CHECK(lines[1].starts_with("0 b@0 x"));
    CHECK(lines[2].starts_with("2 a@1 x"));
    // Another selection of the same appends is another copy.
    CHECK_THROWS_AS(copy(from, to, {.filter = query{}.type("y")}), conflict);
    CHECK(to.end() == position{3});
}

TEST_CASE("a transform makes none, one or several events of one, all in its append") {
    const simulated_stores kinds;
    auto from = open("memory:");
    auto to = kinds.open_store();
    for (std::uint32_t i = 0; i < 9; ++i)
        from.append(to_stream("all", {numbered(i), numbered(i + 100)})).value();
    copy_options options;
    options.transform = [](const recorded_event& e, std::vector<copied_event>& out) {
        const auto n = e.log_position.value();
        for (std::uint64_t i = 0; i < n % 3; ++i) {
            auto event = as_copied(e);
            event.stream = "part-" + std::to_string(i);
            event.event.id = {};
            out.push_back(std::move(event));
        }
    };
    const auto done = copy(from, to, options);
    CHECK(done.read == 18);
    CHECK(done.events == 18);
    CHECK(to.last_revision("part-0") == revision{11});
    CHECK(to.last_revision("part-1") == revision{5});
    const auto again = copy(from, to, options);
    CHECK(again.repeated_appends == again.appends);
    CHECK(to.end() == position{18});
}

TEST_CASE("a copy keeps ids and recorded times, or gives new ones where it is told to") {
    const auto clock = std::make_shared<io::simulated_clock>();
    const auto disk = std::make_shared<io::simulated_disk>();
    auto machine = io::simulated_machine(disk, 1);
    machine.time = clock;
    auto from = open("/from", small_options(), machine);
    from.append(to_stream("a", {numbered(1)})).value();
    clock->advance(std::chrono::hours{5});
    machine.random = io::simulated_machine(disk, 2).random;
    auto kept = open("/kept", small_options(), machine);
    auto made_new = open("/new", small_options(), machine);
    copy(from, kept);
    copy(from, made_new, {.preserve = {.ids = false, .recorded_times = false}});
    const auto was = from.read();
    const auto is = kept.read();
    auto one = event_range{from.engine().read({})};
    auto same = event_range{kept.engine().read({})};
    auto other = event_range{made_new.engine().read({})};
    const auto& a = *one.begin();
    const auto& b = *same.begin();
    const auto& c = *other.begin();
    CHECK(b.id == a.id);
    CHECK(b.recorded_at == a.recorded_at);
    CHECK(c.id != a.id);
    CHECK(c.recorded_at > a.recorded_at);
    CHECK(c.occurred_at == a.occurred_at);
}

TEST_CASE("a copy refuses a stream that has other events, its own log, and to go backwards") {
    const simulated_stores kinds;
    auto from = open("memory:");
    auto to = kinds.open_store();
    from.append(to_stream("a", {numbered(1)})).value();
    from.append(to_stream("b", {numbered(2)})).value();
    to.append(to_stream("b", {numbered(9)})).value();
    try {
        copy(from, to);
        FAIL("copied onto what was there");
    } catch (const conflict& e) {
        CHECK(e.stream() == "b");
        CHECK(std::string{e.what()}.find("all before position 1") != std::string::npos);
    }
    CHECK(to.last_revision("a") == revision{0});
    CHECK(to.last_revision("b") == revision{0});
    CHECK_THROWS_AS(copy(from, from), error);
    CHECK_THROWS_AS(copy(from, to, {.filter = query{}.backwards()}), error);
}

TEST_CASE("what the thread appends for others is not added to what it copies") {
    const simulated_stores kinds;
    auto from = open("memory:");
    auto to = kinds.open_store();
    from.append(to_stream("a", {numbered(1)})).value();
    {
        const with_metadata who{{"user", "ada"}};
        copy(from, to);
    }
    CHECK(kept_in(to) == kept_in(from));
    const auto again = copy(from, to);
    CHECK(again.repeated_appends == 1);
}
