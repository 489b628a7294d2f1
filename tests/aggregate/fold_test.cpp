// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <everfold/aggregate/fold.hpp>

#include <doctest/doctest.h>
#include <support/counted_memory.hpp>

#include <utility>
#include <vector>

using everfold::byte_buffer;
using everfold::folder;
using everfold::position;
using everfold::recorded_event;
using everfold::revision;
using everfold::unknown_events;
using everfold::testing::allocations;

namespace {

/// Events as a store would give them, made by hand.
class tape {
public:
    template <class E>
    recorded_event& add(const E& e, std::uint32_t type_number) {
        auto& payload = payloads_.emplace_back();
        everfold::encode(e, payload);
        const auto at = events_.size();
        return events_.emplace_back(recorded_event{
            .log_position = position{100 + at},
            .stream = "tape",
            .stream_revision = revision{at},
            .type = everfold::event_type_of<E>,
            .version = everfold::event_version_of<E>,
            .type_number = type_number,
            .payload = payload});
    }

    [[nodiscard]] const std::vector<recorded_event>& events() const noexcept { return events_; }

private:
    std::vector<byte_buffer> payloads_{};
    std::vector<recorded_event> events_{};
};

struct rejected {
    static constexpr std::string_view event_type = "rejected";
    bool is_thrown_as_int{};
};

struct touchy {
    using events = everfold::events<entry_set, rejected>;
    std::int64_t sum{};

    void apply(const entry_set& e) { sum += e.value; }

    void apply(const rejected& e) {
        if (e.is_thrown_as_int)
            throw 7;
        throw std::logic_error{"a rejection that nobody thought of"};
    }
};

struct summing {
    using events = everfold::events<entry_set, ledger_cleared>;
    std::int64_t sum{};
    std::size_t letters{};

    void apply(const entry_set& e) {
        sum += e.value;
        letters += e.key.size();
    }
    void apply(const ledger_cleared&) { sum = 0; }
};

struct entry_described {
    static constexpr std::string_view event_type = "entry_described";
    std::string key{};
    everfold::patch<std::string> text{};
};

struct describing {
    using events = everfold::events<entry_described>;
    int described{};
    int cleared{};

    void apply(const entry_described& e) {
        described += e.text.has_value() ? 1 : 0;
        cleared += e.text.is_null() ? 1 : 0;
    }
};

class summing_book : public everfold::aggregate<summing> {};

struct newer_entry_set {
    static constexpr std::string_view event_type = "entry_set";
    static constexpr std::uint32_t event_version = 2;
    std::string key{};
    std::int64_t cents{};
};

} // namespace

TEST_CASE("a folder applies events by the store's type numbers, whatever their order") {
    tape t;
    t.add(entry_set{"a", 1}, 9);
    t.add(ledger_cleared{}, 0);
    t.add(entry_set{"b", 2}, 9);
    t.add(entry_removed{"a"}, 4);
    t.add(entry_set{"c", 3}, 9);

    folder<ledger> fold;
    ledger state;
    for (const auto& e : t.events())
        fold.apply(state, e);
    CHECK(state.entries == std::map<std::string, std::int64_t>{{"b", 2}, {"c", 3}});
    CHECK(state.changes == 5);
    CHECK(fold.skipped() == 0);
}

TEST_CASE("nothing of one event is left in the next of its type") {
    tape t;
    t.add(ledger_cleared{.reason = "spring"}, 0);
    t.add(ledger_cleared{}, 0);

    struct remembering {
        using events = everfold::events<ledger_cleared>;
        std::vector<std::optional<std::string>> reasons{};
        void apply(const ledger_cleared& e) { reasons.push_back(e.reason); }
    };
    folder<remembering> fold;
    remembering state;
    for (const auto& e : t.events())
        fold.apply(state, e);
    REQUIRE(state.reasons.size() == 2);
    CHECK(state.reasons[0] == "spring");
    CHECK_FALSE(state.reasons[1].has_value());
}

TEST_CASE("an unknown event type is refused by name") {
    tape t;
    t.add(entry_set{"a", 1}, 0);
    t.add(entry_renamed{"a", "b"}, 1);
    folder<ledger> fold;
    ledger state;
    fold.apply(state, t.events()[0]);
    for (int twice = 0; twice < 2; ++twice) {
        try {
            fold.apply(state, t.events()[1]);
            FAIL("folded what nobody knows");
        } catch (const everfold::schema_error& e) {
            CHECK(e.event_type() == "entry_renamed");
            CHECK(e.event_version() == 1);
            const auto text = std::string_view{e.what()};
            CHECK(text.find("entry_renamed") != std::string_view::npos);
            CHECK(text.find("'tape' at revision 1, position 101") != std::string_view::npos);
        }
    }
}

TEST_CASE("an unknown event type is skipped and counted on request") {
    tape t;
    t.add(entry_renamed{"a", "b"}, 1);
    t.add(entry_set{"a", 1}, 0);
    t.add(entry_renamed{"a", "b"}, 1);
    folder<ledger> fold{unknown_events::skip};
    ledger state;
    for (const auto& e : t.events())
        fold.apply(state, e);
    CHECK(state.entries.size() == 1);
    CHECK(fold.skipped() == 2);
}

