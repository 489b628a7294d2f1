// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <everfold/aggregate/repository.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

using everfold::as_of;
using everfold::repository;
using everfold::repository_options;
using everfold::revision;
using everfold::snapshot_policy;
using everfold::unknown_events;

/// The same fold as `ledger` with one field more: another layout.
namespace wider {

struct ledger {
    using events = everfold::events<entry_set, entry_removed, ledger_cleared>;
    std::map<std::string, std::int64_t> entries{};
    std::uint64_t changes{};
    std::int64_t sum{};

    void apply(const entry_set& e) {
        entries[e.key] = e.value;
        sum += e.value;
        ++changes;
    }
    void apply(const entry_removed& e) {
        entries.erase(e.key);
        ++changes;
    }
    void apply(const ledger_cleared&) {
        entries.clear();
        ++changes;
    }
};

class book : public everfold::aggregate<ledger> {};

} // namespace wider

namespace versioned {

/// The layout of `ledger`; the fold counts otherwise.
struct ledger {
    using events = everfold::events<entry_set, entry_removed, ledger_cleared>;
    static constexpr std::uint32_t fold_version = 2;
    std::map<std::string, std::int64_t> entries{};
    std::uint64_t changes{};
    everfold::timestamp changed_at{};

    void apply(const entry_set& e) {
        entries[e.key] = e.value;
        changes += 10;
    }
    void apply(const entry_removed&) {}
    void apply(const ledger_cleared&) {}
};

class book : public everfold::aggregate<ledger> {};

/// Beside the other, under a name of its own.
struct names {
    using events = everfold::events<entry_set>;
    static constexpr std::string_view fold_name = "names";
    std::uint64_t count{};
    void apply(const entry_set&) { ++count; }
};

class name_list : public everfold::aggregate<names> {};

} // namespace versioned

namespace knowing {

/// Names one event more than `ledger`, in the same layout.
struct ledger {
    using events = everfold::events<entry_set, entry_removed, ledger_cleared, entry_renamed>;
    std::map<std::string, std::int64_t> entries{};
    std::uint64_t changes{};
    everfold::timestamp changed_at{};

    void apply(const entry_set& e) { entries[e.key] = e.value; }
    void apply(const entry_removed& e) { entries.erase(e.key); }
    void apply(const ledger_cleared&) { entries.clear(); }
    void apply(const entry_renamed& e) {
        auto node = entries.extract(e.from);
        node.key() = e.to;
        entries.insert(std::move(node));
    }
};

class book : public everfold::aggregate<ledger> {};

} // namespace knowing

static_assert(
    everfold::layout_fingerprint<ledger>() == everfold::layout_fingerprint<versioned::ledger>()
);
static_assert(
    everfold::layout_fingerprint<ledger>() == everfold::layout_fingerprint<knowing::ledger>()
);

namespace {

void fill(everfold::store& store, int count, int first = 0) {
    auto books = repository<ledger_book>{store};
    for (int i = first; i < first + count; ++i)
        books.update("one", [&](ledger_book& b) {
            if (i % 13 == 12)
                b.clear();
            else if (i % 5 == 4 && b.state().entries.contains(std::to_string(i - 1)))
                b.remove(std::to_string(i - 1));
            else
                b.set(std::to_string(i), i * 1'000'003);
        });
}

} // namespace

TEST_CASE_TEMPLATE(
    "snapshot and tail equal the full replay at every revision", Place, in_memory, in_a_directory
) {
    Place here;
    constexpr std::uint64_t count = 40;
    auto writer = repository<ledger_book>{here.store()};
    for (std::uint64_t i = 0; i < count; ++i) {
        fill(here.store(), 1, static_cast<int>(i));
        if (i % 6 == 5)
            CHECK(writer.snapshot("one") == revision{i});
        CAPTURE(i);
        auto quick = repository<ledger_book>{here.store()};
        auto full = repository<ledger_book>{here.store()};
        const auto from_snapshot = quick.load("one");
        const auto from_events = full.replay("one");
        CHECK(from_snapshot.state() == from_events.state());
        CHECK(from_snapshot.last_revision() == from_events.last_revision());
        CHECK(quick.stats().snapshots_used == (i >= 5 ? 1 : 0));
        CHECK(full.stats().snapshots_used == 0);
        CHECK(quick.stats().events_replayed < 7);
        for (std::uint64_t r = 0; r <= i; ++r) {
            auto past = repository<ledger_book>{here.store()};
            CHECK(past.load("one", as_of{revision{r}}).state().changes == r + 1);
        }
    }
}

