// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

namespace everfold {

namespace {

struct code_point {
    std::uint32_t value{};
    std::size_t length{}; // in bytes; 0 where the bytes are malformed
};

// The well-formed byte sequences of the Unicode standard, table 3-7.
code_point next_code_point(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto is_tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80)
        return {lead, 1};
    if (lead >= 0xC2 && lead <= 0xDF && is_tail(1))
        return {((lead & 0x1FU) << 6U) | (byte(1) & 0x3FU), 2};
    if (lead >= 0xE0 && lead <= 0xEF) {
        const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = lead == 0xED ? 0x9F : 0xBF;
        if (is_tail(1, low, high) && is_tail(2))
            return {((lead & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU), 3};
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
        const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
        if (is_tail(1, low, high) && is_tail(2) && is_tail(3))
            return {
                ((lead & 0x07U) << 18U) | ((byte(1) & 0x3FU) << 12U) | ((byte(2) & 0x3FU) << 6U) |
                    (byte(3) & 0x3FU),
                4};
    }
    return {};
}

template <class Word>
Word high_bits(const char* at) noexcept {
    constexpr auto mask = static_cast<Word>(0x8080'8080'8080'8080U);
    Word word{};
    std::memcpy(&word, at, sizeof word);
    return word & mask;
}

/// By whole words, the last of which may overlap the one before.
bool is_ascii(std::string_view text) noexcept {
    const auto* at = text.data();
    const auto* end = at + text.size();
    if (text.size() >= 8) {
        std::uint64_t high = high_bits<std::uint64_t>(end - 8);
        for (; end - at > 8; at += 8)
            high |= high_bits<std::uint64_t>(at);
        return high == 0;
    }
    if (text.size() >= 4)
        return (high_bits<std::uint32_t>(at) | high_bits<std::uint32_t>(end - 4)) == 0;
    unsigned high = 0;
    for (; at != end; ++at)
        high |= static_cast<unsigned char>(*at);
    return high < 0x80;
}

bool is_control(std::uint32_t c) noexcept {
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x2028 || c == 0x2029;
}

} // namespace

std::string to_hex(bytes_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const auto b : bytes) {
        out += digits[std::to_integer<std::size_t>(b) >> 4U];
        out += digits[std::to_integer<std::size_t>(b) & 0xFU];
    }
    return out;
}

bool is_utf8(std::string_view text) noexcept {
    if (is_ascii(text)) [[likely]]
        return true;
    while (!text.empty()) {
        const auto next = next_code_point(text);
        if (next.length == 0)
            return false;
        text.remove_prefix(next.length);
    }
    return true;
}

bool is_printable(std::string_view text) noexcept {
    // Most names are ASCII.
    const auto other = std::ranges::find_if(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte >= 0x7F;
    });
    text.remove_prefix(static_cast<std::size_t>(other - text.begin()));
    while (!text.empty()) {
        const auto next = next_code_point(text);
        if (next.length == 0 || is_control(next.value))
            return false;
        text.remove_prefix(next.length);
    }
    return true;
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    const auto escape = [&](const char* format, std::uint32_t value) {
        std::array<char, 16> digits{};
        const auto n = std::snprintf(digits.data(), digits.size(), format, value);
        out.append(digits.data(), static_cast<std::size_t>(n));
    };
    while (!text.empty()) {
        const auto next = next_code_point(text);
        if (next.length == 0)
            escape("\\x%02x", static_cast<unsigned char>(text.front()));
        else if (is_control(next.value))
            escape(next.value < 0x100 ? "\\x%02x" : "\\u%04x", next.value);
        else
            out.append(text.substr(0, next.length));
        text.remove_prefix(next.length == 0 ? 1 : next.length);
    }
    return out;
}

} // namespace everfold
