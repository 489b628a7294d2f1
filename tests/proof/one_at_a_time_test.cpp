// SPDX-License-Identifier: MIT
// Whether the threads of the suite schedules run as they are told to.

#include <doctest/doctest.h>
#include <proof/one_at_a_time.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using namespace everfold::proof;

TEST_CASE("the same choices give the same order, and all choices all orders") {
    if (!schedule::is_controlled())
        return;
    const auto order_of = [](unsigned choices) {
        std::string out;
        const auto work = [&](char name) {
            return [&out, name] {
                out += name;
                schedule::point();
                out += name;
            };
        };
        const auto choose = [&](std::size_t of) {
            const auto now = choices % of;
            choices /= 2;
            return now;
        };
        static_cast<void>(schedule::run({work('a'), work('b')}, schedule::points::calls, choose));
        return out;
    };
    std::set<std::string> all;
    for (unsigned choices = 0; choices < 16; ++choices) {
        CHECK(order_of(choices) == order_of(choices));
        all.insert(order_of(choices));
    }
    CHECK(all == std::set<std::string>{"aabb", "abab", "abba", "baab", "baba", "bbaa"});
}

TEST_CASE("threads that wait for each other are found, and others that wait are woken") {
    if (!schedule::is_controlled())
        return;
    static std::mutex a; // two threads keep them for ever
    static std::mutex b;
    const auto both = [](std::mutex& first, std::mutex& second) {
        return [&] {
            const std::lock_guard one{first};
            schedule::point();
            const std::lock_guard other{second};
        };
    };
    std::size_t turn = 0;
    const auto in_turn = [&](std::size_t of) { return turn++ % of; };
    const auto one_by_one = [](std::size_t) { return std::size_t{0}; };
    const auto calls = schedule::points::calls;
    CHECK_FALSE(schedule::run({both(a, b), both(b, a)}, calls, one_by_one).has_deadlock);

    std::mutex m;
    std::condition_variable is_there;
    bool is_it = false;
    const auto wait = [&] {
        std::unique_lock lock{m};
        is_there.wait(lock, [&] { return is_it; });
    };
    const auto bring = [&] {
        const std::lock_guard lock{m};
        is_it = true;
        is_there.notify_all();
    };
    CHECK_FALSE(schedule::run({wait, wait, bring}, calls, one_by_one).has_deadlock);

    CHECK(schedule::run({both(a, b), both(b, a)}, calls, in_turn).has_deadlock);
}
