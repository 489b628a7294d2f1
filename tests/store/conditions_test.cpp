// SPDX-License-Identifier: MIT
// The conditions of an append: on streams that it does not write, and on queries.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <array>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

namespace {

append_request under(append_request request, append_condition condition) {
    request.conditions.push_back(std::move(condition));
    return request;
}

append_request with_id(append_request request, std::uint8_t n) {
    request.append_id.octets.fill(std::byte{n});
    return request;
}

no_event_matching none_of(query q, std::optional<std::uint64_t> after = {}) {
    return {
        .matching = std::move(q), .after = after ? std::optional{position{*after}} : std::nullopt};
}

errc code_of(const auto& act) {
    try {
        act();
    } catch (const error& e) {
        return e.code();
    }
    return errc{};
}

/// `thread_count` threads that begin each round together; how many of them won it.
template <class Attempt>
std::vector<int> wins_of_rounds(int rounds, int thread_count, const Attempt& attempt) {
    std::vector<std::atomic<int>> wins(static_cast<std::size_t>(rounds));
    std::barrier start{thread_count};
    {
        std::vector<std::jthread> threads;
        for (int me = 0; me < thread_count; ++me)
            threads.emplace_back([&, me] {
                for (int round = 0; round < rounds; ++round) {
                    start.arrive_and_wait();
                    if (attempt(round, me))
                        ++wins[static_cast<std::size_t>(round)];
                }
            });
    }
    std::vector<int> out;
    for (const auto& n : wins)
        out.push_back(n);
    return out;
}

constexpr int race_rounds = 1000;

} // namespace

TEST_CASE_TEMPLATE(
    "an event that matches a condition's query prevents the append", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    s.append(to_stream("seat-1", {numbered(0, "taken", {"seat:1", "row:a"})})).value();
    s.append(to_stream("seat-2", {numbered(1, "freed", {"seat:2", "row:a"})})).value();
    s.append(to_stream("log", {numbered(2)})).value();
    const auto check_all = [&] {
        const auto found = [&](query q, std::optional<std::uint64_t> after = {}) {
            const auto result =
                s.append(under(to_stream("new", {numbered(9)}), none_of(std::move(q), after)));
            const auto* lost = result.conflict_or_null();
            if (lost == nullptr)
                return -1;
            return static_cast<int>(lost->found.value().value());
        };
        CHECK(found(query{}.tag("seat", 1)) == 0);
        CHECK(found(query{}.tag("row", "a")) == 0);
        CHECK(found(query{}.tag("row", "a"), 0) == 1);
        CHECK(found(query{}.tag("row", "a").tag("seat", 2)) == 1);
        CHECK(found(query{}.type("freed")) == 1);
        CHECK(found(query{}.type("freed").type("taken")) == 0);
        CHECK(found(query{}.stream("log")) == 2);
        CHECK(found(query{}.category("seat")) == 0);
        CHECK(found(query{}.category("seat"), 0) == 1);
        CHECK(found(query{}.type("none") | query{}.stream("log")) == 2);
        CHECK(found(query{}) == 0);
        CHECK(found(query{}, 1) == 2);
    };
    check_all();
    s = stores.reopen(s);
    s.engine().archive("log", revision{0}, "");
    check_all();
    CHECK(s.end() == position{3});
    const auto holds = [&](query q, std::optional<std::uint64_t> after = {}) {
        return s.append(under(to_stream("new", {numbered(9)}), none_of(std::move(q), after)))
            .is_appended();
    };
    CHECK(holds(query{}.tag("row", "a"), 1));
    CHECK(holds(query{}.tag("seat", 3)));
    CHECK(holds(query{}.tag("seat", 1).tag("seat", 2)));
    CHECK(holds(query{}.tag("seat", 1).type("freed")));
    CHECK(holds(query{}.type("take")));
    CHECK(holds(query{}.stream("seat")));
    CHECK(holds(query{}.category("sea")));
    CHECK(holds(query{}, 9));
    CHECK(holds(query{}, 1'000'000));
}

TEST_CASE("a conflict says which condition, what was expected and what is there") {
    auto s = open("memory:");
    s.append(to_stream("a", {numbered(0, "taken", {"seat:4"})})).value();
    const auto asked = none_of(query{}.type("freed") | query{}.type("taken").tag("seat", 4));
    auto request = under(to_stream("a", {numbered(1)}), stream_condition{"b"});
    request.conditions.push_back(asked);
    const auto lost = s.append(request);
    REQUIRE(lost.conflict_or_null() != nullptr);
    CHECK(lost.conflict_or_null()->unmet == asked);
    CHECK(lost.conflict_or_null()->found == position{0});
    CHECK(
        lost.conflict_or_null()->to_string() ==
        "expected no event matching type freed, or type taken, tag seat:4, found one at position 0"
    );
    CHECK_THROWS_AS(lost.value(), conflict);
    const auto other = s.append(
        under(to_stream("a", {numbered(1)}), stream_condition{"b", expected_revision::exists()})
    );
    REQUIRE(other.conflict_or_null() != nullptr);
    CHECK(
        other.conflict_or_null()->to_string() ==
        "stream 'b': expected an existing stream, found no stream"
    );
}

