// SPDX-License-Identifier: MIT
#pragma once
// A moment in UTC, exact to the nanosecond over the whole range of 64-bit milliseconds.
// Why not a chrono time point alone: docs/decisions/0002-timestamp.md.

#include <chrono>
#include <compare>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace everfold {

/// Seconds since 1970-01-01T00:00:00Z without leap seconds, and nanoseconds into that second.
/// Converts from any system_clock time point without loss; comparison is by time.
class timestamp {
public:
    constexpr timestamp() noexcept = default;

    template <class Rep, class Period>
    constexpr timestamp( // NOLINT(google-explicit-constructor): chrono time points are timestamps
        std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<Rep, Period>> t
    ) noexcept {
        // Towards zero first: floor() overflows just above the lowest time point of its type.
        const auto since_1970 = t.time_since_epoch();
        const auto whole = std::chrono::duration_cast<std::chrono::seconds>(since_1970);
        auto rest =
            std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970 - whole).count();
        seconds_ = whole.count();
        if (rest < 0) {
            --seconds_;
            rest += 1'000'000'000;
        }
        nanoseconds_ = static_cast<std::uint32_t>(rest);
    }

    /// `nanoseconds` is below 1,000,000,000.
    constexpr timestamp(std::int64_t seconds, std::uint32_t nanoseconds) noexcept
        : seconds_{seconds}
        , nanoseconds_{nanoseconds} {}

    /// Any 64-bit count of milliseconds since 1970.
    [[nodiscard]] static constexpr timestamp from_milliseconds(std::int64_t ms) noexcept {
        const auto seconds = ms / 1000 - (ms % 1000 < 0 ? 1 : 0);
        const auto rest = ms % 1000 < 0 ? ms % 1000 + 1000 : ms % 1000;
        return {seconds, static_cast<std::uint32_t>(rest) * 1'000'000U};
    }

    /// Any 64-bit count of nanoseconds since 1970.
    [[nodiscard]] static constexpr timestamp from_nanoseconds(std::int64_t ns) noexcept {
        constexpr std::int64_t second = 1'000'000'000;
        const auto seconds = ns / second - (ns % second < 0 ? 1 : 0);
        const auto rest = ns % second < 0 ? ns % second + second : ns % second;
        return {seconds, static_cast<std::uint32_t>(rest)};
    }

    /// Reads RFC 3339 (`2024-01-31T09:30:00.25Z`, an offset instead of Z, a blank or lower-case t
    /// instead of T) or `@` and a decimal count of milliseconds since 1970; otherwise nothing.
    [[nodiscard]] static std::optional<timestamp> parse(std::string_view text);

    [[nodiscard]] constexpr std::int64_t seconds() const noexcept { return seconds_; }

    [[nodiscard]] constexpr std::uint32_t nanoseconds() const noexcept { return nanoseconds_; }

    /// Milliseconds since 1970, rounded towards the past; the nearest that 64 bits can hold.
    [[nodiscard]] constexpr std::int64_t to_milliseconds() const noexcept {
        constexpr auto max = std::numeric_limits<std::int64_t>::max();
        constexpr auto min = std::numeric_limits<std::int64_t>::min();
        const auto ms = static_cast<std::int64_t>(nanoseconds_ / 1'000'000U);
        if (seconds_ > max / 1000 || (seconds_ == max / 1000 && ms > max % 1000))
            return max;
        if (seconds_ < min / 1000 - 1)
            return min;
        if (seconds_ == min / 1000 - 1)
            return ms < 1000 + min % 1000 ? min : (seconds_ + 1) * 1000 + (ms - 1000);
        return seconds_ * 1000 + ms;
    }

    /// Nanoseconds since 1970, or nothing outside the years 1677 to 2262.
    [[nodiscard]] constexpr std::optional<std::int64_t> to_nanoseconds() const noexcept {
        constexpr std::int64_t second = 1'000'000'000;
        if (seconds_ > 9'223'372'035 || seconds_ < -9'223'372'036)
            return {};
        return seconds_ * second + static_cast<std::int64_t>(nanoseconds_);
    }

    /// RFC 3339 in UTC with three digits of a second (more where there are more): what people and
    /// programs read. Outside the years 0000 to 9999 `@` and milliseconds.
    [[nodiscard]] std::string to_string() const;

    friend constexpr auto operator<=>(timestamp, timestamp) noexcept = default;

private:
    std::int64_t seconds_{};
    std::uint32_t nanoseconds_{};
};

std::ostream& operator<<(std::ostream& out, timestamp t);

} // namespace everfold
