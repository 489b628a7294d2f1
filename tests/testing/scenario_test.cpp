// SPDX-License-Identifier: MIT
// Given, when, then: what holds passes, and what does not is said in these words.

#include <everfold/testing/scenario.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace shop {

struct opened {
    static constexpr std::string_view event_type = "opened";
    std::string owner{};
};

struct deposited {
    static constexpr std::string_view event_type = "deposited";
    std::int64_t amount{};
};

struct withdrawn {
    static constexpr std::string_view event_type = "withdrawn";
    std::int64_t amount{};
    std::string why{};
};

struct balance {
    using events = everfold::events<opened, deposited, withdrawn>;

    std::string owner{};
    std::int64_t amount{};
    timestamp changed_at{};

    void apply(const opened& e, const event_info& info) {
        if (e.owner == "nobody")
            throw std::range_error{"an account has an owner"};
        owner = e.owner;
        changed_at = info.occurred_at;
    }

    void apply(const deposited& e, const event_info& info) {
        amount += e.amount;
        changed_at = info.occurred_at;
    }

    void apply(const withdrawn& e, const event_info& info) {
        amount -= e.amount;
        changed_at = info.occurred_at;
    }
};

struct refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct overdrawn : refused {
    using refused::refused;
};

struct account : aggregate<balance> {
    void open(std::string owner) {
        if (!state().owner.empty())
            throw refused{"the account is open already"};
        record(opened{std::move(owner)});
    }

    void deposit(std::int64_t amount) { record(deposited{amount}); }

    void withdraw(std::int64_t amount, std::string why = {}) {
        if (amount > state().amount)
            throw overdrawn{"there are only " + std::to_string(state().amount)};
        record(withdrawn{amount, std::move(why)});
    }
};

struct withdraw {
    std::int64_t amount{};
};

struct take_all {};

struct not_open {
    friend bool operator==(const not_open&, const not_open&) = default;
};

struct too_much {
    std::int64_t there{};

    friend bool operator==(const too_much&, const too_much&) = default;
    friend std::ostream& operator<<(std::ostream& out, const too_much& self) {
        return out << "there are only " << self.there;
    }
};

/// What reflection can't read.
struct based : not_open {
    std::int64_t there{};
};

struct closed_since {
    timestamp when{};
    std::optional<std::string> by{};
    std::vector<not_open> others{};
};

struct rules {
    using state_type = balance;

    static outcome<balance, std::string> decide(const balance& now, const withdraw& c) {
        if (c.amount > now.amount)
            return refuse("there are only " + std::to_string(now.amount));
        return withdrawn{c.amount, {}};
    }

    static outcome<balance, std::variant<not_open, too_much>>
    decide(const balance& now, const take_all&) {
        if (now.owner.empty())
            return refuse(not_open{});
        if (now.amount < 10)
            return refuse(too_much{now.amount});
        return withdrawn{now.amount, "all"};
    }
};

/// Counts how often it was folded, which no apply() may.
struct forgetful {
    using events = everfold::events<deposited>;

    std::int64_t folded{};

    void apply(const deposited&) { folded = ++count(); }

    static std::int64_t& count() {
        static std::int64_t n = 0;
        return n;
    }
};

struct forgetful_account : aggregate<forgetful> {
    void deposit() { record(deposited{1}); }
};

} // namespace shop

using namespace shop;

namespace {

/// What the kit says; empty where it holds.
template <class F>
std::string said_by(const F& f) {
    try {
        f();
    } catch (const failed& e) {
        return std::string{e.message()};
    }
    return {};
}

constexpr auto withdraw_5 = [](account& a) { a.withdraw(5, "rent"); };

} // namespace

