// SPDX-License-Identifier: MIT
#pragma once
// Changes that a fuzzer of bytes rarely finds: whole frames, and fields at multiples of 4 and 8.

#include <everfold/base/bytes.hpp>

#include <cstdint>

namespace everfold::fuzz {

/// The same seed makes the same choices.
class choices {
public:
    explicit choices(std::uint64_t seed) noexcept
        : state_{seed * 0x9E37'79B9'7F4A'7C15U + 1} {}

    [[nodiscard]] std::uint32_t next() noexcept {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return static_cast<std::uint32_t>(state_ >> 16U);
    }

    /// 0 to n - 1; n is not 0.
    [[nodiscard]] std::size_t below(std::size_t n) noexcept { return next() % n; }

private:
    std::uint64_t state_;
};

/// One to four changes; the result has at most `size_max` bytes.
void mutate(byte_buffer& bytes, std::size_t size_max, choices& choose);

} // namespace everfold::fuzz
