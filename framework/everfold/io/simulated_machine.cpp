// SPDX-License-Identifier: MIT
#include <everfold/io/simulated.hpp>
#include <everfold/io/simulated_nodes.hpp>

#include <mutex>
#include <utility>

namespace everfold::io {

namespace {

timestamp later(timestamp t, std::chrono::nanoseconds by) {
    constexpr std::int64_t second = 1'000'000'000;
    auto seconds = t.seconds() + by.count() / second;
    auto rest = static_cast<std::int64_t>(t.nanoseconds()) + by.count() % second;
    if (rest >= second) {
        ++seconds;
        rest -= second;
    } else if (rest < 0) {
        --seconds;
        rest += second;
    }
    return {seconds, static_cast<std::uint32_t>(rest)};
}

} // namespace

struct simulated_clock::state {
    std::mutex mutex{};
    timestamp wall{};
    std::chrono::nanoseconds monotonic{};
    std::chrono::nanoseconds step{};

    void advance(std::chrono::nanoseconds by) {
        wall = later(wall, by);
        monotonic += by;
    }
};

simulated_clock::simulated_clock(timestamp start, std::chrono::nanoseconds step)
    : state_{std::make_unique<state>()} {
    state_->wall = start;
    state_->step = step;
}

simulated_clock::~simulated_clock() = default;

timestamp simulated_clock::now() {
    const std::scoped_lock lock{state_->mutex};
    const auto reading = state_->wall;
    state_->advance(state_->step);
    return reading;
}

std::chrono::nanoseconds simulated_clock::monotonic() {
    const std::scoped_lock lock{state_->mutex};
    const auto reading = state_->monotonic;
    state_->advance(state_->step);
    return reading;
}

void simulated_clock::set(timestamp t) {
    const std::scoped_lock lock{state_->mutex};
    state_->wall = t;
}

void simulated_clock::advance(std::chrono::nanoseconds by) {
    const std::scoped_lock lock{state_->mutex};
    state_->advance(by);
}

struct simulated_random::state {
    std::mutex mutex{};
    simulated::generator numbers{0};
};

simulated_random::simulated_random(std::uint64_t seed)
    : state_{std::make_unique<state>()} {
    state_->numbers = simulated::generator{seed};
}

simulated_random::~simulated_random() = default;

void simulated_random::fill(std::span<std::byte> into) {
    const std::scoped_lock lock{state_->mutex};
    for (auto& b : into)
        b = static_cast<std::byte>(state_->numbers.next() >> 56U);
}

machine
simulated_machine(std::shared_ptr<simulated_disk> disk, std::uint64_t seed, std::uint64_t boot) {
    return {
        .files = std::move(disk),
        .time = std::make_shared<simulated_clock>(),
        .random = std::make_shared<simulated_random>(seed),
        .boot_id = simulated_random{boot}.next_uuid(),
        .process_name = "simulated process " + std::to_string(seed),
        .has_background = false,
    };
}

} // namespace everfold::io
