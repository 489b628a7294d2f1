// SPDX-License-Identifier: MIT
#pragma once
// One crash and one recovery, as the suites that crash again and again put them together.

#include <everfold/io/simulated.hpp>
#include <everfold/log/event_log.hpp>

#include <support/log_workload.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace everfold::proof {

/// A disk as the next process finds it, and the boot that it runs in.
struct machine_state {
    std::shared_ptr<io::simulated_disk> disk{};
    std::uint64_t boot{};
};

/// Kinds of power cuts, and the death of the process alone.
inline constexpr std::uint64_t crash_kinds = 5;

inline machine_state
crash(const io::simulated_disk& disk, std::uint64_t boot, std::uint64_t kind, std::uint64_t seed) {
    constexpr std::array cuts{
        io::power_cut::lose_all,
        io::power_cut::random,
        io::power_cut::garble,
        io::power_cut::keep_all};
    if (kind % crash_kinds == cuts.size())
        return {disk.after_kill(), boot};
    return {disk.after_power_cut(cuts.at(kind % crash_kinds), seed), boot + 1};
}

/// What a recovery has shown; nothing where the power went at operation `off_at` of it.
inline std::optional<std::vector<std::string>>
recover(const machine_state& on, std::uint64_t seed, std::uint64_t off_at = ~std::uint64_t{}) {
    on.disk->power_off_at(off_at);
    try {
        const auto log = log::event_log::open(
            io::simulated_machine(on.disk, seed, on.boot),
            "/log",
            testing::small_log(log::access::create, testing::tiny_segment)
        );
        return testing::texts_of(testing::read_all(*log));
    } catch (const io::simulated_disk::powered_off&) {
        return {};
    }
}

} // namespace everfold::proof