TEST_CASE("what an aggregate decides is held to events, refusal and state") {
    given<account>(opened{"Ada"}, deposited{9})
        .when(withdraw_5)
        .then(withdrawn{5, "rent"})
        .then_state([](const balance& now) { return now.amount == 4; })
        .then_state(balance{"Ada", 4, fake_clock::first});
    given<account>().when([](account& a) { a.open("Ada"); }).then(opened{"Ada"});
    given<account>(opened{"Ada"}).when([](const account&) {}).then_nothing();
    given<account>(opened{"Ada"})
        .when(withdraw_5)
        .then_refused()
        .then_refused<overdrawn>()
        .then_refused<refused>()
        .then_refused<overdrawn>("there are only 0")
        .then_refused<overdrawn>([](const overdrawn& e) { return std::string{e.what()}.size() > 3; }
        )
        .then_state([](const balance& now) { CHECK(now.owner == "Ada"); });
}

TEST_CASE("what a decider decides is held to events, refusal and state") {
    given<rules>(deposited{9})
        .when(withdraw{5})
        .then(withdrawn{5, {}})
        .then_state(balance{{}, 4, fake_clock::first});
    given<rules>(deposited{9})
        .when(withdraw{10})
        .then_refused()
        .then_refused("there are only 9")
        .then_refused<std::string>("there are only 9")
        .then_refused<std::string>(std::string{"there are only 9"})
        .then_refused([](const std::string& why) { return why.ends_with('9'); });
    given<rules>().when(take_all{}).then_refused<not_open>();
    given<rules>(opened{"Ada"}, deposited{3})
        .when(take_all{})
        .then_refused<too_much>()
        .then_refused<too_much>(too_much{3})
        .then_refused(std::variant<not_open, too_much>{too_much{3}});
    given<rules>(opened{"Ada"}, deposited{30}).when(take_all{}).then(withdrawn{30, "all"});
}

