// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <random>
#include <string>

using namespace everfold;

namespace {

std::string utf8_of(std::uint32_t c) {
    const auto byte = [](std::uint32_t v) {
        return static_cast<char>(static_cast<unsigned char>(v));
    };
    if (c < 0x80)
        return {byte(c)};
    if (c < 0x800)
        return {byte(0xC0U | (c >> 6U)), byte(0x80U | (c & 0x3FU))};
    if (c < 0x10000)
        return {
            byte(0xE0U | (c >> 12U)), byte(0x80U | ((c >> 6U) & 0x3FU)), byte(0x80U | (c & 0x3FU))};
    return {
        byte(0xF0U | (c >> 18U)),
        byte(0x80U | ((c >> 12U) & 0x3FU)),
        byte(0x80U | ((c >> 6U) & 0x3FU)),
        byte(0x80U | (c & 0x3FU))};
}

bool is_surrogate(std::uint32_t c) {
    return c >= 0xD800 && c <= 0xDFFF;
}

template <class T>
void check_round_trip(T value) {
    std::array<std::byte, sizeof(T) + 2> raw{};
    raw.back() = raw.front() = std::byte{0x5A};
    store_le(raw.data() + 1, value);
    CHECK(load_le<T>(raw.data() + 1) == value);
    CHECK(raw.front() == std::byte{0x5A});
    CHECK(raw.back() == std::byte{0x5A});
}

} // namespace

TEST_CASE("integers are little-endian in bytes") {
    byte_buffer out;
    append_le(out, std::uint32_t{0x0403'0201});
    append_le(out, std::int16_t{-2});
    append_le(out, std::uint8_t{9});
    append_bytes(out, as_bytes("ab"));
    CHECK(to_hex(out) == "01020304feff096162");
    CHECK(load_le<std::uint32_t>(out.data()) == 0x0403'0201);
    CHECK(load_le<std::int16_t>(out.data() + 4) == -2);
    CHECK(as_text(bytes_view{out}.subspan(7)) == "ab");
}

TEST_CASE("each integer reads back as it was stored, unaligned and at its extremes") {
    const auto extremes = [](auto zero) {
        using type = decltype(zero);
        check_round_trip(std::numeric_limits<type>::min());
        check_round_trip(std::numeric_limits<type>::max());
        check_round_trip(static_cast<type>(1));
        check_round_trip(static_cast<type>(-1));
    };
    extremes(std::uint8_t{});
    extremes(std::int8_t{});
    extremes(std::uint16_t{});
    extremes(std::int16_t{});
    extremes(std::uint32_t{});
    extremes(std::int32_t{});
    extremes(std::uint64_t{});
    extremes(std::int64_t{});
}

TEST_CASE("aligned_8 is the next multiple of 8") {
    CHECK(aligned_8(0) == 0);
    CHECK(aligned_8(1) == 8);
    CHECK(aligned_8(8) == 8);
    CHECK(aligned_8(9) == 16);
}

TEST_CASE("every code point but surrogates is UTF-8, in its one form") {
    for (std::uint32_t c = 0; c <= 0x10FFFF; ++c)
        if (is_utf8(utf8_of(c)) == is_surrogate(c))
            FAIL(c);
    for (std::uint32_t c = 0x110000; c <= 0x1FFFFF; ++c)
        if (is_utf8(utf8_of(c)))
            FAIL(c);
}

TEST_CASE("overlong forms, lone bytes and cut sequences are not UTF-8") {
    for (const std::string_view text :
         {"\xC0\x80",
          "\xC1\xBF",
          "\xE0\x80\x80",
          "\xE0\x9F\xBF",
          "\xF0\x80\x80\x80",
          "\xF0\x8F\xBF\xBF",
          "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80",
          "\xFF",
          "\xFE",
          "\x80",
          "\xBF",
          "\xC3",
          "\xE2\x82",
          "\xF0\x9F\x98",
          "\xED\xA0\x80",
          "\xC3(",
          "12345678\x80",
          "1234567\xC3",
          "123456789abcdef\xF0\x9F\x98"}) {
        CAPTURE(to_hex(as_bytes(text)));
        CHECK_FALSE(is_utf8(text));
        CHECK_FALSE(is_utf8("x" + std::string{text}));
        CHECK_FALSE(is_utf8(std::string{text} + "12345678"));
    }
    CHECK(is_utf8(""));
    CHECK(is_utf8(std::string_view{"\0", 1}));
    CHECK(is_utf8("grün, 漢字 and 😀 after eight ASCII bytes"));
}

TEST_CASE("printable leaves text alone and shows what would steer a terminal") {
    CHECK(printable("plain, grün, 漢字, 😀") == "plain, grün, 漢字, 😀");
    CHECK(printable("a\nb\r\tc") == "a\\x0ab\\x0d\\x09c");
    CHECK(printable("\x1b[2J") == "\\x1b[2J");
    CHECK(printable("\x7f") == "\\x7f");
    CHECK(printable(std::string_view{"\0", 1}) == "\\x00");
    CHECK(printable("\xC2\x9B") == "\\x9b");       // C1, in two bytes
    CHECK(printable("\x9B") == "\\x9b");           // C1, as a stray byte
    CHECK(printable("\xE2\x80\xAE") == "\\u202e"); // right-to-left override
    CHECK(printable("\xE2\x81\xA6") == "\\u2066"); // left-to-right isolate
    CHECK(printable("\xE2\x80\xA8") == "\\u2028"); // line separator
    CHECK(printable("a\xC3") == "a\\xc3");
    CHECK(printable("\xC3(") == "\\xc3(");
    CHECK(printable("").empty());
}

TEST_CASE("what printable gives is always UTF-8 without a control character") {
    constexpr std::uint64_t seed = 12;
    std::mt19937_64 random{seed};
    CAPTURE(seed);
    for (int i = 0; i < 20'000; ++i) {
        std::string text(random() % 24, '\0');
        for (auto& c : text)
            c = static_cast<char>(static_cast<unsigned char>(random()));
        const auto shown = printable(text);
        CHECK(is_utf8(shown));
        for (const char c : shown)
            if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
                FAIL(shown);
        CHECK(printable(shown) == shown);
        CHECK(is_printable(shown));
        CHECK(is_printable(text) == (shown == text));
    }
}

TEST_CASE("ordinals step, advance and measure") {
    CHECK(position{4}.next() == position{5});
    CHECK(position{4}.advanced(6) == position{10});
    CHECK(position{10} - position{4} == 6);
    CHECK(revision{1} < revision{2});
    CHECK(std::hash<position>{}(position{3}) == std::hash<position>{}(position{3}));
    CHECK(1_KiB == 1024);
    CHECK(2_MiB == 2 * 1024 * 1024);
}
