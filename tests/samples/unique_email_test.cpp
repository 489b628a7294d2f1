// SPDX-License-Identifier: MIT
// The decisions of the sample, one after the other and eight at once.

#include <everfold/store/open.hpp>

#include <accounts.hpp>
#include <doctest/doctest.h>
#include <support/scratch_dir.hpp>

#include <atomic>
#include <barrier>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace accounts;

namespace {

constexpr int racers = 8;
constexpr int rounds = 1000;

/// Eight threads that begin each round together; how many of them won it.
template <class Attempt>
std::vector<int> winners(const Attempt& attempt) {
    std::vector<std::atomic<int>> wins(rounds);
    std::barrier start{racers};
    {
        std::vector<std::jthread> threads;
        for (int me = 0; me < racers; ++me)
            threads.emplace_back([&, me] {
                for (int round = 0; round < rounds; ++round) {
                    start.arrive_and_wait();
                    try {
                        attempt(round, me);
                        ++wins[static_cast<std::size_t>(round)];
                    } catch (const email_taken&) { // NOLINT(bugprone-empty-catch): lost
                    }
                }
            });
    }
    return {wins.begin(), wins.end()};
}

std::string address_of(int round) {
    return "racer-" + std::to_string(round) + "@example.com";
}

/// What every event of the log adds up to; an address with two owners is counted.
struct registry {
    std::map<std::string, std::int64_t> owners{};
    int shared{};

    explicit registry(everfold::store& store) {
        for (const auto& e : store.read()) {
            if (e.is<account_opened>()) {
                take(e.as<account_opened>().email, e.as<account_opened>().account);
            } else if (e.is<email_changed>()) {
                owners.erase(e.as<email_changed>().from);
                take(e.as<email_changed>().to, e.as<email_changed>().account);
            } else {
                owners.erase(e.as<account_closed>().email);
            }
        }
    }

    void take(const std::string& email, std::int64_t account) {
        if (!owners.emplace(email, account).second)
            ++shared;
    }
};

} // namespace

TEST_CASE("an address is free before it is taken, and again once it was given up") {
    auto store = everfold::open("memory:");
    CHECK_FALSE(owner_of(store, "ada@example.com").has_value());
    open_account(store, 1, "ada@example.com");
    CHECK(owner_of(store, "ADA@example.com") == 1);
    CHECK_THROWS_AS(open_account(store, 2, "Ada@Example.com"), email_taken);
    open_account(store, 2, "bob@example.com");
    CHECK_THROWS_AS(change_email(store, 2, "ada@example.com"), email_taken);
    change_email(store, 1, "countess@example.com");
    CHECK_FALSE(owner_of(store, "ada@example.com").has_value());
    change_email(store, 2, "ada@example.com");
    CHECK(owner_of(store, "ada@example.com") == 2);
    change_email(store, 2, "ada@example.com"); // changes nothing
    CHECK(store.end() == everfold::position{4});
    close_account(store, 2);
    open_account(store, 3, "ada@example.com");
    CHECK(owner_of(store, "ada@example.com") == 3);
    CHECK(owner_of(store, "countess@example.com") == 1);
    CHECK_FALSE(owner_of(store, "bob@example.com").has_value());
}

TEST_CASE("what can't be is refused and nothing is recorded") {
    auto store = everfold::open("memory:");
    open_account(store, 1, "ada@example.com");
    CHECK_THROWS_AS(open_account(store, 1, "eve@example.com"), refused);
    CHECK_THROWS_AS(change_email(store, 2, "eve@example.com"), refused);
    CHECK_THROWS_AS(close_account(store, 2), refused);
    for (const auto* email : {"", "ada", "@example.com", "ada@"})
        CHECK_THROWS_AS(open_account(store, 2, email), refused);
    close_account(store, 1);
    CHECK_THROWS_AS(close_account(store, 1), refused);
    CHECK_THROWS_AS(change_email(store, 1, "eve@example.com"), refused);
    CHECK_THROWS_AS(open_account(store, 1, "eve@example.com"), refused);
    CHECK(store.end() == everfold::position{2});
}

TEST_CASE("of eight threads that race for an address, a thousand times, exactly one gets it") {
    const everfold::testing::scratch_dir directory;
    auto store = everfold::open(directory / "log");
    const auto opening = winners([&](int round, int me) {
        open_account(store, round * racers + me, address_of(round));
    });
    CHECK(opening == std::vector<int>(rounds, 1));
    const registry after{store};
    CHECK(after.shared == 0);
    CHECK(after.owners.size() == rounds);
    CHECK(store.end() == everfold::position{rounds});
}

TEST_CASE("of eight accounts that race to change to an address, a thousand times, one gets it") {
    auto store = everfold::open("memory:");
    for (int me = 0; me < racers; ++me)
        open_account(store, me, "home-" + std::to_string(me) + "@example.com");
    const auto changing =
        winners([&](int round, int me) { change_email(store, me, address_of(round)); });
    CHECK(changing == std::vector<int>(rounds, 1));
    const registry after{store};
    CHECK(after.shared == 0);
    CHECK(after.owners.size() == racers);
    for (const auto& [email, account] : after.owners)
        CHECK(owner_of(store, email) == account);
}
