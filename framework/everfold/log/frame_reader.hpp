// SPDX-License-Identifier: MIT
#pragma once
// Reads frames and believes nothing that does not check. docs/log_format.md, "Opening", 4.

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/source.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace everfold::log {

/// A frame whose header, body and trailer checked. The body is the reader's memory.
struct frame_view {
    byte_offset at{};
    frame_header header{};
    bytes_view body{};

    [[nodiscard]] byte_offset end() const noexcept { return at.advanced(header.frame_size()); }
};

/// With the chain of its segment's frames up to its end.
struct chained_frame {
    frame_view frame{};
    std::uint64_t chain_after{};
};

/// Why there is no frame at an offset.
enum class frame_fault : std::uint8_t {
    none,
    end_of_segment, ///< nothing at all is there
    header,         ///< no header that was written for this offset
    length,         ///< it says more than is there, or more than a batch may weigh
    body,           ///< the body does not match its checksum
    trailer,        ///< the trailer is not the header's
};

[[nodiscard]] std::string_view in_words(frame_fault fault) noexcept;

/// Reads the frames of one segment through a window of its own.
///
/// Threads: one.  Failure: io_error; corruption from an archive's blocks.
class frame_reader {
public:
    frame_reader(
        std::shared_ptr<segment_source> source,
        std::uint64_t header_seed,
        std::uint32_t batch_bytes_max
    );

    /// The frame at `at`, which ends at or before `end`; null with a fault otherwise. What it
    /// points to lives until the next call. Reads ahead where frames are asked for in order, and
    /// else as many bytes at once as the caller believes that it has.
    [[nodiscard]] const frame_view*
    read(byte_offset at, byte_offset end, std::size_t believed = usual_size);

    [[nodiscard]] frame_fault fault() const noexcept { return fault_; }

    /// The frame that read() has just refused for its body or its trailer: the header is intact,
    /// and for the trailer's fault the body, too.
    [[nodiscard]] const frame_view& refused() const noexcept { return frame_; }

    /// The first header at or after `from`, on a multiple of 8 and before `end`, that checks.
    /// For recovery: what lies behind a frame that does not.
    [[nodiscard]] std::optional<frame_view> find_header(byte_offset from, byte_offset end);

    /// How many bytes lie between `from` and the last one that is not zero.
    [[nodiscard]] std::uint64_t used_bytes_after(byte_offset from);

    [[nodiscard]] segment_source& source() const noexcept { return *source_; }

    [[nodiscard]] std::uint64_t header_seed() const noexcept { return seed_; }

    [[nodiscard]] std::uint32_t batch_bytes_max() const noexcept { return batch_bytes_max_; }

private:
    static constexpr std::size_t usual_size = 4096;

    /// `size` bytes at `at`, or fewer where the segment ends; `alone` at least are read.
    bytes_view window(std::uint64_t at, std::size_t size, std::size_t alone = usual_size);
    const frame_view* fail(frame_fault fault) noexcept;

    std::shared_ptr<segment_source> source_;
    std::uint64_t seed_;
    std::uint32_t batch_bytes_max_;
    segment_source::scratch scratch_{};
    byte_buffer buffer_{};
    std::uint64_t buffer_at_{};
    std::size_t buffer_size_{};
    std::uint64_t expected_next_{};
    frame_view frame_{};
    frame_fault fault_{frame_fault::none};
};

} // namespace everfold::log
