// SPDX-License-Identifier: MIT
#pragma once
// How much of a stream can be reached, and what removing the rest for good did.
// docs/rewriting/retention.md.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>

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
    /// Of streams whose beginning is out of reach.
    std::uint64_t snapshots{};
};

/// One removal from one segment; a scavenge leaves one in each that it writes anew.
struct removal_record {
    timestamp at{};
    std::uint64_t events{}; ///< removed
    std::string why{};
    std::uint64_t segment{};      ///< its number, from 0
    position first{};             ///< of the segment
    std::uint64_t source_bytes{}; ///< of the segment before, not compressed

    friend bool operator==(const removal_record&, const removal_record&) = default;
};

} // namespace everfold
