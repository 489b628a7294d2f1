// SPDX-License-Identifier: MIT
// T15: clocks that jump, stand, run backwards, or are at the ends of their range: recorded time
// never falls, and nothing else depends on it.

#include <everfold/base/error.hpp>

#include <proof/proof.hpp>
#include <support/stores.hpp>

#include <array>
#include <optional>
#include <random>
#include <string>

namespace everfold::proof {

namespace {

using namespace testing;

enum class habit : std::uint8_t { jumps, backwards, frozen, at_1970, at_2038, at_2262, suspended };

/// Wall time by its habit; monotonic time stands where the machine is suspended.
class odd_clock final : public io::clock {
public:
    odd_clock(habit h, std::uint64_t seed)
        : habit_{h}
        , random_{seed} {}

    timestamp now() override {
        constexpr std::int64_t year = 31'556'952;
        constexpr std::int64_t today = 1'704'067'200;
        ++readings_;
        switch (habit_) {
        case habit::jumps:
            return {today + (static_cast<std::int64_t>(random_() % 21) - 10) * year, 0};
        case habit::backwards:
            return {today - readings_ * 3600, 0};
        case habit::frozen:
            return {today, 0};
        case habit::at_1970:
            return {readings_ % 3 - 1, 0};
        case habit::at_2038:
            return {(std::int64_t{1} << 31U) - 3 + readings_ % 6, 0};
        case habit::at_2262: // where nanoseconds since 1970 no longer fit
            return {9'223'372'036 - 3 + readings_ % 6, 854'775'800};
        case habit::suspended:
            return {today + readings_ * year, 0};
        }
        return {};
    }

    std::chrono::nanoseconds monotonic() override {
        if (habit_ != habit::suspended)
            monotonic_ += std::chrono::milliseconds{3};
        return monotonic_;
    }

private:
    habit habit_;
    std::mt19937_64 random_;
    std::int64_t readings_{};
    std::chrono::nanoseconds monotonic_{};
};

std::string fault_of(habit h, std::uint64_t seed, bool takes_clock_at_its_word) {
    auto disk = std::make_shared<io::simulated_disk>();
    auto machine = io::simulated_machine(disk, seed);
    const auto clock = std::make_shared<odd_clock>(h, seed);
    machine.time = clock;
    store_options options{
        .segment_bytes_max = 5000 + seed % 3000, .event_bytes_max = 512, .batch_bytes_max = 1024};
    options.compress_sealed = false;
    if (seed % 3 == 0)
        options.level = durability::interval(std::chrono::milliseconds{20}, 400);
    if (seed % 2 == 0)
        options.segment_age_max = std::chrono::milliseconds{3'600'000};
    std::uint64_t durable = 0;
    {
        auto s = open("/log", options, machine);
        for (std::uint32_t i = 0; i < 30; ++i)
            s.append(to_stream("s-" + std::to_string(i % 3), {numbered(i)})).value();
        durable = s.durable_position().value();
        if (s.end() != position{30})
            return "it ends elsewhere";
        if (options.level == durability::commit() && durable != 30)
            return "what is acknowledged is not durable";
        disk = disk->after_power_cut(io::power_cut::lose_all, seed);
    }
    machine.files = disk;
    auto s = open("/log", options, machine);
    if (s.end().value() < durable)
        return "lost what was durable";
    const auto said = clock->now();
    s.append(to_stream("s-0", {numbered(31)})).value();
    std::optional<timestamp> before;
    for (const auto& e : s.read()) {
        if (before && e.recorded_at < *before)
            return "recorded time falls";
        before = e.recorded_at;
    }
    return takes_clock_at_its_word && before < said ? "the clock was not believed" : "";
}

} // namespace

void prove_clocks(run& r) {
    auto& in = r.line("T15", "clocks that jump, stand, run backwards, or are at an end");
    constexpr std::array habits{
        habit::jumps,
        habit::backwards,
        habit::frozen,
        habit::at_1970,
        habit::at_2038,
        habit::at_2262,
        habit::suspended};
    r.steps(r.share<std::uint64_t>(10, 400), 1, [&](std::uint64_t i) {
        for (const auto h : habits)
            r.judge(
                in,
                [&]() -> std::string {
                    try {
                        return fault_of(h, r.seed() * 1000 + i, r.is_planted());
                    } catch (const error& e) {
                        return e.what();
                    }
                },
                [&] { return "habit " + std::to_string(static_cast<int>(h)); }
            );
    });
}

} // namespace everfold::proof