TEST_CASE_TEMPLATE("a snapshot outlives the program", Place, in_memory, in_a_directory) {
    Place here;
    fill(here.store(), 30);
    const auto before = repository<ledger_book>{here.store()}.load("one").state();
    CHECK(repository<ledger_book>{here.store()}.snapshot("one") == revision{29});
    auto& again = here.reopen();
    auto books = repository<ledger_book>{again};
    CHECK(books.load("one").state() == before);
    CHECK(books.stats().snapshots_used == 1);
    CHECK(books.stats().events_replayed == 0);
    books.update("one", [](ledger_book& b) { b.set("after", 1); });
    CHECK(books.replay("one").state() == books.load("one").state());
}

TEST_CASE_TEMPLATE(
    "a snapshot of another layout is counted and not used", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store(), 12);
    CHECK(repository<ledger_book>{here.store()}.snapshot("one").has_value());
    auto books = repository<wider::book>{here.store()};
    CHECK(books.load("one").state().changes == 12);
    CHECK(books.load("one").state().sum > 0);
    CHECK(books.stats().snapshots_mismatched == 1);
    CHECK(books.stats().snapshots_used == 0);
    CHECK(books.stats().events_replayed == 12);
}

TEST_CASE_TEMPLATE(
    "a snapshot of another fold version is counted and not used", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store(), 3);
    CHECK(repository<ledger_book>{here.store()}.snapshot("one").has_value());
    auto books = repository<versioned::book>{here.store()};
    CHECK(books.load("one").state().changes == 30);
    CHECK(books.stats().snapshots_mismatched == 1);
    CHECK(books.stats().events_replayed == 3);
    // Its own is newer by nothing and is found all the same.
    CHECK(books.snapshot("one") == revision{2});
    auto again = repository<versioned::book>{here.store()};
    CHECK(again.load("one").state().changes == 30);
    CHECK(again.stats().snapshots_used == 1);
    CHECK(again.stats().events_replayed == 0);
}

TEST_CASE_TEMPLATE(
    "an older snapshot that fits is used where the newest does not",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    fill(here.store(), 10);
    CHECK(repository<ledger_book>{here.store()}.snapshot("one") == revision{9});
    fill(here.store(), 10, 10);
    CHECK(repository<wider::book>{here.store()}.snapshot("one") == revision{19});
    auto books = repository<ledger_book>{here.store()};
    CHECK(books.load("one").state() == books.replay("one").state());
    CHECK(books.stats().snapshots_mismatched == 1);
    CHECK(books.stats().snapshots_used == 1);
    CHECK(books.stats().events_replayed == 10 + 20);
}

TEST_CASE_TEMPLATE(
    "a snapshot that does not decode is counted and not used", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store(), 8);
    const auto expected = repository<ledger_book>{here.store()}.load("one").state();
    everfold::snapshot bad{
        .stream = "one",
        .fold = "state",
        .at = revision{7},
        .log_position = everfold::position{7},
        .layout = everfold::layout_fingerprint<ledger>(),
        .fold_version = 1,
        .state = {}};
    SUBCASE("because it is empty") {}
    SUBCASE("because it is cut") {
        everfold::encode(expected, bad.state);
        bad.state.pop_back();
    }
    SUBCASE("because it is something else") {
        everfold::encode(std::string{"a text"}, bad.state);
    }
    here.store().engine().save_snapshot(bad);
    auto books = repository<ledger_book>{here.store()};
    CHECK(books.load("one").state() == expected);
    CHECK(books.stats().snapshots_undecodable == 1);
    CHECK(books.stats().snapshots_used == 0);
    CHECK(books.stats().events_replayed == 8);
}

