// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <everfold/aggregate/aggregate.hpp>

#include <doctest/doctest.h>

#include <vector>

using everfold::revision;
using everfold::timestamp;

namespace {

struct seen_info {
    std::string stream{};
    std::uint64_t at{};
    std::string type{};
    std::uint32_t version{};
    timestamp occurred_at{};

    friend bool operator==(const seen_info&, const seen_info&) = default;
};

struct witnessed {
    static constexpr std::string_view event_type = "witnessed";
    static constexpr std::uint32_t event_version = 3;
    static constexpr std::uint32_t oldest_version = 3;
    std::int64_t number{};
};

struct witness {
    using events = everfold::events<witnessed>;
    std::vector<seen_info> seen{};

    void apply(const witnessed&, const everfold::event_info& info) {
        seen.push_back(
            {std::string{info.stream},
             info.stream_revision.value(),
             std::string{info.type},
             info.version,
             info.occurred_at}
        );
    }

    friend bool operator==(const witness&, const witness&) = default;
};

class witness_stand : public everfold::aggregate<witness> {
public:
    void testify(std::int64_t number) { record(witnessed{number}); }
};

struct spilled {
    static constexpr std::string_view event_type = "spilled";
    std::string what{};
};

struct fragile {
    using events = everfold::events<spilled>;
    int count{};

    void apply(const spilled& e) {
        if (e.what == "wine")
            throw std::runtime_error{"not on the carpet"};
        ++count;
    }
};

class fragile_glass : public everfold::aggregate<fragile> {
public:
    void spill(std::string what) { record(spilled{std::move(what)}); }
};

} // namespace

TEST_CASE("an event that is recorded is in the state at once and uncommitted") {
    ledger_book book;
    book.set("a", 1);
    book.set("b", 2);
    book.remove("a");

    CHECK(book.state().entries == std::map<std::string, std::int64_t>{{"b", 2}});
    REQUIRE(book.uncommitted().size() == 3);
    CHECK(book.uncommitted()[0].type == "entry_set");
    CHECK(book.uncommitted()[2].type == "entry_removed");
    CHECK_FALSE(book.last_revision().has_value());
    CHECK(book.stream().empty());
}

TEST_CASE("the time of an event is stamped once: what apply saw is what is written") {
    ledger_book book;
    book.set("a", 1);
    REQUIRE(book.uncommitted()[0].occurred_at.has_value());
    CHECK(*book.uncommitted()[0].occurred_at == book.state().changed_at);

    const auto long_ago = timestamp::from_milliseconds(-14'182'940'000);
    book.set_at("b", 2, long_ago);
    CHECK(book.state().changed_at == long_ago);
    CHECK(*book.uncommitted()[1].occurred_at == long_ago);
}

TEST_CASE("an aggregate that is copied goes its own way") {
    ledger_book book;
    book.set("a", 1);
    auto other = book;
    other.clear();
    CHECK(book.state().entries.size() == 1);
    CHECK(book.uncommitted().size() == 1);
    CHECK(other.uncommitted().size() == 2);
}

TEST_CASE("an event that can't be encoded is not recorded") {
    ledger_book book;
    book.set("a", 1);
    CHECK_THROWS_AS(book.set("\xFF", 2), everfold::encoding_error);
    CHECK(book.uncommitted().size() == 1);
    CHECK(book.state().entries.size() == 1);
    book.set("b", 2);
    CHECK(book.uncommitted().size() == 2);
}

TEST_CASE_TEMPLATE(
    "apply sees the same while deciding and on replay", Place, in_memory, in_a_directory
) {
    Place here;
    auto stands = everfold::repository<witness_stand>{here.store()};
    const auto told = stands.update("court", [](witness_stand& w) {
        w.testify(1);
        w.testify(2);
        return w.state();
    });
    const auto more = stands.update("court", [](witness_stand& w) {
        w.testify(3);
        return w.state();
    });

    REQUIRE(more.seen.size() == 3);
    CHECK(told.seen[1].at == 1);
    CHECK(more.seen[2].at == 2);
    CHECK(more.seen[2].stream == "court");
    CHECK(more.seen[2].type == "witnessed");
    CHECK(more.seen[2].version == 3);
    CHECK(stands.replay("court").state() == more);

    put(here.store(), "other", witnessed{7});
    auto again = everfold::repository<witness_stand>{here.store()};
    CHECK(again.load("court").state() == more);
}

TEST_CASE_TEMPLATE(
    "an apply that throws while deciding is a replay_error, and the aggregate is then of no use",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto glasses = everfold::repository<fragile_glass>{here.store()};
    auto glass = glasses.load("glass-1");
    glass.spill("water");
    try {
        glass.spill("wine");
        FAIL("spilled wine");
    } catch (const everfold::replay_error& e) {
        CHECK(e.stream() == "glass-1");
        CHECK(e.at_revision() == revision{1});
        CHECK(e.event_type() == "spilled");
        CHECK_FALSE(e.at_position().has_value());
        CHECK(std::string_view{e.what()}.find("not on the carpet") != std::string_view::npos);
        CHECK_THROWS_AS(std::rethrow_exception(e.original()), std::runtime_error);
    }
    CHECK(glass.uncommitted().size() == 1);
    CHECK_THROWS_AS(glass.spill("water"), everfold::error);
    CHECK_THROWS_AS(glasses.save(glass), everfold::error);
    CHECK(here.store().end() == everfold::position{0});

    CHECK_THROWS_AS(
        glasses.update(
            "glass-1",
            [](fragile_glass& g) {
                g.spill("water");
                g.spill("wine");
            }
        ),
        everfold::replay_error
    );
    CHECK(glasses.load("glass-1").state().count == 0);
    CHECK(here.store().end() == everfold::position{0});
}
