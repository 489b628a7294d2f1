// SPDX-License-Identifier: MIT
#include <everfold/store/base64.hpp>

#include <algorithm>
#include <cstdint>

namespace everfold {

namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

} // namespace

void append_base64(std::string& out, bytes_view bytes) {
    while (!bytes.empty()) {
        const auto count = std::min<std::size_t>(bytes.size(), 3);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i)
            group = group << 8U | (i < count ? std::to_integer<std::uint32_t>(bytes[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i)
            out += i <= count ? digits[group >> (18U - 6U * i) & 63U] : '=';
        bytes = bytes.subspan(count);
    }
}

std::optional<byte_buffer> bytes_from_base64(std::string_view text) {
    if (text.size() % 4 != 0)
        return {};
    byte_buffer out;
    out.reserve(text.size() / 4 * 3);
    for (; !text.empty(); text.remove_prefix(4)) {
        std::size_t count = 3;
        if (text.size() == 4 && text[3] == '=')
            count = text[2] == '=' ? 1 : 2;
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const auto digit = i <= count ? digits.find(text[i]) : 0;
            if (digit == std::string_view::npos)
                return {};
            group = group << 6U | static_cast<std::uint32_t>(digit);
        }
        // One text for the same bytes: what padding leaves over is zero.
        if ((group & ((1U << (8U * (3 - count))) - 1U)) != 0)
            return {};
        for (std::size_t i = 0; i < count; ++i)
            out.push_back(static_cast<std::byte>(group >> (16U - 8U * i) & 255U));
    }
    return out;
}

} // namespace everfold