TEST_CASE("a condition from an end on finds what was appended since, and nothing before") {
    auto s = open("memory:");
    const auto attempt = [&](position end) {
        const auto mine = none_of(query{}.tag("k", 1));
        return s
            .append(under(
                to_stream("a", {numbered(1, "t", {"k:1"})}),
                no_event_matching::from(mine.matching, end)
            ))
            .is_appended();
    };
    CHECK(attempt(position{0}));
    CHECK_FALSE(attempt(position{0}));
    CHECK(attempt(position{1}));
    CHECK_FALSE(attempt(position{1}));
}

TEST_CASE_TEMPLATE(
    "a condition on a stream that is not written holds or prevents", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    s.append(to_stream("account", {numbered(0)})).value();
    const auto holds = [&](const char* stream, expected_revision expected) {
        return s.append(under(to_stream("b", {numbered(1)}), stream_condition{stream, expected}))
            .is_appended();
    };
    CHECK(holds("account", expected_revision::exactly(revision{0})));
    CHECK(holds("account", expected_revision::exists()));
    CHECK(holds("none", expected_revision::no_stream()));
    CHECK_FALSE(holds("account", expected_revision::exactly(revision{1})));
    CHECK_FALSE(holds("account", expected_revision::no_stream()));
    CHECK_FALSE(holds("none", expected_revision::exists()));
    CHECK(s.end() == position{4});
}

TEST_CASE("a condition's query has no bounds, limit or direction, and asks nothing of the data") {
    auto s = open("memory:");
    for (const auto& q :
         {query{}.limit(1),
          query{}.backwards(),
          query{}.from(position{1}),
          query{}.to(position{1}),
          query{}.stream("a").from_revision(revision{1}),
          query{}.since(timestamp{}),
          query{}.until(timestamp{}),
          query{}.recorded_since(timestamp{}),
          query{}.where("/n", comparison::equal, 1)}) {
        const auto request = under(to_stream("a", {numbered(1)}), none_of(q));
        CHECK(code_of([&] { s.append(request).value(); }) == errc::invalid);
        CHECK(code_of([&] { s.append_async(request).get().value(); }) == errc::invalid);
    }
    CHECK(s.end() == position{0});
}

TEST_CASE("a condition sees what is in flight and can't be read yet") {
    for (const auto level : {durability::commit(), durability::os()}) {
        const auto disk = std::make_shared<io::simulated_disk>();
        auto s = open("/log", quiet({.level = level}), io::simulated_machine(disk));
        s.append(to_stream("x", {numbered(0, "t", {"k:0"})})).value();
        auto first = s.append_async(to_stream("x-1", {numbered(1, "t", {"k:0", "k:1"})}));
        auto second = s.append_async(to_stream("y", {numbered(2, "u", {"k:2"})}));
        const auto found = [&](query q, std::uint64_t after) {
            const auto result =
                s.append_async(under(to_stream("z", {numbered(3)}), none_of(std::move(q), after)))
                    .get();
            const auto* lost = result.conflict_or_null();
            return lost == nullptr ? -1 : static_cast<int>(lost->found.value().value());
        };
        CHECK(found(query{}.tag("k", 2), 0) == 2);
        CHECK(found(query{}.tag("k", 0).tag("k", 1), 0) == 1);
        CHECK(found(query{}.category("x"), 0) == 1);
        CHECK(found(query{}.type("u").stream("y"), 1) == 2);
        CHECK(found(query{}, 1) == 2);
        CHECK(found(query{}.tag("k", 2), 2) == -1);
        first.get().value();
        second.get().value();
    }
}

TEST_CASE("what a full disk takes back is in no condition's way") {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto s = open("/log", quiet({}), io::simulated_machine(disk));
    s.append(to_stream("x", {numbered(0)})).value();
    auto lost = s.append_async(to_stream("x", {numbered(1, "t", {"k:1"})}));
    disk->fail_at(disk->operation_count(), ENOSPC);
    CHECK_THROWS_AS(static_cast<void>(lost.get()), io_error);
    CHECK(s.append(under(to_stream("y", {numbered(2)}), none_of(query{}.tag("k", 1)))).is_appended()
    );
}

TEST_CASE_TEMPLATE(
    "P4: of racing writers on a boundary that admits one, exactly one wins",
    Stores,
    memory_stores,
    directory_stores
) {
    Stores stores;
    auto s = stores.open_store({.level = durability::os()});
    const auto wins = wins_of_rounds(race_rounds, 4, [&](int round, int me) {
        const auto tag = "name:" + std::to_string(round);
        // Each in a stream of its own: nothing but the query holds them apart.
        return s
            .append(under(
                to_stream("user-" + std::to_string(me), {numbered(1, "registered", {tag})}),
                none_of(query{}.type("registered").tag(tag))
            ))
            .is_appended();
    });
    CHECK(wins == std::vector<int>(race_rounds, 1));
    CHECK(s.end() == position{race_rounds});
}

