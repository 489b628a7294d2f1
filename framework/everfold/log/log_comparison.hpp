// SPDX-License-Identifier: MIT
#pragma once
// Two directories of one log: up to where they hold the same events.

#include <everfold/base/ids.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/manifest.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace everfold::log {

/// A place between two batches.
struct batch_end {
    position at{};
    byte_offset offset{};
    std::uint64_t chain{};
};

/// A log in one directory, up to the last frame that checks, durable or not.
struct compared_log {
    std::string directory{};
    manifest content{};
    head_mark head{};
    walk_state end{};
    /// Of the active segment, where they are known.
    std::vector<batch_end> active{};
    /// One past the last event that its writer knew to be durable.
    position durable{};
};

/// Reads the log in `directory`, which nobody writes to, and changes nothing. Throws what opening
/// for reading throws.
[[nodiscard]] compared_log look_at(const io::machine& machine, const std::string& directory);

/// The last place between batches of `one` up to which `other` holds the same events. The chain is
/// compared, which is the same whatever segments the events are in, compressed or not.
[[nodiscard]] position
common_end(const io::machine& machine, const compared_log& one, const compared_log& other);

/// How many bytes the two sources have in common at their beginning.
[[nodiscard]] byte_offset common_bytes(segment_source& one, segment_source& other);

} // namespace everfold::log
