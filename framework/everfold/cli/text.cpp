// SPDX-License-Identifier: MIT
#include <everfold/cli/text.hpp>

#include <fmt/format.h>

namespace everfold::cli {

namespace {

bool is_wide(std::uint32_t c) {
    return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF && c != 0x303F) ||
           (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
           (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
           (c >= 0x20000 && c <= 0x3FFFD);
}

bool is_combining(std::uint32_t c) {
    return (c >= 0x0300 && c <= 0x036F) || (c >= 0x20D0 && c <= 0x20FF) ||
           (c >= 0xFE00 && c <= 0xFE0F) || c == 0x200B || c == 0x200D;
}

} // namespace

std::string with_thousands(std::uint64_t n) {
    auto out = std::to_string(n);
    for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3)
        out.insert(static_cast<std::size_t>(at), 1, ',');
    return out;
}

std::string in_units(std::uint64_t bytes) {
    if (bytes < 1024)
        return fmt::format("{} bytes", bytes);
    auto size = static_cast<double>(bytes);
    std::string_view unit;
    for (const std::string_view next : {"KiB", "MiB", "GiB", "TiB"}) {
        if (size < 1024)
            break;
        size /= 1024;
        unit = next;
    }
    return fmt::format("{:.1f} {}", size, unit);
}

std::string counted(std::uint64_t n, std::string_view noun) {
    return fmt::format("{} {}{}", with_thousands(n), noun, n == 1 ? "" : "s");
}

std::string in_milliseconds(timestamp t) {
    return timestamp::from_milliseconds(t.to_milliseconds()).to_string();
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        std::uint32_t point = lead < 0x80 ? lead : lead & (0x7FU >> length);
        for (std::size_t i = 1; i < length && at + i < text.size(); ++i)
            point = (point << 6U) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
        width += is_combining(point) ? 0 : is_wide(point) ? 2 : 1;
        at += length;
    }
    return width;
}

std::string escaped_json(std::string_view json) {
    std::string out;
    out.reserve(json.size());
    const auto byte = [&](std::size_t at) {
        return at < json.size() ? static_cast<unsigned char>(json[at]) : 0U;
    };
    for (std::size_t at = 0; at < json.size();) {
        std::uint32_t point = byte(at);
        std::size_t length = 1;
        if (point == 0xC2) {
            point = byte(at + 1);
            length = 2;
        } else if (point == 0xE2) {
            point = 0x2000U | ((byte(at + 1) & 0x3FU) << 6U) | (byte(at + 2) & 0x3FU);
            length = 3;
        } else if (point >= 0x80) {
            out += json[at++];
            continue;
        }
        const bool is_hidden = (point >= 0x7F && point <= 0x9F) || point == 0x200E ||
                               point == 0x200F || (point >= 0x2028 && point <= 0x202E) ||
                               (point >= 0x2066 && point <= 0x2069);
        if (is_hidden)
            out += fmt::format("\\u{:04x}", point);
        else
            out.append(json.substr(at, length));
        at += length;
    }
    return out;
}

} // namespace everfold::cli
