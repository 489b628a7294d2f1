// SPDX-License-Identifier: MIT
#pragma once
// The plainest frame: u32 length, u32 checksum, a packed payload, zeros up to a multiple of 8. The
// checksum covers the zeros, so that it never ends with single bytes.

#include "workload.hpp"

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace everfold::benchmarks {

inline constexpr std::size_t raw_header_size = 8;
inline constexpr std::size_t raw_frame_size_max = raw_header_size + packed_size_max + 8;

[[nodiscard]] constexpr std::size_t padded_8(std::size_t n) noexcept {
    return (n + 7U) & ~std::size_t{7};
}

#if defined(__SSE4_2__)
inline constexpr std::string_view checksum_name = "crc32c";
#else
inline constexpr std::string_view checksum_name = "xxh3";
#endif

/// `size` is a multiple of 8.
[[nodiscard]] inline std::uint32_t checksum_of(const char* from, std::size_t size) noexcept {
#if defined(__SSE4_2__)
    std::uint64_t sum = 0xffffffffU;
    for (std::size_t i = 0; i < size; i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, from + i, 8);
        sum = _mm_crc32_u64(sum, word);
    }
    return ~static_cast<std::uint32_t>(sum);
#else
    return static_cast<std::uint32_t>(XXH3_64bits(from, size));
#endif
}

/// `to` has room for raw_frame_size_max; returns the size of the frame.
inline std::size_t frame_event(const user_event& e, char* to) noexcept {
    char* const payload = to + raw_header_size;
    const auto size = pack(e, payload);
    const auto padded = padded_8(size);
    std::memset(payload + size, 0, padded - size);
    const auto length = static_cast<std::uint32_t>(size);
    const auto sum = checksum_of(payload, padded);
    std::memcpy(to, &length, 4);
    std::memcpy(to + 4, &sum, 4);
    return raw_header_size + padded;
}

inline void require_checksum(const char* frame, const char* payload, std::size_t padded) {
    std::uint32_t sum = 0;
    std::memcpy(&sum, frame + 4, 4);
    if (sum != checksum_of(payload, padded))
        throw std::runtime_error{"a frame of the limit does not check"};
}

} // namespace everfold::benchmarks
