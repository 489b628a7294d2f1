// SPDX-License-Identifier: MIT
// Time that a test tells, in a store and in what is recorded.

#include <everfold/event/event.hpp>
#include <everfold/testing/fake_clock.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string_view>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using namespace std::chrono_literals;

namespace {

struct ticked {
    static constexpr std::string_view event_type = "ticked";
};

std::vector<timestamp> times_in(store s) {
    std::vector<timestamp> out;
    for (const auto& e : s.read())
        out.push_back(e.recorded_at);
    return out;
}

} // namespace

TEST_CASE("the clock stands until it is told, and copies of it are one clock") {
    fake_clock time;
    CHECK(time.now() == fake_clock::first);
    CHECK(time.now() == fake_clock::first);
    auto same = time;
    same.advance(90s);
    CHECK(time.now() == timestamp{fake_clock::first.seconds() + 90, 0});
    time.set(timestamp{5, 7});
    CHECK(same.now() == timestamp{5, 7});
}

TEST_CASE("a store in memory records by the clock that it was given") {
    fake_clock time{timestamp{100, 0}};
    auto store = open_in_memory(time);
    CHECK(store.append("a", ticked{}, ticked{}).is_appended());
    time.advance(24h);
    CHECK(store.append("a", ticked{}).is_appended());
    CHECK(times_in(store) == std::vector<timestamp>{{100, 0}, {100, 0}, {100 + 24 * 60 * 60, 0}});
    CHECK(store.position_at(timestamp{100, 0}) == position{1});
}

TEST_CASE("a wait for an event ends by real time, though the clock stands") {
    const fake_clock time;
    auto store = open_in_memory(time);
    const bool came = store.wait_for(position{0}, 20ms);
    CHECK_FALSE(came);
}
