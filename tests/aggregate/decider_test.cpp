// SPDX-License-Identifier: MIT
// The pure style, and that a repository serves it as it does the other.
#include "ledger.hpp"

#include <everfold/aggregate/decider.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

using everfold::as_of;
using everfold::position;
using everfold::repository;
using everfold::revision;

namespace {

struct account_opened {
    static constexpr std::string_view event_type = "account_opened";
    std::string owner{};
    friend bool operator==(const account_opened&, const account_opened&) = default;
};

struct deposited {
    static constexpr std::string_view event_type = "deposited";
    std::int64_t amount{};
    friend bool operator==(const deposited&, const deposited&) = default;
};

struct withdrawn {
    static constexpr std::string_view event_type = "withdrawn";
    std::int64_t amount{};
    friend bool operator==(const withdrawn&, const withdrawn&) = default;
};

struct balance {
    using events = everfold::events<account_opened, deposited, withdrawn>;
    std::string owner{};
    std::int64_t amount{};
    std::int64_t limit{};

    void apply(const account_opened& e) { owner = e.owner; }
    void apply(const deposited& e) { amount += e.amount; }
    void apply(const withdrawn& e) { amount -= e.amount; }
};

struct open_account {
    std::string owner{};
    std::int64_t first{};
};

struct withdraw {
    std::int64_t amount{};
};

struct close_month {
    std::vector<std::int64_t> fees{};
};

struct deposit {
    std::int64_t amount{};
};

using command = std::variant<deposit, withdraw>;

struct account {
    using state_type = balance;
    using answer = everfold::outcome<balance, std::string>;

    static balance initial_state() { return {.limit = 100}; }

    static answer decide(const balance& now, const open_account& c) {
        if (!now.owner.empty())
            return everfold::refuse("open already");
        if (c.first == 0)
            return account_opened{c.owner};
        return {account_opened{c.owner}, deposited{c.first}};
    }

    static answer decide(const balance&, const deposit& c) { return deposited{c.amount}; }

    static answer decide(const balance& now, const withdraw& c) {
        if (c.amount == 0)
            return {};
        if (now.amount + now.limit < c.amount)
            return everfold::refuse("there are only " + std::to_string(now.amount + now.limit));
        return withdrawn{c.amount};
    }

    static answer decide(const balance&, const close_month& c) {
        std::vector<answer::any_event> out;
        for (const auto fee : c.fees)
            out.emplace_back(withdrawn{fee});
        return out;
    }

    static answer decide(const balance& now, const command& c) {
        return std::visit([&](const auto& each) { return decide(now, each); }, c);
    }
};

/// With nothing but the defaults before any event, and a refusal that is not text.
struct strict_account {
    using state_type = balance;
    enum class no : std::uint8_t { overdrawn };

    static everfold::outcome<balance, no> decide(const balance& now, const withdraw& c) {
        if (now.amount < c.amount)
            return everfold::refuse(no::overdrawn);
        return withdrawn{c.amount};
    }
};

static_assert(everfold::decider<account>);
static_assert(!everfold::decider<ledger_book>);
static_assert(everfold::aggregate_class<everfold::decided<account>>);

} // namespace

TEST_CASE("a decision is a value and needs no store") {
    const balance empty = account::initial_state();
    CHECK(
        account::decide(empty, open_account{"ada", 5}) ==
        account::answer{account_opened{"ada"}, deposited{5}}
    );
    CHECK(account::decide(empty, open_account{"ada"}) == account::answer{account_opened{"ada"}});
    CHECK(account::decide(empty, withdraw{0}) == account::answer{});
    CHECK(
        account::decide(empty, withdraw{101}) ==
        account::answer{everfold::refuse("there are only 100")}
    );
    CHECK(account::decide(empty, withdraw{101}) != account::answer{});
    CHECK(account::decide(empty, withdraw{1}) != account::answer{withdrawn{2}});
    CHECK(account::decide(empty, close_month{{1, 2, 3}}).events().size() == 3);
    const auto refused = account::decide(empty, withdraw{101});
    CHECK_FALSE(refused.is_accepted());
    CHECK(refused.events().empty());
    CHECK(refused.refusal() == "there are only 100");
    CHECK(account::decide(empty, withdraw{1}).refusal_or_null() == nullptr);
}

TEST_CASE_TEMPLATE(
    "a repository appends what a decider says has happened, and nothing where it refuses",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto& store = here.store();
    {
        auto accounts = repository<account>{store};
        const auto opened = accounts.update("account-ada", open_account{"ada", 50});
        CHECK(opened.is_accepted());
        CHECK(opened.events().size() == 2);
        CHECK(store.last_revision("account-ada") == revision{1});
        const auto refused = accounts.update("account-ada", withdraw{151});
        CHECK(refused == account::answer{everfold::refuse("there are only 150")});
        CHECK(accounts.update("account-ada", withdraw{0}).is_accepted());
        CHECK(store.end() == position{2});
        CHECK(accounts.update("account-ada", command{withdraw{120}}).is_accepted());
        CHECK(accounts.load("account-ada").state().amount == -70);
        // The state before any event is the decider's own, on every way to it.
        CHECK(accounts.load("account-eve").state().limit == 100);
        CHECK(accounts.load("account-ada", as_of{revision{0}}).state().limit == 100);
        CHECK(accounts.replay("account-ada").state().limit == 100);
        CHECK(accounts.snapshot("account-ada") == revision{2});
    }
    auto& later = here.reopen();
    auto accounts = repository<account>{later};
    CHECK(accounts.load("account-ada").state().amount == -70);
    CHECK(accounts.load("account-ada").state().limit == 100);
    CHECK(accounts.stats().snapshots_used == 1);
}

TEST_CASE("a decider's aggregate is loaded, decided on and saved as any other") {
    auto store = everfold::open("memory:");
    auto accounts = repository<account>{store};
    auto ada = accounts.load("account-ada");
    CHECK(ada.decide(open_account{"ada", 10}).is_accepted());
    CHECK_FALSE(ada.decide(open_account{"ada", 10}).is_accepted());
    CHECK(ada.decide(withdraw{10}).is_accepted());
    CHECK(ada.uncommitted().size() == 3);
    CHECK(store.end() == position{0});
    CHECK(accounts.save(ada).has_value());
    CHECK(store.end() == position{3});
    const auto left = accounts.update("account-ada", [](everfold::decided<account>& now) {
        static_cast<void>(now.decide(close_month{{1, 2}}));
        return now.state().amount;
    });
    CHECK(left == -3);
}

TEST_CASE("a command that loses a race is decided again on what came in between") {
    auto store = everfold::open("memory:");
    auto accounts = repository<strict_account>{store};
    put(store, "account-ada", deposited{10});
    CHECK(accounts.load("account-ada").state().amount == 10);
    int decided = 0;
    const auto answer = accounts.update("account-ada", [&](everfold::decided<strict_account>& now) {
        if (++decided == 1)
            put(store, "account-ada", withdrawn{8});
        return now.decide(withdraw{5});
    });
    CHECK(decided == 2);
    CHECK(answer.refusal() == strict_account::no::overdrawn);
    CHECK(store.end() == position{2});
    CHECK(accounts.stats().conflicts == 1);
}