TEST_CASE_TEMPLATE(
    "folds of one stream keep their snapshots under their names", Place, in_memory, in_a_directory
) {
    Place here;
    auto& store = here.store();
    put(store, "one", entry_set{"a", 1}, entry_set{"b", 2}, entry_set{"c", 3});
    CHECK(repository<ledger_book>{store}.snapshot("one").has_value());
    CHECK(repository<versioned::name_list>{store}.snapshot("one").has_value());
    auto books = repository<ledger_book>{store};
    auto names = repository<versioned::name_list>{store};
    CHECK(books.load("one").state().entries.size() == 3);
    CHECK(names.load("one").state().count == 3);
    CHECK(books.stats().snapshots_used == 1);
    CHECK(names.stats().snapshots_used == 1);
    CHECK(books.stats().snapshots_mismatched + names.stats().snapshots_mismatched == 0);
}

TEST_CASE_TEMPLATE(
    "what was skipped while a snapshot was folded is not lost once it is known",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto& store = here.store();
    put(store, "one", entry_set{"a", 1}, entry_renamed{"a", "b"});
    const auto skipping = repository_options{.unknown = unknown_events::skip};
    {
        auto ignorant = repository<ledger_book>{store, skipping};
        CHECK(ignorant.snapshot("one").has_value());
        auto again = repository<ledger_book>{store, skipping};
        CHECK(again.load("one").state().entries.contains("a"));
        CHECK(again.stats().snapshots_used == 1);
    }
    auto now = repository<knowing::book>{store, skipping};
    CHECK(now.load("one").state().entries.contains("b"));
    CHECK(now.stats().snapshots_mismatched == 1);
    auto strict = repository<ledger_book>{store};
    CHECK_THROWS_AS(static_cast<void>(strict.load("one")), everfold::schema_error);
}

TEST_CASE_TEMPLATE(
    "the policy saves a snapshot every n events and not more often",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto& store = here.store();
    auto books = repository<ledger_book>{store, {.snapshots = snapshot_policy::every(10)}};
    for (int i = 0; i < 9; ++i)
        books.update("one", [&](ledger_book& b) { b.set("n", i); });
    CHECK(books.stats().snapshots_saved == 0);
    books.update("one", [](ledger_book& b) { b.set("n", 9); });
    CHECK(books.stats().snapshots_saved == 1);
    for (int i = 10; i < 25; ++i)
        books.update("one", [&](ledger_book& b) { b.set("n", i); });
    CHECK(books.stats().snapshots_saved == 2);
    books.update("one", [](ledger_book& b) {
        for (int i = 25; i < 50; ++i)
            b.set("n", i);
    });
    CHECK(books.stats().snapshots_saved == 3);

    // A repository that finds the snapshot counts from there.
    auto later = repository<ledger_book>{store, {.snapshots = snapshot_policy::every(10)}};
    auto book = later.load("one");
    CHECK(later.stats().events_replayed == 0);
    for (int i = 0; i < 9; ++i) {
        book.set("n", i);
        CHECK(later.save(book).has_value());
    }
    CHECK(later.stats().snapshots_saved == 0);
    book.set("n", 100);
    CHECK(later.save(book).has_value());
    CHECK(later.stats().snapshots_saved == 1);
    auto last = repository<ledger_book>{store};
    CHECK(last.load("one").state() == last.replay("one").state());
    CHECK(last.stats().snapshots_failed == 0);
}

TEST_CASE_TEMPLATE(
    "compact covers the whole stream and changes no answer", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store(), 60);
    put(here.store(), "other", entry_set{"x", 1});
    auto books = repository<ledger_book>{here.store()};
    const auto before = books.load("one");

    const auto report = books.compact("one");
    CHECK(report.events_covered == 60);
    CHECK(report.at == revision{59});
    CHECK(report.snapshot_bytes > 0);
    CHECK(report.to_string().find("60 events") != std::string::npos);

    const auto check_all = [&](everfold::store& store) {
        const auto said = store.compactions();
        REQUIRE(said.size() == 1);
        CHECK(said[0].stream == "one");
        CHECK(said[0].up_to == revision{59});
        CHECK(said[0].events == report.events_archived);
        CHECK(said[0].why == "a snapshot holds the state");
        auto fresh = repository<ledger_book>{store};
        CHECK(fresh.load("one").state() == before.state());
        CHECK(fresh.stats().snapshots_used == 1);
        CHECK(fresh.stats().events_replayed == 0);
        CHECK(fresh.replay("one").state() == before.state());
        for (std::uint64_t r = 0; r < 60; ++r)
            CHECK(fresh.load("one", as_of{revision{r}}).state().changes == r + 1);
        std::uint64_t seen = 0;
        for (const auto& e : store.read())
            CHECK(e.log_position == everfold::position{seen++});
        CHECK(seen == 61);
        CHECK(fresh.load("other").state().entries.size() == 1);
    };
    check_all(here.store());
    check_all(here.reopen());

    auto again = repository<ledger_book>{here.store()};
    again.update("one", [](ledger_book& b) { b.set("after", 1); });
    CHECK(again.compact("one").events_covered == 61);
    CHECK(again.load("one").state() == again.replay("one").state());
}

