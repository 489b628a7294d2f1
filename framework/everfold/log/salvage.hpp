// SPDX-License-Identifier: MIT
#pragma once
// Reads on behind damage: every frame that checks, and what lies between them.

#include <everfold/base/ids.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/source.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace everfold::log {

/// A segment's bytes, with zeros where they can't be read: a sector that the disk refuses, a block
/// of an archive that does not check. Zeros are no frame, so nothing is made of them.
///
/// Threads: one.
class forgiving_source final : public segment_source {
public:
    struct gap {
        byte_offset at{};      ///< in the segment
        byte_offset end{};     ///< the same
        byte_offset in_file{}; ///< where the file is wrong
        std::string what{};
    };

    explicit forgiving_source(std::shared_ptr<segment_source> from);
    ~forgiving_source() override;

    [[nodiscard]] std::size_t
    read_at(byte_offset at, std::span<std::byte> into, scratch& mine) override;
    [[nodiscard]] std::uint64_t size() override;
    [[nodiscard]] std::uint64_t stored_size() override;
    [[nodiscard]] const std::string& file_name() const noexcept override;

    /// The first gap that meets the bytes from `at` to before `end`.
    [[nodiscard]] const gap* gap_in(byte_offset at, byte_offset end) const noexcept;

private:
    void note(byte_offset at, byte_offset end, byte_offset in_file, const char* what);

    std::shared_ptr<segment_source> from_;
    std::vector<gap> gaps_{};
};

/// Where frames do not follow one another as they were written.
struct lost_stretch {
    byte_offset at{};
    byte_offset end{};
    std::string what{};
    /// Positions from `first` to before `behind` are lost: none, where the two are equal, and an
    /// unknown number where nothing behind it checks.
    position first{};
    std::optional<position> behind{};
};

struct salvage_state {
    walk_state walk{};
    /// What lies in a stretch without a header is not in the chain that is known.
    bool is_chain_known{true};
    /// Nothing is missing so far.
    bool is_whole{true};
};

/// Takes in a frame of whatever kind. Of a batch, or what remains of batches, it gets the chain
/// after it, where that is known.
using frame_sink =
    std::function<void(const frame_view& frame, std::optional<std::uint64_t> chain_after)>;

/// Takes note of a stretch; false: what follows is of no interest. It leaves the reader alone.
using stretch_sink = std::function<bool(const lost_stretch& stretch)>;

/// Walks the frames from `state.walk.at` to `end`. Zeros up to the end are the end.
void salvage_frames(
    frame_reader& reader,
    byte_offset end,
    salvage_state& state,
    const frame_sink& take,
    const stretch_sink& lose
);

/// Whether all that lies from `at` to `end` may be an append that was not acknowledged: nothing
/// says that more than `durable` bytes were safe, not the headers of frames behind either.
[[nodiscard]] bool is_behind_durable(
    std::shared_ptr<segment_source> source,
    std::uint64_t header_seed,
    std::uint32_t batch_bytes_max,
    byte_offset at,
    byte_offset end,
    byte_offset durable
);

} // namespace everfold::log
