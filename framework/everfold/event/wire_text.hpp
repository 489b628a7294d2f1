// SPDX-License-Identifier: MIT
#pragma once
// The text forms of docs/event_encoding.md: times, uuids, bytes, numbers that are keys or tags.

#include <everfold/base/bytes.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace everfold::detail {

/// Room for any number, time or uuid as text.
using text_room = std::array<char, 48>;

/// As timestamp::to_string, and exact outside the years 0000 to 9999 too.
[[nodiscard]] std::string_view text_of(timestamp time, text_room& room) noexcept;

/// What text_of writes, and RFC 3339 with an offset.
[[nodiscard]] std::optional<timestamp> time_from(std::string_view text);

[[nodiscard]] std::string_view text_of(const uuid& id, text_room& room) noexcept;

template <std::integral T>
[[nodiscard]] std::string_view text_of(T number, text_room& room) noexcept {
    const auto written = std::to_chars(room.data(), room.data() + room.size(), number);
    return {room.data(), static_cast<std::size_t>(written.ptr - room.data())};
}

/// A decimal number in the one way that text_of writes it.
template <std::integral T>
[[nodiscard]] std::optional<T> number_from(std::string_view text) noexcept {
    T number{};
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end)
        return {};
    text_room room{};
    if (text_of(number, room) != text)
        return {};
    return number;
}

/// The bytes behind `0x` and hexadecimal digits, appended; whether it was such a text.
[[nodiscard]] bool append_from_hex(std::string_view text, byte_buffer& out);

} // namespace everfold::detail
