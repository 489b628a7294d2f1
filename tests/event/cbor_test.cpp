// SPDX-License-Identifier: MIT
#include <everfold/event/cbor.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

everfold::byte_buffer from_hex(std::string_view hex) {
    everfold::byte_buffer bytes;
    std::string digits;
    for (const char c : hex) {
        if (c == ' ')
            continue;
        digits += c;
        if (digits.size() == 2) {
            bytes.push_back(static_cast<std::byte>(std::stoi(digits, nullptr, 16)));
            digits.clear();
        }
    }
    return bytes;
}

template <class Write>
std::string written(const Write& write) {
    everfold::byte_buffer bytes;
    everfold::cbor_writer writer{bytes};
    write(writer);
    writer.finish();
    CHECK_NOTHROW(everfold::validate_item(bytes));
    return everfold::to_hex(bytes);
}

std::string written_integer(auto number) {
    return written([&](everfold::cbor_writer& out) { out.write_integer(number); });
}

std::string written_floating(double number) {
    return written([&](everfold::cbor_writer& out) { out.write_floating(number); });
}

std::string nested(std::size_t levels) {
    std::string hex;
    for (std::size_t i = 0; i < levels; ++i)
        hex += "81";
    return hex + "00";
}

} // namespace

TEST_CASE("integers take the shortest form at every border") {
    CHECK(written_integer(0) == "00");
    CHECK(written_integer(23) == "17");
    CHECK(written_integer(24) == "1818");
    CHECK(written_integer(255) == "18ff");
    CHECK(written_integer(256) == "190100");
    CHECK(written_integer(65535) == "19ffff");
    CHECK(written_integer(65536) == "1a00010000");
    CHECK(written_integer(4294967295) == "1affffffff");
    CHECK(written_integer(4294967296) == "1b0000000100000000");
    CHECK(written_integer(std::numeric_limits<std::uint64_t>::max()) == "1bffffffffffffffff");
    CHECK(written_integer(-1) == "20");
    CHECK(written_integer(-24) == "37");
    CHECK(written_integer(-25) == "3818");
    CHECK(written_integer(std::numeric_limits<std::int8_t>::min()) == "387f");
    CHECK(written_integer(std::numeric_limits<std::int64_t>::min()) == "3b7fffffffffffffff");
}

TEST_CASE("floating numbers take four bytes exactly where that loses nothing") {
    CHECK(written_floating(1.5) == "fa3fc00000");
    CHECK(written_floating(0.1) == "fb3fb999999999999a");
    CHECK(written_floating(static_cast<double>(0.1F)) == "fa3dcccccd");
    CHECK(written_floating(-0.0) == "fa80000000");
    CHECK(written_floating(3.4e38) == "fb47eff933c78cdfad");
    CHECK(written_floating(1e300) == "fb7e37e43c8800759c");
    CHECK(written_floating(std::numeric_limits<double>::infinity()) == "fa7f800000");
    CHECK(written_floating(-std::numeric_limits<double>::infinity()) == "faff800000");
    CHECK(written_floating(std::nan("12")) == "fa7fc00000");
    CHECK(written_floating(-std::nan("")) == "fa7fc00000");
    CHECK(written_floating(std::numeric_limits<double>::denorm_min()) == "fb0000000000000001");
    CHECK(
        written_floating(static_cast<double>(std::numeric_limits<float>::denorm_min())) ==
        "fa00000001"
    );
}

TEST_CASE("what was not finished is taken back") {
    everfold::byte_buffer bytes(2, std::byte{7});
    {
        everfold::cbor_writer writer{bytes};
        writer.write_text(std::string(1000, 'x'));
        CHECK(writer.size() == 1003);
    }
    CHECK(bytes == everfold::byte_buffer(2, std::byte{7}));
}

TEST_CASE("writing refuses text that is not UTF-8 and more than 64 levels") {
    everfold::byte_buffer bytes;
    everfold::cbor_writer writer{bytes};
    CHECK_THROWS_AS(writer.write_text("\xED\xA0\x80"), everfold::encoding_error);
    for (int i = 0; i < 64; ++i)
        writer.begin_array(1);
    CHECK_THROWS_AS(writer.begin_map(0), everfold::encoding_error);
}

TEST_CASE("everything inside the profile is accepted") {
    for (const std::string hex :
         {"00",
          "20",
          "1818",
          "40",
          "60",
          "80",
          "a0",
          "f4",
          "f5",
          "f6",
          "fa3fc00000",
          "fb3fb999999999999a",
          "fb3ff8000000000000",
          "fa7fc00001",
          "43010203",
          "63e282ac",
          "a2616101616202",
          "82f6a16161a0",
          "3b7fffffffffffffff",
          "1bffffffffffffffff",
          "a96161006162006163006164006165006166006167006168006169 00"}) {
        CAPTURE(hex);
        CHECK_NOTHROW(everfold::validate_item(from_hex(hex)));
    }
    CHECK_NOTHROW(everfold::validate_item(from_hex(nested(64))));
}