TEST_CASE_TEMPLATE(
    "there is nothing to compact in a stream without events", Place, in_memory, in_a_directory
) {
    Place here;
    auto books = repository<ledger_book>{here.store()};
    CHECK_THROWS_AS(books.compact("nobody"), everfold::error);
}

namespace {

/// Forgets its second half when it is decoded.
struct forgetful {
    std::int64_t kept{};
    std::int64_t lost{};
};

} // namespace

template <>
struct everfold::codec<forgetful> {
    static constexpr std::string_view wire = "forgetful";
    static void encode(const forgetful& f, cbor_writer& out) { out.write_integer(f.kept + f.lost); }
    static void decode(cbor_reader& in, forgetful& into) {
        into = {.kept = in.read_integer<std::int64_t>() / 2, .lost = 0};
    }
};

namespace {

struct leaky {
    using events = everfold::events<entry_set>;
    forgetful value{};
    void apply(const entry_set& e) { value = {.kept = e.value, .lost = e.value}; }
};

class leaky_book : public everfold::aggregate<leaky> {};

} // namespace

TEST_CASE_TEMPLATE(
    "compact refuses a state that does not survive being encoded, and archives nothing",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    put(here.store(), "one", entry_set{"a", 21});
    auto books = repository<leaky_book>{here.store()};
    try {
        static_cast<void>(books.compact("one"));
        FAIL("compacted to a state that is not the state");
    } catch (const everfold::error& e) {
        CHECK(e.code() == everfold::errc::encoding);
    }
    CHECK(here.store().stats().snapshots == 0);
    CHECK(here.store().stats().archived_segments == 0);
}

TEST_CASE_TEMPLATE(
    "P14: a state never depends on a snapshot of what is out of reach",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    fill(here.store(), 12);
    {
        auto books = repository<ledger_book>{here.store()};
        REQUIRE(books.snapshot("one") == revision{11});
    }
    here.store().truncate("one", revision{8}).value();
    for (const bool is_removed : {false, true}) {
        CAPTURE(is_removed);
        auto books = repository<ledger_book>{here.store()};
        CHECK(books.load("one").state() == books.replay("one").state());
        CHECK(books.load("one").state().changes == 4);
        CHECK(books.stats().snapshots_used == 0);
        const auto taken = books.snapshot("one");
        CHECK_FALSE(taken);
        const auto packed = books.compact("one");
        CHECK(packed.snapshot_bytes == 0);
        CHECK(packed.events_covered == 12);
        const auto done = here.store().scavenge();
        CHECK(done.snapshots == (is_removed ? 0 : 1));
    }
    CHECK(here.store().stats().snapshots == 0);
}

TEST_CASE_TEMPLATE(
    "an aggregate whose events are all out of reach begins anew and goes on",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    fill(here.store(), 3);
    here.store().truncate("one", revision{3}).value();
    for (int round = 0; round < 2; ++round) {
        CAPTURE(round);
        auto books = repository<ledger_book>{here.store()};
        CHECK(books.load("one").state() == ledger{});
        const auto taken = books.snapshot("one");
        CHECK_FALSE(taken);
        books.update("one", [](ledger_book& b) { b.set("new", 7); });
        CHECK(here.store().last_revision("one") == revision{static_cast<std::uint64_t>(3 + round)});
        CHECK(repository<ledger_book>{here.store()}.load("one").state().changes == 1);
        here.store().truncate("one", revision{static_cast<std::uint64_t>(4 + round)}).value();
        here.store().scavenge();
    }
}
