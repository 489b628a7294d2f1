// SPDX-License-Identifier: MIT
#pragma once
// The blocks and the trailer of an archive. docs/log_format.md, "Archived segment".

#include <everfold/base/ids.hpp>

#include <zstd_errors.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

namespace everfold::log {

inline constexpr std::uint32_t block_magic = 0x4B4C'4245; // "EBLK"
inline constexpr std::size_t block_header_size = 32;
inline constexpr std::size_t piece_size = 256_KiB;
inline constexpr std::size_t archive_trailer_size = 64;
inline constexpr std::array<std::byte, 8> archive_trailer_magic{
    std::byte{0x89},
    std::byte{'E'},
    std::byte{'V'},
    std::byte{'Z'},
    std::byte{0x0D},
    std::byte{0x0A},
    std::byte{0x1A},
    std::byte{0x00}};

/// Of an answer of zstd: that it had no memory says nothing of the bytes.
inline void require_memory(std::size_t answer) {
    if (ZSTD_getErrorCode(answer) == ZSTD_error_memory_allocation)
        throw std::bad_alloc{};
}

enum class block_form : std::uint32_t { raw = 0, zstd = 1, columns = 2 };

} // namespace everfold::log
