// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/cli/json_style.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace everfold::cli {

namespace {

void append_unit(std::string& out, std::uint32_t unit) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\u";
    for (const auto shift : {12U, 8U, 4U, 0U})
        out += digits[(unit >> shift) & 0xFU];
}

// The code point that starts at `at` in well-formed UTF-8, and its length.
std::pair<std::uint32_t, std::size_t> code_point_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    const auto lead = byte(0);
    if (lead < 0x80)
        return {lead, 1};
    if (lead < 0xE0)
        return {((lead & 0x1FU) << 6U) | (byte(1) & 0x3FU), 2};
    if (lead < 0xF0)
        return {((lead & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU), 3};
    return {
        ((lead & 0x07U) << 18U) | ((byte(1) & 0x3FU) << 12U) | ((byte(2) & 0x3FU) << 6U) |
            (byte(3) & 0x3FU),
        4};
}

void append_text(std::string& out, std::string_view text, bool ascii_only) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c >= 0x80 || (c == 0x7F && ascii_only)) {
            const auto [point, length] = code_point_at(text, at);
            if (!ascii_only)
                out.append(text.substr(at, length));
            else if (point < 0x10000)
                append_unit(out, point);
            else {
                append_unit(out, 0xD800U + ((point - 0x10000U) >> 10U));
                append_unit(out, 0xDC00U + ((point - 0x10000U) & 0x3FFU));
            }
            at += length;
            continue;
        }
        ++at;
        switch (c) {
        case '"':
            out += "\\\"";
            break;
        case '\\':
            out += "\\\\";
            break;
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        case '\b':
            out += "\\b";
            break;
        case '\f':
            out += "\\f";
            break;
        default:
            if (c < 0x20)
                append_unit(out, c);
            else
                out += static_cast<char>(c);
        }
    }
    out += '"';
}

template <class Integer>
void append_integer(std::string& out, Integer value) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

// Python's repr: the shortest digits that read back as the same value, with an exponent below
// -4 and from 16 on.
void append_float(std::string& out, double value) {
    if (!std::isfinite(value)) {
        out += std::isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
        return;
    }
    std::array<char, 40> buffer{};
    const auto end =
        std::to_chars(
            buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific
        )
            .ptr;
    std::string_view text{buffer.data(), static_cast<std::size_t>(end - buffer.data())};
    if (text.front() == '-') {
        out += '-';
        text.remove_prefix(1);
    }
    const auto e = text.find('e');
    std::string digits{text.substr(0, 1)};
    if (e > 2)
        digits += text.substr(2, e - 2);
    const auto exponent = std::atoi(std::string{text.substr(e + 1)}.c_str());
    const auto count = static_cast<int>(digits.size());
    if (exponent < -4 || exponent >= 16) {
        out += digits.front();
        if (count > 1)
            out.append(1, '.').append(digits, 1);
        out.append(exponent < 0 ? "e-" : "e+");
        if (std::abs(exponent) < 10)
            out += '0';
        append_integer(out, std::abs(exponent));
    } else if (exponent < 0) {
        const auto zeros = static_cast<std::size_t>(-exponent) - 1;
        out.append("0.").append(zeros, '0').append(digits);
    } else if (count <= exponent + 1) {
        const auto zeros = static_cast<std::size_t>(exponent - (count - 1));
        out.append(digits).append(zeros, '0').append(".0");
    } else {
        const auto whole = static_cast<std::size_t>(exponent) + 1;
        out.append(digits, 0, whole).append(1, '.').append(digits, whole);
    }
}

template <class Json>
void append_value(std::string& out, const Json& value, const json_style& style) {
    using kind = nlohmann::json::value_t;
    switch (value.type()) {
    case kind::object: {
        out += '{';
        bool is_first = true;
        for (const auto& [key, item] : value.items()) {
            if (!is_first)
                out += style.between_items;
            is_first = false;
            append_text(out, key, style.ascii_only);
            out += style.after_key;
            append_value(out, item, style);
        }
        out += '}';
        break;
    }
    case kind::array: {
        out += '[';
        bool is_first = true;
        for (const auto& item : value) {
            if (!is_first)
                out += style.between_items;
            is_first = false;
            append_value(out, item, style);
        }
        out += ']';
        break;
    }
    case kind::string:
        append_text(out, value.template get_ref<const std::string&>(), style.ascii_only);
        break;
    case kind::boolean:
        out += value.template get<bool>() ? "true" : "false";
        break;
    case kind::number_integer:
        append_integer(out, value.template get<std::int64_t>());
        break;
    case kind::number_unsigned:
        append_integer(out, value.template get<std::uint64_t>());
        break;
    case kind::number_float:
        append_float(out, value.template get<double>());
        break;
    case kind::binary: {
        // JSON has no bytes; no JSON line brings them, but another program's event may.
        const auto& bytes = value.get_binary();
        out += "\"0x";
        out += everfold::to_hex(std::as_bytes(std::span{bytes.data(), bytes.size()}));
        out += '"';
        break;
    }
    case kind::null:
    case kind::discarded:
        out += "null";
    }
}

} // namespace

void append_json(std::string& out, const nlohmann::json& value, const json_style& style) {
    append_value(out, value, style);
}

void append_json(std::string& out, const nlohmann::ordered_json& value, const json_style& style) {
    append_value(out, value, style);
}

std::string quoted_json(std::string_view text) {
    std::string out;
    append_text(out, text, false);
    return out;
}

void append_json_text(std::string& out, std::string_view text, const json_style& style) {
    append_text(out, text, style.ascii_only);
}

} // namespace everfold::cli
