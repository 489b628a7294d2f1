// SPDX-License-Identifier: MIT
#pragma once
// The bytes of a segment: its header and the headers of its frames. docs/log_format.md, "Segment".

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace everfold::log {

inline constexpr std::uint16_t format_major = 1;

/// XXH3-64.
[[nodiscard]] std::uint64_t checksum(bytes_view data, std::uint64_t seed) noexcept;

// ---- segment header

inline constexpr std::size_t segment_header_size = 4096;
inline constexpr std::size_t segment_header_used = 8 + 8 + 16 + 16 + 8 + 8 + 8 + 8 + 8;
static_assert(segment_header_used == 88);

/// No log allows more, whatever its files say.
inline constexpr std::uint32_t batch_bytes_largest = std::uint32_t{1} << 30U;

/// What a batch may weigh; fixed when a log is created.
struct size_limits {
    std::uint64_t segment_bytes_max{};
    std::uint32_t event_bytes_max{};
    std::uint32_t batch_bytes_max{};

    friend bool operator==(const size_limits&, const size_limits&) = default;
};

struct segment_header {
    uuid log_id{};
    std::uint64_t number{};
    std::uint64_t id{};
    position first{};
    std::uint64_t chain{};
    std::int64_t created_ns{};
    std::uint32_t event_bytes_max{};
    std::uint32_t batch_bytes_max{};
    bool is_rewritten{};
};

[[nodiscard]] byte_buffer encode(const segment_header& header);

/// Throws corruption (of `file`) or errc::unsupported.
[[nodiscard]] segment_header decode_segment_header(bytes_view at, const std::string& file);

// ---- frame header and trailer

inline constexpr std::uint32_t frame_magic = 0x4D52'4645; // "EFRM"
inline constexpr std::size_t frame_header_size = 64;
inline constexpr std::size_t frame_trailer_size = 8;
inline constexpr std::size_t frame_overhead = frame_header_size + frame_trailer_size;
static_assert(frame_header_size == 4 + 4 + 8 + 8 + 8 + 8 + 8 + 8 + 8);

/// A batch's body begins with its append id.
inline constexpr std::size_t append_id_size = 16;

enum class frame_kind : std::uint16_t {
    batch = 1,
    mark = 2,
    seal = 3,
    remains = 4,    ///< of batches, in a rewritten segment
    provenance = 5, ///< of such a segment
};

struct frame_header {
    frame_kind kind{frame_kind::batch};
    std::uint32_t body_length{};
    std::uint32_t event_count{};
    position first{};
    std::uint32_t epoch{};
    std::uint32_t chain_low{};
    byte_offset watermark{};
    std::int64_t recorded_ns{};
    std::uint64_t body_checksum{};

    [[nodiscard]] std::uint64_t frame_size() const noexcept { return frame_overhead + body_length; }
};

/// What makes a header of this segment check here and nowhere else.
[[nodiscard]] std::uint64_t header_seed(const uuid& log_id, std::uint64_t segment_id) noexcept;

/// Writes the header at `at` (64 bytes) for a frame at `offset`.
void encode_frame_header(
    std::byte* at, const frame_header& header, std::uint64_t seed, byte_offset offset
) noexcept;

/// Writes the trailer at `at` (8 bytes).
void encode_frame_trailer(std::byte* at, std::uint64_t frame_size) noexcept;

/// Nothing where the 64 bytes are not a header that was written for this offset.
[[nodiscard]] std::optional<frame_header>
decode_frame_header(bytes_view at, std::uint64_t seed, byte_offset offset) noexcept;

[[nodiscard]] bool trailer_matches(bytes_view at, std::uint64_t frame_size) noexcept;

/// The chain after a batch with this body.
[[nodiscard]] std::uint64_t chain_after(std::uint64_t chain, std::uint64_t body_checksum) noexcept;

// ---- seal body

inline constexpr std::size_t seal_body_size = 32;

struct seal {
    position first{};
    position end{};
    std::uint64_t chain{};
    std::uint64_t frame_count{};

    friend bool operator==(const seal&, const seal&) = default;
};

[[nodiscard]] std::array<std::byte, seal_body_size> encode(const seal& s) noexcept;
[[nodiscard]] std::optional<seal> decode_seal(bytes_view body) noexcept;

} // namespace everfold::log
