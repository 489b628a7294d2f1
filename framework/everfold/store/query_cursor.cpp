// SPDX-License-Identifier: MIT
#include <everfold/log/format.hpp>
#include <everfold/store/query_cursor.hpp>

#include <charconv>
#include <system_error>

namespace everfold {

namespace {

constexpr std::string_view first_word = "c1.";
constexpr std::size_t text_max = 128;
constexpr std::size_t uuid_digits = 36;

std::string hex_of(std::uint64_t number) {
    byte_buffer bytes;
    bytes.reserve(sizeof number);
    append_le(bytes, number);
    return to_hex(bytes);
}

/// What comes before the checksum.
std::string body_of(const query_cursor& c) {
    std::string out{first_word};
    out += c.log_id.to_string();
    out += '.';
    out += hex_of(c.fingerprint);
    out += c.is_backwards ? ".b." : ".f.";
    out += std::to_string(c.boundary.value());
    out += '.';
    return out;
}

template <class Number>
bool take_number(std::string_view& text, Number& into, int base) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), into, base);
    if (read.ec != std::errc{})
        return false;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    return true;
}

bool take(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word))
        return false;
    text.remove_prefix(word.size());
    return true;
}

/// The eight bytes of hex_of.
bool take_hex(std::string_view& text, std::uint64_t& into) {
    constexpr std::size_t digits = 16;
    if (text.size() < digits)
        return false;
    into = 0;
    for (std::size_t i = 0; i < digits; i += 2) {
        auto pair = text.substr(i, 2);
        std::uint8_t byte = 0;
        if (!take_number(pair, byte, 16) || !pair.empty())
            return false;
        into |= std::uint64_t{byte} << (4 * i);
    }
    text.remove_prefix(digits);
    return true;
}

} // namespace

std::string query_cursor::to_string() const {
    auto out = body_of(*this);
    out += hex_of(log::checksum(as_bytes(out), 0)).substr(0, 8);
    return out;
}

std::optional<query_cursor> query_cursor::parse(std::string_view text) {
    if (text.size() > text_max || text.size() < first_word.size() + uuid_digits)
        return {};
    auto rest = text;
    if (!take(rest, first_word))
        return {};
    query_cursor out;
    const auto id = uuid::parse(rest.substr(0, uuid_digits));
    if (!id)
        return {};
    out.log_id = *id;
    rest.remove_prefix(uuid_digits);
    if (!take(rest, ".") || !take_hex(rest, out.fingerprint))
        return {};
    out.is_backwards = rest.starts_with(".b.");
    if (!take(rest, out.is_backwards ? ".b." : ".f."))
        return {};
    std::uint64_t boundary = 0;
    if (!take_number(rest, boundary, 10))
        return {};
    out.boundary = position{boundary};
    // The one text of this cursor, checksum and all.
    return out.to_string() == text ? std::optional{out} : std::nullopt;
}

} // namespace everfold
