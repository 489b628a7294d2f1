// SPDX-License-Identifier: MIT
#include <everfold/io/simulated.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace everfold;
using namespace everfold::io;
using namespace std::chrono_literals;

TEST_CASE("a simulated clock moves by its step on each reading") {
    simulated_clock time{timestamp::from_milliseconds(1000), 2ms};
    CHECK(time.now() == timestamp::from_milliseconds(1000));
    CHECK(time.now() == timestamp::from_milliseconds(1002));
    CHECK(time.monotonic() == 4ms);
    CHECK(time.now() == timestamp::from_milliseconds(1006));
}

TEST_CASE("a simulated clock without a step stands still until told") {
    simulated_clock time{timestamp::from_milliseconds(-1), 0ns};
    CHECK(time.now() == time.now());
    CHECK(time.monotonic() == 0ns);
    time.advance(1'500'000us);
    CHECK(time.now() == timestamp::from_milliseconds(1499));
    CHECK(time.monotonic() == 1500ms);
    time.advance(1ns);
    CHECK(time.now() == timestamp{1, 499'000'001});
}

TEST_CASE("a jump of wall time leaves monotonic time alone") {
    simulated_clock time{timestamp::from_milliseconds(0), 0ns};
    time.advance(5s);
    time.set(timestamp::from_milliseconds(-1'000'000));
    CHECK(time.now() == timestamp::from_milliseconds(-1'000'000));
    CHECK(time.monotonic() == 5s);
}

TEST_CASE("simulated randomness repeats by seed and nothing else") {
    simulated_random a{7};
    simulated_random b{7};
    simulated_random c{8};
    for (int i = 0; i < 100; ++i) {
        const auto id = a.next_uuid();
        CHECK(id == b.next_uuid());
        CHECK(id != c.next_uuid());
    }
}

TEST_CASE("simulated machines differ in their boot only by the boot's number") {
    const auto disk = std::make_shared<simulated_disk>();
    const auto one = simulated_machine(disk, 1, 1);
    const auto two = simulated_machine(disk, 2, 1);
    const auto later = simulated_machine(disk, 1, 2);
    CHECK(one.boot_id == two.boot_id);
    CHECK(one.boot_id != later.boot_id);
    CHECK(one.process_name != two.process_name);
    CHECK(one.files == disk);
}
