// SPDX-License-Identifier: MIT
#pragma once
// Makes changed bytes of a log's files check again. Written from log_format.md, as what is repaired
// must not depend on what is tested.

#include <everfold/base/bytes.hpp>

#include <array>
#include <cstdint>
#include <span>

namespace everfold::fuzz {

/// The log and the segment that all inputs are of.
inline constexpr std::array<std::byte, 16> log_octets{
    std::byte{0x10},
    std::byte{0x11},
    std::byte{0x12},
    std::byte{0x13},
    std::byte{0x14},
    std::byte{0x15},
    std::byte{0x46},
    std::byte{0x17},
    std::byte{0x98},
    std::byte{0x19},
    std::byte{0x1A},
    std::byte{0x1B},
    std::byte{0x1C},
    std::byte{0x1D},
    std::byte{0x1E},
    std::byte{0x1F}};
inline constexpr std::uint64_t segment_id = 0x2021'2223'2425'2627;
inline constexpr std::uint32_t batch_bytes_max = 4096;
inline constexpr std::size_t frames_at = 4096;

/// Of the frames' headers.
[[nodiscard]] std::uint64_t frames_seed() noexcept;

/// Whether a repair leaves out step `step` (0 to 9): seldom, and for half of the choices never.
[[nodiscard]] constexpr bool leaves_out(std::uint32_t choice, unsigned step) noexcept {
    return choice >> 31U == 0 && (choice >> (3 * step) & 7U) == 0;
}

/// Frames that stand at `frames_at` of the segment.
void repair_frames(std::span<std::byte> frames, std::uint32_t choice);

/// A file of two slots.
void repair_slots(std::span<std::byte> file, char kind, std::uint32_t choice);

/// The last 8 bytes are the checksum of all before them.
void repair_end(std::span<std::byte> file, std::uint64_t seed, std::uint32_t choice);

/// The bytes of an archive.
void repair_archive(std::span<std::byte> file, std::uint32_t choice);

} // namespace everfold::fuzz
