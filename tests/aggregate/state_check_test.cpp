// SPDX-License-Identifier: MIT
// Snapshots, and what is kept in memory, against what the events say; and what is said of snapshots
// that are passed over.

#include "ledger.hpp"

#include <everfold/aggregate/repository.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using everfold::repository;
using everfold::revision;
using everfold::wrong_state;

namespace {

/// The layout of `ledger`, by the same name; what apply() does was changed, and no version raised.
struct careless_ledger {
    using events = everfold::events<entry_set, entry_removed, ledger_cleared>;
    std::map<std::string, std::int64_t> entries{};
    std::uint64_t changes{};
    everfold::timestamp changed_at{};

    void apply(const entry_set& e, const everfold::event_info& info) {
        entries[e.key] = 2 * e.value;
        ++changes;
        changed_at = info.occurred_at;
    }
    void apply(const entry_removed&) { ++changes; }
    void apply(const ledger_cleared&) { ++changes; }
};

class careless_book : public everfold::aggregate<careless_ledger> {};

/// What apply() does depends on what is nowhere in the events.
struct forgetful_ledger {
    using events = everfold::events<entry_set>;
    std::uint64_t changes{};
    void apply(const entry_set&) { changes += step; }

    static inline std::uint64_t step = 1;
};

class forgetful_book : public everfold::aggregate<forgetful_ledger> {};

/// Of other fields, under another version.
struct later_ledger {
    using events = everfold::events<entry_set, entry_removed, ledger_cleared>;
    static constexpr std::uint32_t fold_version = 7;
    std::uint64_t changes{};

    void apply(const entry_set&) { ++changes; }
    void apply(const entry_removed&) { ++changes; }
    void apply(const ledger_cleared&) { ++changes; }
};

class later_book : public everfold::aggregate<later_ledger> {};

void fill(everfold::store& store, int first, int count) {
    for (int i = first; i < first + count; ++i)
        put(store, "one", entry_set{.key = std::to_string(i), .value = i + 1});
}

} // namespace

TEST_CASE_TEMPLATE("good snapshots are good", Place, in_memory, in_a_directory) {
    Place here;
    auto books = repository<ledger_book>{here.store()};
    for (int i = 0; i < 3; ++i) {
        fill(here.store(), 4 * i, 4);
        REQUIRE(books.snapshot("one").has_value());
    }
    fill(here.store(), 12, 2);
    const auto checked = books.verify("one");
    CHECK(checked.is_good());
    CHECK(checked.snapshots == 2); // the last two are kept
    CHECK(checked.has_kept);
    CHECK(checked.events == 14);
    CHECK(
        checked.to_string() == "stream 'one': 14 events folded, 2 snapshots compared, and what is "
                               "kept in memory: all as the events say\n"
    );
    auto fresh = repository<ledger_book>{here.store()};
    const auto of_nothing = fresh.verify("nobody");
    CHECK(of_nothing.is_good());
    CHECK(of_nothing.events == 0);
    CHECK_FALSE(of_nothing.has_kept);
}

TEST_CASE_TEMPLATE(
    "a wrong snapshot is found, by its first field", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store(), 0, 5);
    auto books = repository<ledger_book>{here.store()};
    REQUIRE(books.snapshot("one").has_value());
    auto planted = here.store().engine().load_snapshot("one", "state", revision{4}).value();
    ledger lie = books.replay("one").state();
    lie.entries["3"] = 40;
    lie.changes = 6;
    planted.state.clear();
    everfold::encode(lie, planted.state);
    here.store().engine().save_snapshot(planted);
    fill(here.store(), 5, 5);
    REQUIRE(books.snapshot("one").has_value());

    auto fresh = repository<ledger_book>{here.store()};
    const auto checked = fresh.verify("one");
    CHECK_FALSE(checked.is_good());
    CHECK(checked.snapshots == 2);
    REQUIRE(checked.wrong.size() == 1);
    const auto& wrong = checked.wrong.front();
    CHECK(wrong.where == wrong_state::place::snapshot);
    CHECK(wrong.at == revision{4});
    CHECK(wrong.differences == 2);
    CHECK(wrong.first == everfold::state_change{"/changes", "5", "6"});
    const auto text = checked.to_string();
    CHECK(
        text.find("the snapshot at revision 4 differs in 2 places, first in '/changes': the events "
                  "say 5, and it holds 6\n") != std::string::npos
    );
}

TEST_CASE_TEMPLATE(
    "an apply that was changed without its fold_version is found", Place, in_memory, in_a_directory
) {
    Place here;
    fill(here.store(), 0, 3);
    REQUIRE(repository<ledger_book>{here.store()}.snapshot("one").has_value());
    auto books = repository<careless_book>{here.store()};
    const auto checked = books.verify("one");
    REQUIRE(checked.wrong.size() == 1);
    CHECK(checked.wrong.front().at == revision{2});
    CHECK(checked.wrong.front().first == everfold::state_change{"/entries/0", "2", "1"});
}

TEST_CASE("what is kept in memory is compared, too") {
    in_memory here;
    fill(here.store(), 0, 3);
    auto books = repository<forgetful_book>{here.store()};
    CHECK(books.load("one").state().changes == 3);
    forgetful_ledger::step = 5;
    const auto checked = books.verify("one");
    forgetful_ledger::step = 1;
    REQUIRE(checked.wrong.size() == 1);
    CHECK(checked.wrong.front().where == wrong_state::place::memory);
    CHECK(checked.wrong.front().first == everfold::state_change{"/changes", "15", "3"});
}

TEST_CASE("a state that is no CBOR is a finding, and not an end") {
    in_memory here;
    fill(here.store(), 0, 3);
    auto books = repository<ledger_book>{here.store()};
    REQUIRE(books.snapshot("one").has_value());
    auto planted = here.store().engine().load_snapshot("one", "state", revision{2}).value();
    planted.state.resize(planted.state.size() / 2);
    here.store().engine().save_snapshot(planted);
    const auto checked = books.verify("one");
    REQUIRE(checked.wrong.size() == 1);
    CHECK_FALSE(checked.wrong.front().unreadable.empty());
}

TEST_CASE_TEMPLATE(
    "the report says which stamp of a snapshot differs, once for all streams",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto before = repository<ledger_book>{here.store()};
    for (const auto* stream : {"one", "two", "three"}) {
        put(here.store(), stream, entry_set{.key = "a", .value = 1});
        REQUIRE(before.snapshot(stream).has_value());
    }
    const auto mismatches = [&] {
        std::vector<std::string> out;
        for (auto& note : here.store().report().notes)
            if (note.find("passed over") != std::string::npos)
                out.push_back(note);
        return out;
    };
    CHECK(mismatches().empty());
    auto after = repository<later_book>{here.store()};
    for (const auto* stream : {"one", "two", "three"})
        CHECK(after.load(stream).state().changes == 1);
    CHECK(after.stats().snapshots_mismatched == 3);
    const auto notes = mismatches();
    REQUIRE(notes.size() == 1);
    CHECK(
        notes.front() ==
        "snapshots of the fold 'state' are passed over, and events replayed; the first of stream "
        "'one' at revision 0: its fold_version is 1, and the state's 7; its layout is of other "
        "fields, or of another list of events, than the state's"
    );
    const auto checked = after.verify("one");
    CHECK(checked.is_good());
    CHECK(checked.snapshots == 0);
    CHECK(checked.snapshots_passed_over == 1);
}
