// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <everfold/aggregate/stream_table.hpp>
#include <everfold/store/tools.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

using everfold::fold_streams;
using everfold::position;
using everfold::query;
using everfold::repository;
using everfold::revision;
using everfold::unknown_events;

namespace {

std::string book(int n) {
    return "book-" + std::to_string(n);
}

/// Events of many books and of others, in no order of streams.
void fill(everfold::store& store, int events, std::uint64_t seed = 1) {
    std::mt19937_64 random{seed};
    for (int i = 0; i < events; ++i) {
        const auto n = static_cast<int>(random() % 40);
        if (n < 30)
            put(store, book(n), entry_set{"n", i});
        else if (n < 35)
            put(store, book(n - 30), ledger_cleared{});
        else
            put(store, n == 39 ? "booking-1" : "other-1", entry_renamed{"a", "b"});
    }
}

/// The table says of every stream what a repository says that folds it alone.
void check_against_streams(everfold::store& store, const everfold::stream_table<ledger>& table) {
    auto alone = repository<ledger_book>{store};
    std::size_t streams = 0;
    for (const auto& name : store.streams()) {
        const auto* found = table.find(name);
        if (everfold::category_of(name) != "book") {
            CHECK(found == nullptr);
            continue;
        }
        ++streams;
        REQUIRE(found != nullptr);
        const auto expected = alone.replay(name);
        CHECK(found->stream == name);
        CHECK(found->state == expected.state());
        CHECK(found->last == expected.last_revision());
    }
    CHECK(table.size() == streams);
}

/// Of the same name and version as `ledger`, and of another layout.
struct sums {
    using events = everfold::events<entry_set, entry_removed, ledger_cleared>;
    std::int64_t sum{};
    void apply(const entry_set& e) { sum += e.value; }
    void apply(const entry_removed&) {}
    void apply(const ledger_cleared&) { sum = 0; }
};

} // namespace

TEST_CASE_TEMPLATE(
    "a table of streams holds what each stream of the category adds up to, and no other",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    fill(here.store(), 300);
    everfold::store& store = here.reopen();
    const auto table = fold_streams<ledger>(store, "book");
    check_against_streams(store, table);
    CHECK(table.category() == "book");
    CHECK(table.next() == position{300});
    CHECK(table.find("book") == nullptr);
    CHECK(table.find("") == nullptr);
    // In the order of the first event of each.
    std::vector<std::string> names;
    for (const auto& row : table)
        names.push_back(row.stream);
    auto expected = store.streams();
    std::erase_if(expected, [](const auto& n) { return everfold::category_of(n) != "book"; });
    CHECK(names == expected);
    CHECK(fold_streams<ledger>(store, "nothing").size() == 0);
}

TEST_CASE("a table is the same where it is long and each segment numbers its streams anew") {
    auto store = everfold::open("memory:", {.segment_bytes_max = std::uint64_t{64} * 1024});
    fill(store, 6000);
    REQUIRE(store.stats().segments > 3);
    auto table = fold_streams<ledger>(store, "book");
    check_against_streams(store, table);
    // What is removed leaves other numbers behind.
    store.truncate(book(0), revision{50}).value();
    store.truncate(book(7), revision{100}).value();
    store.scavenge();
    fill(store, 5000, 2);
    check_against_streams(store, fold_streams<ledger>(store, "book"));
}

TEST_CASE("a stream without an id is its own category") {
    auto store = everfold::open("memory:");
    put(store, "book", entry_set{"a", 1});
    put(store, "book-1", entry_set{"a", 2});
    const auto table = fold_streams<ledger>(store, "book");
    CHECK(table.size() == 2);
    CHECK(table.find("book")->state.entries.at("a") == 1);
    CHECK_THROWS_AS(static_cast<void>(fold_streams<ledger>(store, "")), everfold::error);
}

TEST_CASE("a table catches up by reading what is new, and nothing else") {
    auto store = everfold::open("memory:");
    fill(store, 200);
    auto table = fold_streams<ledger>(store, "book");
    const auto before = table.stats().events_replayed;
    table.catch_up();
    CHECK(table.stats().events_replayed == before);
    put(store, book(3), entry_set{"late", 1});
    put(store, book(99), entry_set{"new", 2});
    put(store, "other-1", entry_renamed{"x", "y"});
    CHECK(table.find(book(99)) == nullptr);
    table.catch_up();
    CHECK(table.stats().events_replayed == before + 2);
    CHECK(table.find(book(99))->state.entries.at("new") == 2);
    CHECK(table.next() == position{203});
    check_against_streams(store, table);
}

