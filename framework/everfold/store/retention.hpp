// SPDX-License-Identifier: MIT
#pragma once
// How much of a stream can be reached, and what removing the rest for good did.
// docs/rewriting/retention.md.

#include <chrono>
#include <cstdint>
#include <string>

namespace everfold {

/// What of a stream can be reached: at most the last `max_count` events, none that was recorded
/// longer than `max_age` ago. 0: no bound.
struct retention {
    std::uint64_t max_count{};
    std::chrono::nanoseconds max_age{};

    friend bool operator==(const retention&, const retention&) = default;
};

struct scavenge_options {
    /// Says what would be removed, and removes nothing.
    bool is_dry_run{};
    /// Goes into the record of the removal; at most 4,096 bytes.
    std::string why{};
};

struct scavenge_report {
    std::uint64_t events{};   ///< removed
    std::uint64_t segments{}; ///< that were written anew for it
    std::uint64_t bytes_before{};
    /// Before they are compressed again; of a dry run, 0.
    std::uint64_t bytes_after{};
    /// Of streams that have ended.
    std::uint64_t snapshots{};
};

} // namespace everfold