TEST_CASE("everything outside the profile is refused, at the place where it is") {
    struct bad {
        std::string hex{};
        const char* why{};
        std::size_t at{};
    };
    for (const auto& each : std::vector<bad>{
             {"", "end in the middle", 0},
             {"18", "end in the middle", 0},
             {"1b000000", "end in the middle", 0},
             {"1817", "shortest form", 0},
             {"1900ff", "shortest form", 0},
             {"1a0000ffff", "shortest form", 0},
             {"1b00000000ffffffff", "shortest form", 0},
             {"3817", "shortest form", 0},
             {"780161", "shortest form", 0},
             {"5801 00", "shortest form", 0},
             {"980100", "shortest form", 0},
             {"b8016161 00", "shortest form", 0},
             {"3b8000000000000000", "below -2^63", 0},
             {"3bffffffffffffffff", "below -2^63", 0},
             {"1c", "not part of the event encoding", 0},
             {"1f", "must be definite", 0},
             {"5f4100ff", "must be definite", 0},
             {"7f6161ff", "must be definite", 0},
             {"9f00ff", "must be definite", 0},
             {"bf616100ff", "must be definite", 0},
             {"c000", "tags", 0},
             {"d9d9f700", "tags", 0},
             {"f0", "not part of the event encoding", 0},
             {"f7", "not part of the event encoding", 0},
             {"f820", "not part of the event encoding", 0},
             {"ff", "not part of the event encoding", 0},
             {"f93c00", "2 bytes", 0},
             {"fa3fc0", "end in the middle", 0},
             {"fb3fc00000", "end in the middle", 0},
             {"62 61", "more than there are bytes", 0},
             {"7bffffffffffffffff", "more than there are bytes", 0},
             {"9bffffffffffffffff", "more than there are bytes", 0},
             {"bb7fffffffffffffff", "more than there are bytes", 0},
             {"a2616100", "more fields than there are bytes", 0},
             {"828100", "end in the middle", 3},
             {"61ff", "not UTF-8", 0},
             {"63eda080", "not UTF-8", 0},
             {"62c080", "not UTF-8", 0},
             {"a10000", "expected text, found an integer", 1},
             {"a1410000", "expected text, found bytes", 1},
             {"a2616100616101", "\"a\" comes twice", 4},
             {"81a2616100616101", "\"a\" comes twice", 5},
             {"a96161006162006163006164006165006166006167006168006161 00", "\"a\" comes twice", 26},
             {"0000", "follow the end", 1},
             {"a0f6", "follow the end", 1},
         }) {
        CAPTURE(each.hex);
        try {
            everfold::validate_item(from_hex(each.hex));
            FAIL_CHECK("was accepted");
        } catch (const everfold::encoding_error& e) {
            CHECK(doctest::String{e.what()} == doctest::Contains(each.why));
            CHECK(e.at() == each.at);
        }
    }
    CHECK_THROWS_AS(everfold::validate_item(from_hex(nested(65))), everfold::encoding_error);
    CHECK_THROWS_AS(everfold::validate_item(from_hex(nested(64)), 1), everfold::encoding_error);
    CHECK_THROWS_AS(everfold::validate_item(from_hex(nested(100'000))), everfold::encoding_error);
}

TEST_CASE("a payload is a map") {
    CHECK_NOTHROW(everfold::validate(from_hex("a0")));
    CHECK_THROWS_WITH(
        everfold::validate(from_hex("80")), "expected a map, found an array (at byte 0)"
    );
    CHECK_THROWS_AS(everfold::validate(from_hex("")), everfold::encoding_error);
}

TEST_CASE("an integer is read only into a type that can hold it") {
    const auto read = []<class T>(std::string_view hex, T) {
        const auto bytes = from_hex(hex);
        return everfold::cbor_reader{bytes}.read_integer<T>();
    };
    CHECK(read("18ff", std::uint8_t{}) == 255);
    CHECK_THROWS_WITH(
        read("190100", std::uint8_t{}),
        "the integer does not fit in 8 bits without a sign (at byte 0)"
    );
    CHECK_THROWS_AS(read("20", std::uint64_t{}), everfold::encoding_error);
    CHECK(read("387f", std::int8_t{}) == -128);
    CHECK_THROWS_AS(read("3880", std::int8_t{}), everfold::encoding_error);
    CHECK_THROWS_AS(read("1b8000000000000000", std::int64_t{}), everfold::encoding_error);
    CHECK(read("3b7fffffffffffffff", std::int64_t{}) == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("a floating number is also read from an integer that it can hold exactly") {
    const auto read = [](std::string_view hex) {
        const auto bytes = from_hex(hex);
        return everfold::cbor_reader{bytes}.read_floating();
    };
    CHECK(read("05") == 5.0);
    CHECK(read("24") == -5.0);
    CHECK(read("3b7fffffffffffffff") == -9223372036854775808.0);
    CHECK(read("1bfffffffffffff800") == 18446744073709549568.0);
    CHECK_THROWS_AS(read("1bffffffffffffffff"), everfold::encoding_error);
    CHECK_THROWS_AS(read("1b0020000000000001"), everfold::encoding_error);
    CHECK(std::isnan(read("fb7ff0000000000001")));
    CHECK_THROWS_AS(read("6135"), everfold::encoding_error);
}