TEST_CASE_TEMPLATE(
    "a table begins at its snapshot and reads what comes after", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store(), 300);
    {
        auto table = fold_streams<ledger>(here.store(), "book");
        CHECK(table.save_snapshot());
        // The last two are kept, and the newest is used.
        put(here.store(), book(1), entry_set{"a", 1});
        table.catch_up();
        CHECK(table.save_snapshot());
    }
    put(here.store(), book(2), entry_set{"b", 2});
    put(here.store(), book(77), entry_set{"c", 3});
    everfold::store& store = here.reopen();
    const auto table = fold_streams<ledger>(store, "book");
    CHECK(table.stats() == everfold::stream_table_stats{2, 1, 0});
    check_against_streams(store, table);
    // Others find none of theirs.
    CHECK(fold_streams<ledger>(store, "boo").stats().snapshots_used == 0);
    const auto of_other_layout = fold_streams<sums>(store, "book");
    CHECK(of_other_layout.stats().snapshots_used == 0);
    CHECK(of_other_layout.stats().snapshots_refused == 2);
    CHECK(of_other_layout.size() == table.size());
    const auto lax = fold_streams<ledger>(store, "book", {.unknown = unknown_events::skip});
    CHECK(lax.stats().snapshots_used == 0);
}

TEST_CASE("verification finds nothing to say about the snapshot of a table") {
    in_a_directory here;
    fill(here.store(), 50);
    auto table = fold_streams<ledger>(here.store(), "book");
    CHECK(table.save_snapshot());
    const auto path = here.path();
    const auto found = everfold::verify(path);
    CHECK(found.notes.empty());
    CHECK(here.store().stats().snapshots == 1);
}

TEST_CASE_TEMPLATE(
    "P14: a table never depends on a snapshot of what is out of reach",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    everfold::store& store = here.store();
    for (int i = 0; i < 12; ++i)
        put(store, book(i % 2), entry_set{std::to_string(i), i});
    {
        auto table = fold_streams<ledger>(store, "book");
        CHECK(table.save_snapshot());
    }
    store.truncate(book(1), revision{4}).value();
    for (const bool is_removed : {false, true}) {
        CAPTURE(is_removed);
        auto table = fold_streams<ledger>(store, "book");
        CHECK(table.stats().snapshots_used == 0);
        CHECK(table.find(book(1))->state.changes == 2);
        CHECK_FALSE(table.save_snapshot());
        const auto done = store.scavenge();
        CHECK(done.snapshots == (is_removed ? 0 : 1));
    }
    CHECK(store.stats().snapshots == 0);
}

namespace {

/// Runs out of luck once, in the middle of an event.
struct unlucky {
    using events = everfold::events<entry_set>;
    std::int64_t sum{};

    static int& misfortunes() {
        static int count = 0;
        return count;
    }

    void apply(const entry_set& e) {
        sum += e.value;
        if (misfortunes()-- > 0)
            throw std::runtime_error{"not today"};
    }
};

} // namespace

TEST_CASE("a table whose apply() threw folds afresh the next time") {
    auto store = everfold::open("memory:");
    put(store, book(1), entry_set{"a", 1});
    auto table = fold_streams<unlucky>(store, "book");
    put(store, book(2), entry_set{"a", 2});
    put(store, book(1), entry_set{"a", 4});
    unlucky::misfortunes() = 1;
    CHECK_THROWS_AS(table.catch_up(), everfold::replay_error);
    CHECK(table.size() == 0);
    table.catch_up();
    CHECK(table.find(book(1))->state.sum == 5);
    CHECK(table.find(book(2))->state.sum == 2);
}

TEST_CASE("a table refuses what its states do not name, or skips it where it is told to") {
    auto store = everfold::open("memory:");
    put(store, book(1), entry_set{"a", 1}, entry_renamed{"a", "b"}, entry_set{"c", 3});
    CHECK_THROWS_AS(static_cast<void>(fold_streams<ledger>(store, "book")), everfold::schema_error);
    auto table = fold_streams<ledger>(store, "book", {.unknown = unknown_events::skip});
    CHECK(table.find(book(1))->state.changes == 2);
    CHECK(table.find(book(1))->last == revision{2});
}