TEST_CASE("time, stream and metadata of what is given are those that are said") {
    struct origin {
        std::string user{};
    };
    const auto then = timestamp{1'000, 0};
    const auto now = timestamp{2'000, 0};
    given<account>(at(then, opened{"Ada"}), with_metadata(origin{"eve"}, deposited{5}))
        .in_stream("account-ada")
        .at_time(now)
        .when([&](account& a) {
            CHECK(a.stream() == "account-ada");
            CHECK(a.last_revision() == revision{1});
            CHECK(a.state().changed_at == now); // of the event that said no time
            a.deposit(1);
        })
        .then(at(now, deposited{1}))
        .then_state([&](const balance& b) { return b.changed_at == now; });
    given<account>(at(then, opened{"Ada"}))
        .when([&](const account& a) { CHECK(a.state().changed_at == then); })
        .then_nothing();
    std::vector<new_event> many(100, encoded(deposited{1}));
    given<account>(std::move(many))
        .when([](account& a) { a.withdraw(100); })
        .then(withdrawn{100, {}});
}

TEST_CASE("an event that is not the expected one is shown with what is different") {
    const auto ada = [] {
        return given<account>(opened{"Ada"}, at(timestamp{1, 0}, deposited{9}))
            .when([](account& a) {
                a.deposit(1);
                a.withdraw(5, "rent");
            });
    };
    CHECK(said_by([&] {
              ada().then(deposited{1}, withdrawn{6, "rent"});
          }) == R"(event 2 of 2 is not the expected one
given
  0  opened  {"owner":"Ada"}
  1  deposited  {"amount":9}  at 1970-01-01T00:00:01.000Z
expected
  2  deposited  {"amount":1}
  3  withdrawn  {"amount":6,"why":"rent"}
happened
  2  deposited  {"amount":1}
  3  withdrawn  {"amount":5,"why":"rent"}
expected -> happened
  ~ /amount  6 -> 5)");
    CHECK(said_by([&] {
              ada().then(withdrawn{5, "rent"});
          }) == R"(event 1 of 1 is not the expected one
given
  0  opened  {"owner":"Ada"}
  1  deposited  {"amount":9}  at 1970-01-01T00:00:01.000Z
expected
  2  withdrawn  {"amount":5,"why":"rent"}
happened
  2  deposited  {"amount":1}
  3  withdrawn  {"amount":5,"why":"rent"}
expected -> happened
  ~ type  withdrawn -> deposited)");
    CHECK(said_by([&] {
              ada().then(at(timestamp{2, 0}, deposited{1}), withdrawn{5, "rent"});
          })
              .ends_with("expected -> happened\n  ~ occurred_at  1970-01-01T00:00:02.000Z -> "
                         "2024-01-01T00:00:00.000Z"));
    CHECK(said_by([&] {
              ada().then(with_metadata(deposited{3}, deposited{1}), withdrawn{5, "rent"});
          }).ends_with("expected -> happened\n  - metadata  {\"amount\":3}"));
}

TEST_CASE("too few events and too many are counted") {
    const auto none = said_by([] { given<account>().when([](account&) {}).then(deposited{1}); });
    CHECK(none == R"(1 event expected, and nothing happened
given
  nothing
expected
  0  deposited  {"amount":1}
happened
  nothing)");
    const auto too_many =
        said_by([] { given<account>().when([](account& a) { a.deposit(1); }).then_nothing(); });
    CHECK(too_many == R"(0 events expected, and 1 happened
given
  nothing
expected
  nothing
happened
  0  deposited  {"amount":1})");
}

TEST_CASE("a refusal where events were expected is shown, and none where one was") {
    CHECK(said_by([] {
              given<account>().when(withdraw_5).then(withdrawn{5, "rent"});
          }) == R"(1 event expected, and the decision was refused
given
  nothing
expected
  0  withdrawn  {"amount":5,"why":"rent"}
happened
  refused: there are only 0)");
    CHECK(said_by([] {
              given<rules>().when(withdraw{1}).then_nothing();
          }) == R"(0 events expected, and the decision was refused
given
  nothing
expected
  nothing
happened
  refused: there are only 0)");
    CHECK(said_by([] { given<account>().when([](account& a) { a.open("nobody"); }).then_nothing(); }
    ).starts_with("0 events expected, and the decision failed\n"));
    const auto none = R"(a refusal by shop::overdrawn expected, and there was none
given
  0  deposited  {"amount":9}
happened
  1  withdrawn  {"amount":5,"why":"rent"})";
    CHECK(said_by([] {
              given<account>(deposited{9}).when(withdraw_5).then_refused<overdrawn>();
          }) == none);
    CHECK(said_by([] {
              given<account>(deposited{9}).when(withdraw_5).then_refused();
          }) == R"(a refusal expected, and there was none
given
  0  deposited  {"amount":9}
happened
  1  withdrawn  {"amount":5,"why":"rent"})");
}

TEST_CASE("another refusal than the expected one is shown beside it") {
    CHECK(said_by([] {
              given<account>(opened{"Ada"})
                  .when([](account& a) { a.open("Eve"); })
                  .then_refused<overdrawn>();
          }) == R"(a refusal by shop::overdrawn expected, and it was another one
given
  0  opened  {"owner":"Ada"}
happened
  refused: the account is open already)");
    CHECK(said_by([] {
              given<account>().when(withdraw_5).then_refused<overdrawn>("there are only 4");
          }) == R"(the refusal is not the expected one
given
  nothing
expected
  refused: there are only 4
happened
  refused: there are only 0)");
    CHECK(said_by([] {
              given<rules>(opened{"Ada"}).when(take_all{}).then_refused<not_open>();
          }) == R"(a refusal by shop::not_open expected, and it was another one
given
  0  opened  {"owner":"Ada"}
happened
  refused: there are only 0)");
    CHECK(said_by([] {
              given<rules>(opened{"Ada"}).when(take_all{}).then_refused<too_much>(too_much{2});
          }) == R"(the refusal is not the expected one
given
  0  opened  {"owner":"Ada"}
expected
  refused: there are only 2
happened
  refused: there are only 0)");
    CHECK(said_by([] {
              given<rules>().when(withdraw{1}).then_refused([](const std::string& why) {
                  return why.empty();
              });
          }) == R"(the refusal is not the expected one
given
  nothing
happened
  refused: there are only 0)");
}

TEST_CASE("a refusal of any type is shown, as well as its type allows") {
    using everfold::testing::detail::words_of;
    CHECK(words_of(std::string{"no"}) == "no");
    CHECK(words_of("no") == "no");
    CHECK(words_of(overdrawn{"only 5"}) == "only 5");
    CHECK(words_of(too_much{5}) == "there are only 5");
    CHECK(words_of(7) == "7");
    CHECK(words_of(not_open{}) == "shop::not_open {}");
    CHECK(
        words_of(closed_since{timestamp{0, 0}, "eve", {{}}}) ==
        R"(shop::closed_since {"when":"1970-01-01T00:00:00.000Z","by":"eve","others":[{}]})"
    );
    CHECK(words_of(std::variant<not_open, too_much>{not_open{}}) == "shop::not_open {}");
    CHECK(words_of(based{}) == "shop::based, which has no operator<<");
    CHECK(said_by([] { given<rules>().when(take_all{}).then_refused<too_much>(); }
    ).ends_with("happened\n  refused: shop::not_open {}"));
}

TEST_CASE("what Everfold itself throws is a failure and no refusal") {
    CHECK(
        said_by([] { given<account>().when([](account& a) { a.open("nobody"); }).then_refused(); }
        ) == R"(the decision failed, which is no refusal
given
  nothing
happened
  failed: apply() threw on event type 'opened' of stream 'test-1' at revision 0: an account has an owner)"
    );
}

