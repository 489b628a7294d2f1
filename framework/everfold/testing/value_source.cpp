// SPDX-License-Identifier: MIT
#include <everfold/event/codec.hpp>
#include <everfold/testing/value_source.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <string_view>

namespace everfold::testing {

std::uint64_t value_source::bits() noexcept {
    // SplitMix64: three lines, and the same everywhere.
    auto z = state_ += 0x9E37'79B9'7F4A'7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return z ^ (z >> 31U);
}

double value_source::floating() noexcept {
    using limits = std::numeric_limits<double>;
    static constexpr std::array<double, 8> special{
        0.0, -0.0, 1.0, 0.1, limits::max(), limits::lowest(), limits::denorm_min(), limits::min()};
    switch (below(3)) {
    case 0:
        return special[below(special.size())];
    case 1:
        return static_cast<double>(between(-1000, 1000)) / 8;
    default:
        const auto any = std::bit_cast<double>(bits());
        return std::isfinite(any) ? any : 0.5;
    }
}

std::string value_source::text() {
    using namespace std::string_view_literals;
    static constexpr std::array pieces{
        "a"sv,      "Z"sv,      "0"sv,      " "sv,      "\0"sv,     "\n"sv,         "\""sv,
        "\\"sv,     "/"sv,      "~"sv,      ":"sv,      "\x7F"sv,   "\u00e4"sv,     "e\u0301"sv,
        "\u05d0"sv, "\u202e"sv, "\u4e2d"sv, "\ufeff"sv, "\uffff"sv, "\U0001f600"sv, "\U0010ffff"sv};
    static constexpr std::array plain{"", "a", "b", "Ada", "null", "0"};
    if (one_in(2))
        return plain[below(plain.size())];
    const auto count = one_in(8) ? below(2000) : below(12);
    std::string out;
    out.reserve(count * 4);
    for (std::uint64_t i = 0; i < count; ++i)
        out += pieces[below(pieces.size())];
    return out;
}

std::size_t value_source::length() noexcept {
    if (is_deep() || one_in(3))
        return 0;
    if (depth_ <= 2 && one_in(12))
        return 40 + static_cast<std::size_t>(below(100));
    return 1 + static_cast<std::size_t>(below(3));
}

timestamp value_source::time() noexcept {
    constexpr std::int64_t year_0 = -62'167'219'200;
    constexpr std::int64_t year_9999 = 253'402'300'799;
    switch (below(6)) {
    case 0:
        return timestamp{};
    case 1:
        return timestamp::from_milliseconds(integer<std::int64_t>());
    case 2:
        return {between(year_0, year_9999), static_cast<std::uint32_t>(below(1'000'000'000))};
    default:
        return {1'700'000'000 + static_cast<std::int64_t>(below(100)), 0};
    }
}

uuid value_source::id() noexcept {
    uuid out{};
    if (one_in(4))
        return out;
    const bool is_one_of_few = one_in(2);
    for (auto& octet : out.octets)
        octet = static_cast<std::byte>(is_one_of_few ? 7 : bits() & 0xFFU);
    return out;
}

void value_source::fill(unknown_fields& into) {
    into.clear();
    const auto count = one_in(2) ? 0 : 1 + below(2);
    for (std::uint64_t i = 0; i < count; ++i) {
        byte_buffer value;
        if (one_in(2))
            encode(text(), value);
        else
            encode(integer<std::int64_t>(), value);
        into.set("field_of_tomorrow_" + std::to_string(below(4)), value);
    }
}

} // namespace everfold::testing