TEST_CASE("a known type in a version that the program does not fold is refused with that version") {
    tape t;
    t.add(newer_entry_set{"a", 100}, 0);
    ledger state;
    try {
        folder<ledger>{}.apply(state, t.events()[0]);
        FAIL("folded a version that nobody knows");
    } catch (const everfold::schema_error& e) {
        CHECK(e.event_type() == "entry_set");
        CHECK(e.event_version() == 2);
    }
}

TEST_CASE("a payload that does not fit its type is a schema_error with its place") {
    tape t;
    auto& bad = t.add(entry_removed{"a"}, 0);
    bad.type = "entry_set"; // entry_set with a key that is fine, and then a payload that is cut
    bad.payload = bad.payload.first(bad.payload.size() - 1);
    ledger state;
    try {
        folder<ledger>{}.apply(state, bad);
        FAIL("decoded a payload that is cut");
    } catch (const everfold::schema_error& e) {
        CHECK(e.event_type() == "entry_set");
        CHECK(
            std::string_view{e.what()}.find("revision 0, position 100") != std::string_view::npos
        );
    }
}

TEST_CASE("an apply that throws is a replay_error that names stream, revision, type and position") {
    tape t;
    t.add(entry_set{"a", 1}, 0);
    t.add(rejected{}, 1);
    t.add(rejected{.is_thrown_as_int = true}, 1);
    folder<touchy> fold;
    touchy state;
    fold.apply(state, t.events()[0]);
    try {
        fold.apply(state, t.events()[1]);
        FAIL("a rejection was folded");
    } catch (const everfold::replay_error& e) {
        CHECK(e.stream() == "tape");
        CHECK(e.at_revision() == revision{1});
        CHECK(e.event_type() == "rejected");
        CHECK(e.at_position() == position{101});
        CHECK_THROWS_AS(std::rethrow_exception(e.original()), std::logic_error);
        const auto text = std::string_view{e.what()};
        for (const auto* part : {"tape", "1", "rejected", "101", "nobody thought of"})
            CHECK(text.find(part) != std::string_view::npos);
    }
    try {
        fold.apply(state, t.events()[2]);
        FAIL("a rejection was folded");
    } catch (const everfold::replay_error& e) {
        CHECK_THROWS_AS(std::rethrow_exception(e.original()), int);
    }
}

TEST_CASE("a folder that is moved goes on") {
    tape t;
    t.add(entry_set{"a", 1}, 0);
    t.add(entry_set{"b", 2}, 0);
    folder<ledger> first;
    ledger state;
    first.apply(state, t.events()[0]);
    auto second = std::move(first);
    second.apply(state, t.events()[1]);
    CHECK(state.entries.size() == 2);
}

#if !EVERFOLD_TEST_THREAD_SANITIZED
TEST_CASE("folding allocates nothing for each event but what the state does") {
    const auto allocations_for = [](int count) {
        tape t;
        for (int i = 0; i < count; ++i) {
            if (i % 100 == 99)
                t.add(
                    ledger_cleared{.reason = "a reason that is longer than a small string is"}, 1
                );
            else
                t.add(entry_set{"a key that is longer than a small string would be", i}, 0);
        }
        folder<summing> fold;
        summing state;
        const auto before = allocations;
        for (const auto& e : t.events())
            fold.apply(state, e);
        CHECK(state.letters > 0);
        return allocations - before;
    };
    const auto few = allocations_for(1'000);
    const auto many = allocations_for(10'000);
    CAPTURE(few);
    CHECK(few < 20);
    // The optional text of one event is null in none of these, so its memory is kept too.
    CHECK(many == few);
}

TEST_CASE("fields of updates that are absent or null keep their memory for the next event") {
    const auto allocations_for = [](int count) {
        tape t;
        for (int i = 0; i < count; ++i) {
            entry_described e{.key = "a key that is longer than a small string would be"};
            if (i % 3 == 0)
                e.text = "a text that is longer than a small string would be";
            else if (i % 3 == 1)
                e.text = nullptr;
            t.add(e, 0);
        }
        folder<describing> fold;
        describing state;
        const auto before = allocations;
        for (const auto& e : t.events())
            fold.apply(state, e);
        CHECK(state.described == (count + 2) / 3);
        CHECK(state.cleared == (count + 1) / 3);
        return allocations - before;
    };
    const auto few = allocations_for(1'000);
    CAPTURE(few);
    CHECK(few < 20);
    CHECK(allocations_for(10'000) == few);
}

TEST_CASE_TEMPLATE(
    "a replay through a store allocates nothing for each event either",
    Place,
    in_memory,
    in_a_directory
) {
    const auto allocations_for = [](int count) {
        Place here;
        for (int i = 0; i < count; i += 100) {
            everfold::append_request request;
            auto& to = request.streams.emplace_back();
            to.stream = "one";
            for (int k = 0; k < 100; ++k)
                to.events.push_back(everfold::encoded(entry_set{
                    "a key that is longer than a small string would be", i + k}));
            static_cast<void>(here.store().append(request).value());
        }
        auto books = everfold::repository<summing_book>{here.store()};
        const auto before = allocations;
        const auto book = books.replay("one");
        CHECK(book.last_revision()->value() == static_cast<std::uint64_t>(count) - 1);
        return allocations - before;
    };
    const auto few = allocations_for(1'000);
    const auto many = allocations_for(10'000);
    CAPTURE(few);
    CAPTURE(many);
    CHECK(few < 100);
    CHECK(many < few + 100);
}

#endif
