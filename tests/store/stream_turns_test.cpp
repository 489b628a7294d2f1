// SPDX-License-Identifier: MIT
#include <everfold/store/stream_turns.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using everfold::stream_turns;

namespace {

void until_waiting(const stream_turns& turns, std::string_view stream, std::size_t count) {
    while (turns.waiting(stream) != count)
        std::this_thread::yield();
}

} // namespace

TEST_CASE("turns at a stream are given in the order in which they were asked for") {
    stream_turns turns;
    std::vector<int> order; // by whoever has the turn
    {
        auto mine = std::make_optional(turns.wait_for("one"));
        std::vector<std::jthread> threads;
        for (int me = 0; me < 8; ++me) {
            threads.emplace_back([&, me] {
                const auto first = turns.wait_for("one");
                order.push_back(me);
            });
            until_waiting(turns, "one", static_cast<std::size_t>(me) + 1);
        }
        CHECK(order.empty());
        mine.reset();
    }
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
    CHECK(turns.waiting("one") == 0);
}

TEST_CASE("a thread that comes by while a turn is handed over does not get in first") {
    stream_turns turns;
    for (int round = 0; round < 200; ++round) {
        std::vector<int> order;
        {
            auto mine = std::make_optional(turns.wait_for("one"));
            std::jthread waiting{[&] {
                const auto turn = turns.wait_for("one");
                order.push_back(1);
            }};
            until_waiting(turns, "one", 1);
            mine.reset();
            mine.emplace(turns.wait_for("one")); // asked last, and goes last
            order.push_back(2);
            mine.reset();
        }
        REQUIRE(order == std::vector<int>{1, 2});
    }
}

TEST_CASE("of many threads one has its turn at a time, and streams do not wait for one another") {
    stream_turns turns;
    std::vector<std::string> streams{"one", "two", "three"};
    std::vector<int> counts(streams.size());
    {
        const auto held = turns.wait_for("four"); // nobody minds
        std::vector<std::jthread> threads;
        for (std::size_t me = 0; me < 6; ++me)
            threads.emplace_back([&, me] {
                for (int i = 0; i < 500; ++i) {
                    const auto turn = turns.wait_for(streams[me % 3]);
                    ++counts[me % 3];
                }
            });
    }
    CHECK(counts == std::vector<int>{1000, 1000, 1000});
}

TEST_CASE("a turn inside a turn is had at once, and the outer one ends it for the others") {
    stream_turns turns;
    std::atomic<bool> is_in{false};
    std::jthread other;
    {
        const auto outer = turns.wait_for("one");
        {
            const auto inner = turns.wait_for("one");
            other = std::jthread{[&] {
                const auto turn = turns.wait_for("one");
                is_in = true;
            }};
            until_waiting(turns, "one", 1);
        }
        std::this_thread::yield();
        CHECK(turns.waiting("one") == 1);
        CHECK_FALSE(is_in);
    }
    other.join();
    CHECK(is_in);
}

TEST_CASE("a turn that is moved ends once, and one that is left by an exception ends") {
    stream_turns turns;
    try {
        auto turn = turns.wait_for("one");
        const auto moved = std::move(turn);
        throw std::runtime_error{"refused"};
    } catch (const std::runtime_error&) {
        std::jthread other{[&] { const auto turn = turns.wait_for("one"); }};
    }
    CHECK(turns.waiting("one") == 0);
}
