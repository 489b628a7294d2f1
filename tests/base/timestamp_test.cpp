// SPDX-License-Identifier: MIT
#include <everfold/base/timestamp.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <random>
#include <sstream>
#include <string>

using namespace everfold;

namespace {

constexpr auto ms_max = std::numeric_limits<std::int64_t>::max();
constexpr auto ms_min = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t year_0 = -62'167'219'200;
constexpr std::int64_t year_10000 = 253'402'300'800;

std::string reprinted(std::string_view text) {
    const auto t = timestamp::parse(text);
    return t ? t->to_string() : "nothing";
}

} // namespace

static_assert(timestamp{} == timestamp::from_milliseconds(0));
static_assert(timestamp::from_milliseconds(-1) == timestamp{-1, 999'000'000});
static_assert(timestamp::from_nanoseconds(-1) == timestamp{-1, 999'999'999});
static_assert(timestamp::from_milliseconds(-1) < timestamp{});
static_assert(timestamp{std::chrono::system_clock::time_point{}} == timestamp{});

TEST_CASE("known moments print as people write them") {
    CHECK(timestamp{}.to_string() == "1970-01-01T00:00:00.000Z");
    CHECK(
        timestamp::from_milliseconds(1'704'067'200'000).to_string() == "2024-01-01T00:00:00.000Z"
    );
    CHECK(timestamp::from_milliseconds(-1).to_string() == "1969-12-31T23:59:59.999Z");
    CHECK(timestamp{951'782'400, 0}.to_string() == "2000-02-29T00:00:00.000Z");
    CHECK(timestamp{4'107'542'399, 0}.to_string() == "2100-02-28T23:59:59.000Z");
    CHECK(timestamp{year_0, 0}.to_string() == "0000-01-01T00:00:00.000Z");
    CHECK(timestamp{year_10000 - 1, 999'999'999}.to_string() == "9999-12-31T23:59:59.999999999Z");
    CHECK(timestamp{year_0 - 1, 0}.to_string() == "@-62167219201000");
    CHECK(timestamp{year_10000, 1'000'000}.to_string() == "@253402300800001");
    std::ostringstream out;
    out << timestamp{1, 500'000'000};
    CHECK(out.str() == "1970-01-01T00:00:01.500Z");
}

TEST_CASE("a fraction has three, six or nine digits, as few as lose nothing") {
    CHECK(timestamp{0, 1}.to_string() == "1970-01-01T00:00:00.000000001Z");
    CHECK(timestamp{0, 1000}.to_string() == "1970-01-01T00:00:00.000001Z");
    CHECK(timestamp{0, 1'000'000}.to_string() == "1970-01-01T00:00:00.001Z");
    CHECK(timestamp{0, 120'000'000}.to_string() == "1970-01-01T00:00:00.120Z");
    CHECK(timestamp{0, 123'000'400}.to_string() == "1970-01-01T00:00:00.123000400Z");
}

TEST_CASE("parse takes the forms of RFC 3339") {
    CHECK(reprinted("2024-01-31T09:30:00Z") == "2024-01-31T09:30:00.000Z");
    CHECK(reprinted("2024-01-31t09:30:00z") == "2024-01-31T09:30:00.000Z");
    CHECK(reprinted("2024-01-31 09:30:00.25Z") == "2024-01-31T09:30:00.250Z");
    CHECK(reprinted("2024-01-31T09:30:00+02:00") == "2024-01-31T07:30:00.000Z");
    CHECK(reprinted("2024-01-31T23:30:00-01:30") == "2024-02-01T01:00:00.000Z");
    CHECK(reprinted("2024-02-29T00:00:00.123456789Z") == "2024-02-29T00:00:00.123456789Z");
    CHECK(reprinted("@0") == "1970-01-01T00:00:00.000Z");
    CHECK(reprinted("@-1") == "1969-12-31T23:59:59.999Z");
    CHECK(reprinted("@9223372036854775807") == "@9223372036854775807");
}

TEST_CASE("parse refuses what is not a moment") {
    for (const auto* text : {
             "",
             "now",
             "2024-01-31",
             "2024-01-31T09:30Z",
             "2024-01-31T09:30:00",
             "2024-01-31T09:30:00.Z",
             "2024-01-31T09:30:00.1234567890Z",
             "2024-01-31T09:30:00Z ",
             " 2024-01-31T09:30:00Z",
             "2024-13-01T00:00:00Z",
             "2024-00-01T00:00:00Z",
             "2023-02-29T00:00:00Z",
             "2024-01-32T00:00:00Z",
             "2024-01-31T24:00:00Z",
             "2024-01-31T00:60:00Z",
             "2024-01-31T00:00:60Z",
             "2024-01-31T00:00:00+24:00",
             "2024-01-31T00:00:00+0100",
             "2024-01-31T00:00:00+01:60",
             "24-01-31T00:00:00Z",
             "-024-01-31T00:00:00Z",
             "2024/01/31T00:00:00Z",
             "@",
             "@x",
             "@1.5",
             "@ 1",
             "@+1",
             "@9223372036854775808",
         }) {
        CAPTURE(text);
        CHECK_FALSE(timestamp::parse(text).has_value());
    }
}

TEST_CASE("every moment of the years 0000 to 9999 reads back as it was printed") {
    constexpr std::uint64_t seed = 20'240'131;
    std::mt19937_64 random{seed};
    std::uniform_int_distribution<std::int64_t> second{year_0, year_10000 - 1};
    std::uniform_int_distribution<std::uint32_t> nanosecond{0, 999'999'999};
    CAPTURE(seed);
    for (int i = 0; i < 100'000; ++i) {
        auto ns = nanosecond(random);
        if (i % 3 == 1)
            ns -= ns % 1000;
        if (i % 3 == 2)
            ns -= ns % 1'000'000;
        const timestamp t{second(random), ns};
        const auto back = timestamp::parse(t.to_string());
        if (!back || *back != t)
            FAIL(t.to_string());
    }
}

TEST_CASE("every count of milliseconds survives the way there and back, and its printed form") {
    constexpr std::uint64_t seed = 5;
    std::mt19937_64 random{seed};
    CAPTURE(seed);
    const auto survives = [](std::int64_t ms) {
        const auto t = timestamp::from_milliseconds(ms);
        const auto back = timestamp::parse(t.to_string());
        return t.to_milliseconds() == ms && t.nanoseconds() < 1'000'000'000 && back == t;
    };
    for (int i = 0; i < 100'000; ++i) {
        const auto ms = static_cast<std::int64_t>(random()) >> (i % 63);
        if (!survives(ms))
            FAIL(ms);
    }
    for (std::int64_t i = 0; i < 3000; ++i) {
        CHECK(survives(ms_min + i));
        CHECK(survives(ms_max - i));
        CHECK(survives(i - 1500));
    }
}

TEST_CASE("milliseconds round towards the past and stop at what 64 bits hold") {
    CHECK(timestamp{0, 999'999}.to_milliseconds() == 0);
    CHECK(timestamp{-1, 999'999'999}.to_milliseconds() == -1);
    CHECK(timestamp{-1, 0}.to_milliseconds() == -1000);
    constexpr auto s_max = std::numeric_limits<std::int64_t>::max();
    constexpr auto s_min = std::numeric_limits<std::int64_t>::min();
    CHECK(timestamp{s_max, 999'999'999}.to_milliseconds() == ms_max);
    CHECK(timestamp{s_min, 0}.to_milliseconds() == ms_min);
    CHECK(timestamp{ms_max / 1000, 807'000'000}.to_milliseconds() == ms_max);
    CHECK(timestamp{ms_max / 1000, 806'999'999}.to_milliseconds() == ms_max - 1);
    CHECK(timestamp{ms_max / 1000, 808'000'000}.to_milliseconds() == ms_max);
    CHECK(timestamp{ms_max / 1000 + 1, 0}.to_milliseconds() == ms_max);
    CHECK(timestamp{ms_min / 1000 - 1, 192'000'000}.to_milliseconds() == ms_min);
    CHECK(timestamp{ms_min / 1000 - 1, 193'000'000}.to_milliseconds() == ms_min + 1);
    CHECK(timestamp{ms_min / 1000 - 1, 0}.to_milliseconds() == ms_min);
    CHECK(timestamp{ms_min / 1000 - 2, 999'999'999}.to_milliseconds() == ms_min);
    CHECK(timestamp{s_max, 0}.to_string() == "@" + std::to_string(ms_max));
    CHECK(timestamp{s_min, 0}.to_string() == "@" + std::to_string(ms_min));
}

TEST_CASE("nanoseconds are exact from 1677 to 2262 and nothing outside") {
    constexpr std::uint64_t seed = 9;
    std::mt19937_64 random{seed};
    CAPTURE(seed);
    constexpr std::int64_t safe = 9'223'372'035'999'999'999;
    for (int i = 0; i < 100'000; ++i) {
        const auto ns = static_cast<std::int64_t>(random()) >> (i % 63);
        if (ns > safe || ns < -safe)
            continue;
        if (timestamp::from_nanoseconds(ns).to_nanoseconds() != ns)
            FAIL(ns);
    }
    CHECK_FALSE(timestamp::from_milliseconds(ms_max).to_nanoseconds());
    CHECK_FALSE(timestamp::from_milliseconds(ms_min).to_nanoseconds());
    CHECK(timestamp::from_nanoseconds(ms_min).nanoseconds() == 145'224'192);
    CHECK(timestamp::from_nanoseconds(ms_max).nanoseconds() == 854'775'807);
}

TEST_CASE("comparison is by time, on both sides of 1970") {
    std::mt19937_64 random{11};
    for (int i = 0; i < 10'000; ++i) {
        const auto a = static_cast<std::int64_t>(random()) >> (i % 63);
        const auto b = static_cast<std::int64_t>(random()) >> (i % 61);
        CHECK((timestamp::from_nanoseconds(a) < timestamp::from_nanoseconds(b)) == (a < b));
    }
}

TEST_CASE("system clock time points of any unit convert without loss") {
    using namespace std::chrono;
    const auto at = [](auto since_1970) {
        return timestamp{time_point<system_clock, decltype(since_1970)>{since_1970}};
    };
    CHECK(at(milliseconds{-1}) == timestamp{-1, 999'000'000});
    CHECK(at(nanoseconds{-1}) == timestamp{-1, 999'999'999});
    CHECK(at(hours{-1}) == timestamp{-3600, 0});
    CHECK(at(microseconds{1'500'001}) == timestamp{1, 500'001'000});
    CHECK(at(milliseconds{ms_min}).to_milliseconds() == ms_min);
    CHECK(at(milliseconds{ms_max}).to_milliseconds() == ms_max);
}
