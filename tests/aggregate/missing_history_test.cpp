// SPDX-License-Identifier: MIT
// States that can't be known any more are refused by name, and all others are what they were.

#include "ledger.hpp"

#include <everfold/aggregate/repository.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using everfold::as_of;
using everfold::missing_events;
using everfold::position;
using everfold::repository;
using everfold::revision;

namespace {

using range = std::pair<std::uint64_t, std::uint64_t>;

constexpr range none{1, 0};

/// The revisions that are said to be missing.
range missing_in(const auto& act) {
    try {
        act();
    } catch (const everfold::missing_history& e) {
        CHECK(e.stream() == "one");
        CHECK(e.code() == everfold::errc::invalid);
        return {e.first().value(), e.last().value()};
    }
    return none;
}

void fill(everfold::store& store, int count) {
    for (int i = 0; i < count; ++i)
        put(store, "one", entry_set{.key = std::to_string(i), .value = i});
}

range missing_at(everfold::store& store, as_of when) {
    auto books = repository<ledger_book>{store};
    const auto loaded = missing_in([&] { static_cast<void>(books.load("one", when)); });
    const auto replayed = missing_in([&] { static_cast<void>(books.replay("one", when)); });
    CHECK(loaded == replayed);
    return loaded;
}

range missing_now(everfold::store& store) {
    auto books = repository<ledger_book>{store, {.missing = missing_events::refuse}};
    return missing_in([&] { static_cast<void>(books.load("one")); });
}

} // namespace

TEST_CASE("a state as of a moment that a rule put out of reach is refused, with the range") {
    in_memory here;
    auto& s = here.store();
    fill(s, 12);
    CHECK(missing_now(s) == none);
    CHECK(missing_at(s, as_of{revision{5}}) == none);
    s.truncate("one", revision{8}).value();
    for (int round = 0; round < 2; ++round) {
        CHECK(missing_at(s, as_of{revision{5}}) == range{0, 5});
        CHECK(missing_at(s, as_of{position{5}}) == range{0, 7});
        CHECK(missing_now(s) == range{0, 7});
        auto books = repository<ledger_book>{s};
        CHECK(books.load("one", as_of{revision{9}}).state().changes == 2);
        CHECK(books.load("one", as_of{position{9}}).state().changes == 2);
        CHECK(books.load("one").state().changes == 4);
        s.scavenge();
    }
    s.truncate("one", revision{12}).value();
    CHECK(missing_now(s) == range{0, 11});
}

TEST_CASE("a state whose events were removed as superseded is refused, until they were superseded"
) {
    in_memory here;
    auto& s = here.store();
    fill(s, 10);
    const std::vector<position> gone{position{2}, position{3}};
    REQUIRE(s.engine().remove(gone, {}).events == 2);
    CHECK(missing_at(s, as_of{revision{1}}) == none);
    CHECK(missing_at(s, as_of{position{1}}) == none);
    CHECK(missing_at(s, as_of{revision{2}}) == range{2, 2});
    CHECK(missing_at(s, as_of{position{2}}) == range{2, 3});
    CHECK(missing_at(s, as_of{revision{4}}) == range{2, 3});
    CHECK(missing_at(s, as_of{revision{9}}) == none); // as it is now
    CHECK(missing_at(s, as_of{position{9}}) == none);
    CHECK(missing_now(s) == range{2, 3});
    auto books = repository<ledger_book>{s};
    CHECK(books.load("one").state().changes == 8);
}

TEST_CASE("a stream that has lost its first event as superseded has snapshots as others have") {
    in_memory here;
    auto& s = here.store();
    fill(s, 6);
    const std::vector<position> gone{position{0}};
    REQUIRE(s.engine().remove(gone, {}).events == 1);
    auto books = repository<ledger_book>{s};
    CHECK(books.snapshot("one") == revision{5});
    auto fresh = repository<ledger_book>{s};
    CHECK(fresh.load("one").state().changes == 5);
    CHECK(fresh.stats().snapshots_used == 1);
    const auto checked = fresh.verify("one");
    CHECK(checked.is_good());
    CHECK(checked.snapshots == 1);
}
