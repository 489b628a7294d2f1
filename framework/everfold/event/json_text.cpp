// SPDX-License-Identifier: MIT
#include <everfold/event/cbor.hpp>
#include <everfold/event/json_text.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace everfold {

namespace {

void append_text(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
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
            if (const auto code = static_cast<unsigned char>(c); code < 0x20) {
                out += "\\u00";
                out += digits[code >> 4U];
                out += digits[code & 0xFU];
            } else {
                out += c;
            }
        }
    }
    out += '"';
}

template <class Number>
void append_digits(std::string& out, Number number) {
    std::array<char, 32> room{};
    const auto written = std::to_chars(room.data(), room.data() + room.size(), number);
    out.append(room.data(), written.ptr);
}

void append_floating(std::string& out, double number) {
    if (!std::isfinite(number)) {
        out += "null";
        return;
    }
    const auto from = out.size();
    append_digits(out, number);
    // A floating number stays one when it is read again.
    if (out.find_first_of(".e", from) == out.npos)
        out += ".0";
}

void append_item(std::string& out, cbor_reader& in) {
    switch (in.peek()) {
    case cbor_kind::unsigned_integer:
        append_digits(out, in.read_integer<std::uint64_t>());
        break;
    case cbor_kind::negative_integer:
        append_digits(out, in.read_integer<std::int64_t>());
        break;
    case cbor_kind::bytes:
        out.append("\"0x").append(to_hex(in.read_bytes())).append(1, '"');
        break;
    case cbor_kind::text:
        append_text(out, in.read_text());
        break;
    case cbor_kind::boolean:
        out += in.read_boolean() ? "true" : "false";
        break;
    case cbor_kind::null:
        in.skip();
        out += "null";
        break;
    case cbor_kind::floating:
        append_floating(out, in.read_floating());
        break;
    case cbor_kind::array: {
        out += '[';
        const auto count = in.begin_array();
        for (std::size_t i = 0; i < count; ++i) {
            if (i != 0)
                out += ',';
            append_item(out, in);
        }
        in.end();
        out += ']';
        break;
    }
    case cbor_kind::map: {
        out += '{';
        const auto count = in.begin_map();
        for (std::size_t i = 0; i < count; ++i) {
            if (i != 0)
                out += ',';
            append_text(out, in.read_text());
            out += ':';
            append_item(out, in);
        }
        in.end();
        out += '}';
        break;
    }
    }
}

} // namespace

std::string json_text_from_cbor(bytes_view item) {
    validate_item(item);
    std::string out;
    cbor_reader in{item};
    append_item(out, in);
    return out;
}

} // namespace everfold
