// SPDX-License-Identifier: MIT
#pragma once
// Walks the frames of a segment in order and believes only what follows from what came before.
// docs/log_format.md, "Opening", 4.

#include <everfold/base/error.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/growing_index.hpp>
#include <everfold/log/manifest.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace everfold::log {

/// How far a walk over frames has come.
struct walk_state {
    byte_offset at{};
    position next{};
    std::uint64_t chain{};
    std::uint32_t epoch{};
    std::int64_t recorded_ns{};
    byte_offset watermark{}; ///< of the last good frame
    std::uint64_t frame_count{};
    byte_offset last_frame{}; ///< where there is one
    bool is_sealed{};
    /// Of the segment: only then there are frames of remains and provenance.
    bool is_rewritten{};
    position first{}; ///< of the segment
    /// Why it stopped.
    std::string_view why{};
};

/// Where a walk over the segment begins. `before` is the segment before it, where there is one.
[[nodiscard]] walk_state beginning_of(const segment_entry& entry, const segment_entry* before);

/// Takes in a batch; a sentence where its records are not well-formed.
using batch_sink = std::function<const char*(const frame_view& batch, std::uint64_t chain_after)>;

/// Walks the frames from `state.at` up to `end`, as far as everything checks. Records that no
/// writer writes are corruption.
void walk_frames(
    frame_reader& reader, byte_offset end, walk_state& state, const batch_sink& take_batch
);

/// The index of a sealed segment from its frames, all of them: throws corruption where it is not
/// exactly what the manifest says.
[[nodiscard]] std::shared_ptr<growing_index> walk_sealed_segment(
    std::shared_ptr<segment_source> source,
    const segment_entry& entry,
    const segment_entry* before,
    const uuid& log_id,
    std::uint32_t batch_bytes_max
);

/// Damage, and what is intact before it.
[[nodiscard]] corruption
damage_at(const segment_source& source, byte_offset at, std::string what, position first_lost);

} // namespace everfold::log
