// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <everfold/aggregate/repository.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

using everfold::as_of;
using everfold::position;
using everfold::repository;
using everfold::revision;
using everfold::timestamp;

namespace {

using entries = std::map<std::string, std::int64_t>;

timestamp at_second(std::int64_t s) {
    return timestamp{1'600'000'000 + s, 0};
}

/// Appends one batch that was originally recorded then, so that a test knows its times.
template <class... Es>
void append_at(everfold::store& store, std::string stream, timestamp when, const Es&... events) {
    everfold::append_request request;
    auto& to = request.streams.emplace_back();
    to.stream = std::move(stream);
    (to.events.push_back(everfold::encoded(events)), ...);
    for (auto& e : to.events)
        e.originally_recorded_at = when;
    static_cast<void>(store.append(request).value());
}

/// positions  0 1 2 | 3 | 4 5 | 6      recorded at 10, 20, 20, 40
/// stream     o o o | x | o o | o
void fill(everfold::store& store) {
    append_at(store, "one", at_second(10), entry_set{"a", 1}, entry_set{"b", 2}, entry_set{"c", 3});
    append_at(store, "other", at_second(20), entry_set{"x", 1});
    append_at(store, "one", at_second(20), entry_removed{"a"}, entry_set{"d", 4});
    append_at(store, "one", at_second(40), ledger_cleared{});
}

} // namespace

TEST_CASE_TEMPLATE(
    "as of a position is the state with the event there and none after",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    fill(here.store());
    for (const bool is_kept : {false, true}) {
        CAPTURE(is_kept);
        auto books = repository<ledger_book>{here.store()};
        if (is_kept)
            CHECK(books.load("one").state().entries.empty());
        const auto at = [&](std::uint64_t p) { return books.load("one", as_of{position{p}}); };
        CHECK(at(0).state().entries == entries{{"a", 1}});
        CHECK(at(0).last_revision() == revision{0});
        CHECK(at(2).state().entries == entries{{"a", 1}, {"b", 2}, {"c", 3}});
        // Between two events of the stream it is as after the first of them.
        CHECK(at(3).state() == at(2).state());
        CHECK(at(3).last_revision() == revision{2});
        CHECK(at(4).state().entries == entries{{"b", 2}, {"c", 3}});
        CHECK(at(5).state().entries == entries{{"b", 2}, {"c", 3}, {"d", 4}});
        CHECK(at(6).state().entries.empty());
        CHECK(at(6).state().changes == 6);
        CHECK(at(1'000'000).state() == at(6).state());
        CHECK(books.load("other", as_of{position{2}}).state() == ledger{});
        CHECK_FALSE(books.load("other", as_of{position{2}}).last_revision().has_value());
        CHECK(books.load("other", as_of{position{2}}).stream() == "other");
        CHECK(books.load("nobody", as_of{position{2}}).state() == ledger{});
    }
}

TEST_CASE_TEMPLATE(
    "as of a revision is the state with that event and none after", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store());
    auto books = repository<ledger_book>{here.store()};
    for (std::uint64_t r = 0; r < 6; ++r) {
        CAPTURE(r);
        const auto then = books.load("one", as_of{revision{r}});
        CHECK(then.last_revision() == revision{r});
        CHECK(then.state().changes == r + 1);
    }
    CHECK(books.load("one", as_of{revision{3}}).state().entries == entries{{"b", 2}, {"c", 3}});
    CHECK(books.load("one", as_of{revision{99}}).last_revision() == revision{5});
    CHECK(books.load("nobody", as_of{revision{0}}).state() == ledger{});
}

TEST_CASE_TEMPLATE(
    "as of a time is the state with every event recorded at or before it",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    fill(here.store());
    auto books = repository<ledger_book>{here.store()};
    const auto at = [&](timestamp t) { return books.load("one", as_of{t}); };
    const auto nanosecond_before = [](timestamp t) {
        return timestamp{t.seconds() - 1, 999'999'999};
    };

    CHECK(at(nanosecond_before(at_second(10))).state() == ledger{});
    CHECK_FALSE(at(nanosecond_before(at_second(10))).last_revision().has_value());
    // The three of one batch share their time: all of them, or none.
    CHECK(at(at_second(10)).last_revision() == revision{2});
    CHECK(at(nanosecond_before(at_second(20))).last_revision() == revision{2});
    // Two batches share the second 20; the later one counts too.
    CHECK(at(at_second(20)).state().entries == entries{{"b", 2}, {"c", 3}, {"d", 4}});
    CHECK(at(at_second(39)).last_revision() == revision{4});
    CHECK(at(at_second(40)).state().changes == 6);
    CHECK(at(timestamp{std::chrono::system_clock::now()}).state().changes == 6);
}

TEST_CASE_TEMPLATE(
    "a state of the past uses a snapshot from before it and never one from after it",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto books = repository<ledger_book>{here.store()};
    for (int i = 0; i < 20; ++i) {
        books.update("one", [&](ledger_book& b) { b.set(std::to_string(i % 7), i); });
        if (i == 9 || i == 14)
            CHECK(books.snapshot("one") == revision{static_cast<std::uint64_t>(i)});
    }
    for (std::uint64_t r = 0; r < 20; ++r) {
        CAPTURE(r);
        auto fresh = repository<ledger_book>{here.store()};
        const auto then = fresh.load("one", as_of{revision{r}});
        CHECK(then.last_revision() == revision{r});
        CHECK(then.state().changes == r + 1);
        CHECK(fresh.stats().snapshots_used == (r < 9 ? 0 : 1));
        auto full = repository<ledger_book>{here.store()};
        CHECK(full.replay("one", as_of{revision{r}}).state() == then.state());
        CHECK(full.stats().events_replayed == r + 1);
        CHECK(full.stats().snapshots_used == 0);
        CHECK(fresh.stats().events_replayed == (r < 9 ? r + 1 : r < 14 ? r - 9 : r - 14));
    }
}

TEST_CASE_TEMPLATE(
    "looking at the past leaves what is kept as it is", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store());
    auto books = repository<ledger_book>{here.store()};
    const auto now = books.load("one");
    CHECK(books.load("one", as_of{revision{1}}).state().entries.size() == 2);
    CHECK(books.load("one").state() == now.state());
    books.update("one", [](ledger_book& b) { b.set("z", 26); });
    CHECK(books.load("one").state().entries == entries{{"z", 26}});
}

TEST_CASE_TEMPLATE(
    "an aggregate of the past can't be saved over what came after", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store());
    auto books = repository<ledger_book>{here.store()};
    auto past = books.load("one", as_of{revision{1}});
    past.set("a", 100);
    CHECK_THROWS_AS(books.save(past), everfold::conflict);
    CHECK(here.store().last_revision("one") == revision{5});
}
