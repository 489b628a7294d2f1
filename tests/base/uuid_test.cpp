// SPDX-License-Identifier: MIT
#include <everfold/base/uuid.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <string>

using namespace everfold;

TEST_CASE("a uuid prints as 8-4-4-4-12 digits in network order") {
    uuid id;
    for (std::size_t i = 0; i < 16; ++i)
        id.octets[i] = static_cast<std::byte>(i * 17);
    CHECK(id.to_string() == "00112233-4455-6677-8899-aabbccddeeff");
    std::ostringstream out;
    out << id;
    CHECK(out.str() == id.to_string());
    CHECK(uuid{}.to_string() == "00000000-0000-0000-0000-000000000000");
    CHECK(uuid{}.is_nil());
    CHECK_FALSE(id.is_nil());
}

TEST_CASE("every uuid reads back from its text, in either case") {
    constexpr std::uint64_t seed = 3;
    std::mt19937_64 random{seed};
    CAPTURE(seed);
    for (int i = 0; i < 2000; ++i) {
        uuid id;
        for (auto& o : id.octets)
            o = static_cast<std::byte>(random());
        auto text = id.to_string();
        CHECK(uuid::parse(text) == id);
        std::transform(text.begin(), text.end(), text.begin(), [](char c) {
            return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        CHECK(uuid::parse(text) == id);
    }
}

TEST_CASE("no text with one character wrong is a uuid") {
    const std::string good = "00112233-4455-6677-8899-aabbccddeeff";
    REQUIRE(uuid::parse(good));
    for (std::size_t at = 0; at < good.size(); ++at)
        for (const char wrong : {'g', ' ', '\0', '-', ':', '/', '`', 'G', '@', '\xC3'}) {
            if (wrong == good[at])
                continue;
            auto bad = good;
            bad[at] = wrong;
            CAPTURE(bad);
            CHECK_FALSE(uuid::parse(bad));
        }
    CHECK_FALSE(uuid::parse(""));
    CHECK_FALSE(uuid::parse(good.substr(1)));
    CHECK_FALSE(uuid::parse(good + "0"));
    CHECK_FALSE(uuid::parse("{" + good + "}"));
    CHECK_FALSE(uuid::parse("00112233445566778899aabbccddeeff"));
}

TEST_CASE("a random uuid is of version 4 and variant 1 whatever the bytes") {
    for (const auto fill : {std::byte{0x00}, std::byte{0xFF}, std::byte{0xA5}}) {
        std::array<std::byte, 16> random{};
        random.fill(fill);
        const auto text = uuid::from_random(random).to_string();
        CHECK(text[14] == '4');
        CHECK(std::string{"89ab"}.find(text[19]) != std::string::npos);
    }
}

TEST_CASE("uuids compare by their octets") {
    const auto low = uuid::parse("00000000-0000-0000-0000-000000000001");
    const auto high = uuid::parse("01000000-0000-0000-0000-000000000000");
    CHECK(*low < *high);
    CHECK(*low == *low);
}