TEST_CASE("a state that is not the expected one is shown as a difference, or whole") {
    const auto ada = [] { return given<account>(opened{"Ada"}, deposited{9}).when(withdraw_5); };
    CHECK(said_by([&] {
              ada().then_state(balance{"Eve", 4, fake_clock::first});
          }) == R"(the state is not the expected one
given
  0  opened  {"owner":"Ada"}
  1  deposited  {"amount":9}
happened
  2  withdrawn  {"amount":5,"why":"rent"}
expected -> found
  ~ /owner  "Eve" -> "Ada")");
    CHECK(said_by([&] {
              ada().then_state([](const balance& now) { return now.amount == 5; });
          }) == R"(the state is not as expected
given
  0  opened  {"owner":"Ada"}
  1  deposited  {"amount":9}
happened
  2  withdrawn  {"amount":5,"why":"rent"}
state
  {
    "owner": "Ada",
    "amount": 4,
    "changed_at": "2024-01-01T00:00:00.000Z"
  })");
}

TEST_CASE("history that can't be folded is a failure of what is given") {
    CHECK(
        said_by([] { given<account>(opened{"nobody"}).when(withdraw_5).then_refused(); }) ==
        R"(what is given can't be folded: apply() threw on event type 'opened' of stream 'test-1' at revision 0, position 0: an account has an owner
  while replaying stream 'test-1' from revision 0
given
  0  opened  {"owner":"nobody"})"
    );
}

TEST_CASE("a decision whose events fold to another state than it left is found") {
    CHECK(said_by([] {
              given<forgetful_account>().when([](forgetful_account& a) { a.deposit(); }
              ).then(deposited{1});
          }) == R"(the state after the decision is not the one that its events fold to
given
  nothing
happened
  0  deposited  {"amount":1}
decided -> folded
  ~ /folded  1 -> 2)");
}

TEST_CASE("events that were appended though the decision threw are found") {
    everfold::testing::detail::scenario_engine engine{
        "test-1", {}, fake_clock::first, std::source_location::current()};
    auto events = engine.events();
    CHECK(said_by([&] {
              engine.decide([&] {
                  static_cast<void>(events.append("test-1", deposited{1}).value());
                  throw refused{"too late"};
              });
          }) == R"(events were appended, though the decision threw: too late
given
  nothing
happened
  0  deposited  {"amount":1})");
}

TEST_CASE("a decision that throws after it has recorded leaves nothing behind") {
    given<account>(opened{"Ada"})
        .when([](account& a) {
            a.deposit(1);
            throw refused{"no"};
        })
        .then_refused<refused>("no")
        .then_state(balance{"Ada", 0, fake_clock::first});
}

TEST_CASE("a failure begins with the place of its when() in the test") {
    std::string said;
    try {
        given<account>().when([](account&) {}).then(deposited{1});
    } catch (const failed& e) {
        said = e.what();
    }
    const std::string place = __FILE__ + (":" + std::to_string(__LINE__ - 4)) + ": ";
    CHECK(said.starts_with(place + "1 event expected, and nothing happened\n"));
}
