// SPDX-License-Identifier: MIT
#pragma once
// Bytes as views, and little-endian integers in them. No file or message of ours is ever read by
// casting bytes to a struct.

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold {

using byte_buffer = std::vector<std::byte>;
using bytes_view = std::span<const std::byte>;

[[nodiscard]] inline bytes_view as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span{text.data(), text.size()});
}

[[nodiscard]] inline std::string_view as_text(bytes_view bytes) noexcept {
    // char may alias anything.
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads a little-endian integer at `at`; the caller has checked that it lies inside.
template <std::integral T>
[[nodiscard]] T load_le(const std::byte* at) noexcept {
    using raw = std::make_unsigned_t<T>;
    raw value{};
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&value, at, sizeof value);
    } else {
        for (std::size_t i = sizeof(T); i-- > 0;)
            value = static_cast<raw>((value << 8U) | std::to_integer<raw>(at[i]));
    }
    return static_cast<T>(value);
}

/// Writes a little-endian integer at `at`; the caller has made room.
template <std::integral T>
void store_le(std::byte* at, T value) noexcept {
    auto raw = static_cast<std::make_unsigned_t<T>>(value);
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(at, &raw, sizeof raw);
    } else {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            at[i] = static_cast<std::byte>((raw >> (8U * i)) & 0xFFU);
    }
}

template <std::integral T>
void append_le(byte_buffer& out, T value) {
    const auto at = out.size();
    out.resize(at + sizeof(T));
    store_le(out.data() + at, value);
}

inline void append_bytes(byte_buffer& out, bytes_view more) {
    out.insert(out.end(), more.begin(), more.end());
}

/// The next multiple of 8 at or after `n`.
[[nodiscard]] constexpr std::uint64_t aligned_8(std::uint64_t n) noexcept {
    return (n + 7U) & ~std::uint64_t{7};
}

/// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(bytes_view bytes);

/// Whether `text` is well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Whether `text` is well-formed UTF-8 without control characters (C0, DEL, C1, separators of lines
/// and paragraphs, marks and overrides of direction): then printable(text) is `text`.
[[nodiscard]] bool is_printable(std::string_view text) noexcept;

/// `text` with control characters and malformed bytes as visible escapes, so that data can't move a
/// terminal's cursor or forge a line of a message.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace everfold