TEST_CASE("P4: at level commit, too, a boundary admits one of many in flight") {
    memory_stores stores;
    auto s = stores.open_store();
    const auto wins = wins_of_rounds(race_rounds, 4, [&](int round, int me) {
        const auto tag = "name:" + std::to_string(round);
        return s
            .append(under(
                to_stream("user-" + std::to_string(me), {numbered(1, "registered", {tag})}),
                none_of(query{}.tag(tag))
            ))
            .is_appended();
    });
    CHECK(wins == std::vector<int>(race_rounds, 1));
}

TEST_CASE_TEMPLATE(
    "P4: two decisions that each read what the other writes are not both made",
    Stores,
    memory_stores,
    directory_stores
) {
    Stores stores;
    auto s = stores.open_store({.level = durability::os()});
    const std::array<std::string, 2> names{"a-", "b-"};
    const auto stream = [&](int who, int round) {
        return names[static_cast<std::size_t>(who)] + std::to_string(round);
    };
    const auto by_stream = wins_of_rounds(race_rounds, 2, [&](int round, int me) {
        return s
            .append(under(
                to_stream(stream(me, round), {numbered(1)}),
                stream_condition{stream(1 - me, round), expected_revision::no_stream()}
            ))
            .is_appended();
    });
    CHECK(by_stream == std::vector<int>(race_rounds, 1));
    const auto by_query = wins_of_rounds(race_rounds, 2, [&](int round, int me) {
        const auto r = round + race_rounds;
        return s
            .append(under(
                to_stream(stream(me, r), {numbered(1)}), none_of(query{}.stream(stream(1 - me, r)))
            ))
            .is_appended();
    });
    CHECK(by_query == std::vector<int>(race_rounds, 1));
}

TEST_CASE_TEMPLATE(
    "P21: a repeated append whose condition its own events break gets its first answer",
    Stores,
    EVERY_STORE
) {
    Stores stores;
    const store_options small{.segment_bytes_max = 4096 + 900};
    auto s = stores.open_store(small);
    const auto request = with_id(
        under(to_stream("a", {numbered(1, "t", {"k:1"})}), none_of(query{}.tag("k", 1))), 7
    );
    const auto first = s.append(request).value();
    const auto check_same = [&] {
        CHECK(s.append(request).value() == first);
        CHECK(s.append_async(request).get().value() == first);
        auto another = request;
        another.append_id.octets.fill(std::byte{8});
        CHECK_FALSE(s.append(another).is_appended());
    };
    check_same();
    s.append(to_stream("b", {numbered(2, "t", {"k:1"})})).value();
    check_same();
    while (s.stats().segments < 20) // far behind the window
        s.append(to_stream("c", {numbered(3)})).value();
    check_same();
    s = stores.reopen(s, small);
    check_same();
}

TEST_CASE_TEMPLATE(
    "P21: an append into a stream that ended meanwhile gets its first answer when repeated",
    Stores,
    EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    const auto request = with_id(to_stream("a", {numbered(1)}), 1);
    const auto exact =
        with_id(to_stream("a", {numbered(2)}, expected_revision::exactly(revision{0})), 2);
    const auto first = s.append(request).value();
    const auto second = s.append(exact).value();
    s.tombstone("a").value();
    const auto end = s.end();
    CHECK(s.append(request).value() == first);
    CHECK(s.append_async(exact).get().value() == second);
    s = stores.reopen(s);
    CHECK(s.append(exact).value() == second);
    CHECK(s.end() == end);
    const auto other = with_id(to_stream("a", {numbered(1)}), 3);
    CHECK(code_of([&] { s.append(other).value(); }) == errc::tombstoned);
    const auto changed = with_id(to_stream("a", {numbered(5)}), 1);
    CHECK(code_of([&] { s.append(changed).value(); }) == errc::invalid);
}

TEST_CASE_TEMPLATE(
    "P15: what rules put out of reach does not conflict, removed or not", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    for (std::uint32_t i = 0; i < 3; ++i)
        s.append(to_stream("a", {numbered(i, "t", {"k:1", "n:" + std::to_string(i)})})).value();
    s.append(to_stream("gone", {numbered(9, "t", {"k:2"})})).value();
    s.truncate("a", revision{2}).value();
    s.tombstone("gone").value();
    const auto found = [&](query q) {
        const auto result =
            s.append(under(to_stream("b", {numbered(9)}), none_of(std::move(q), {})));
        const auto* lost = result.conflict_or_null();
        return lost == nullptr ? -1 : static_cast<int>(lost->found.value().value());
    };
    const auto check_all = [&] {
        CHECK(found(query{}.tag("k", 1)) == 2);
        CHECK(found(query{}.tag("n", 1)) == -1);
        CHECK(found(query{}.tag("k", 2)) == -1);
        CHECK(found(query{}.type("$truncated")) == -1); // the log's own
    };
    check_all();
    s.engine().archive("a", revision{2}, "");
    s.scavenge();
    check_all();
}
