// SPDX-License-Identifier: MIT
#include <everfold/base/timestamp.hpp>

#include <array>
#include <charconv>
#include <cstdio>
#include <ostream>

namespace everfold {

namespace {

constexpr std::int64_t seconds_a_day = 86'400;

/// Takes fixed runs of digits and single characters off the front of a text.
class scanner {
public:
    explicit scanner(std::string_view text)
        : rest_{text} {}

    [[nodiscard]] std::optional<int> digits(std::size_t count) {
        if (rest_.size() < count)
            return {};
        int value = 0;
        for (const char c : rest_.substr(0, count)) {
            if (c < '0' || c > '9')
                return {};
            value = value * 10 + (c - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }

    [[nodiscard]] bool take(std::string_view any_of) {
        if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos)
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    [[nodiscard]] char front() const { return rest_.empty() ? '\0' : rest_.front(); }

    [[nodiscard]] bool is_done() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

std::optional<timestamp> parse_milliseconds(std::string_view digits) {
    std::int64_t ms{};
    const auto* end = digits.data() + digits.size();
    const auto [stop, failure] = std::from_chars(digits.data(), end, ms);
    if (failure != std::errc{} || stop != end)
        return {};
    return timestamp::from_milliseconds(ms);
}

std::optional<std::int64_t> parse_date(scanner& in) {
    const auto year = in.digits(4);
    if (!year || !in.take("-"))
        return {};
    const auto month = in.digits(2);
    if (!month || !in.take("-"))
        return {};
    const auto day = in.digits(2);
    if (!day)
        return {};
    const auto date = std::chrono::year{*year} / std::chrono::month{static_cast<unsigned>(*month)} /
                      std::chrono::day{static_cast<unsigned>(*day)};
    if (!date.ok())
        return {};
    return std::chrono::sys_days{date}.time_since_epoch().count() * seconds_a_day;
}

std::optional<std::int64_t> parse_time_of_day(scanner& in) {
    const auto hour = in.digits(2);
    if (!hour || !in.take(":"))
        return {};
    const auto minute = in.digits(2);
    if (!minute || !in.take(":"))
        return {};
    const auto second = in.digits(2);
    if (!second || *hour > 23 || *minute > 59 || *second > 59)
        return {};
    return *hour * 3600 + *minute * 60 + *second;
}

std::optional<std::uint32_t> parse_fraction(scanner& in) {
    if (!in.take("."))
        return 0;
    std::uint32_t value = 0;
    int count = 0;
    while (const auto digit = in.digits(1)) {
        if (++count > 9)
            return {};
        value = value * 10 + static_cast<std::uint32_t>(*digit);
    }
    if (count == 0)
        return {};
    for (; count < 9; ++count)
        value *= 10;
    return value;
}

std::optional<std::int64_t> parse_zone(scanner& in) {
    if (in.take("Zz"))
        return 0;
    const std::int64_t sign = in.front() == '-' ? -1 : 1;
    if (!in.take("+-"))
        return {};
    const auto hours = in.digits(2);
    if (!hours || !in.take(":"))
        return {};
    const auto minutes = in.digits(2);
    if (!minutes || *hours > 23 || *minutes > 59)
        return {};
    return sign * (*hours * 3600 + *minutes * 60);
}

} // namespace

std::optional<timestamp> timestamp::parse(std::string_view text) {
    if (text.starts_with('@'))
        return parse_milliseconds(text.substr(1));
    scanner in{text};
    const auto date = parse_date(in);
    if (!date || !in.take("Tt "))
        return {};
    const auto time = parse_time_of_day(in);
    if (!time)
        return {};
    const auto fraction = parse_fraction(in);
    if (!fraction)
        return {};
    const auto zone = parse_zone(in);
    if (!zone || !in.is_done())
        return {};
    return timestamp{*date + *time - *zone, *fraction};
}

std::string timestamp::to_string() const {
    constexpr std::int64_t year_0 = -62'167'219'200;
    constexpr std::int64_t year_10000 = 253'402'300'800;
    if (seconds_ < year_0 || seconds_ >= year_10000)
        return '@' + std::to_string(to_milliseconds());

    const auto day_count = seconds_ / seconds_a_day - (seconds_ % seconds_a_day < 0 ? 1 : 0);
    const auto time = seconds_ - day_count * seconds_a_day;
    const auto date = std::chrono::year_month_day{
        std::chrono::sys_days{std::chrono::days{static_cast<int>(day_count)}}};
    std::array<char, 40> text{};
    const auto length = std::snprintf(
        text.data(),
        text.size(),
        "%04d-%02u-%02uT%02d:%02d:%02d.%09u",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        static_cast<int>(time / 3600),
        static_cast<int>(time / 60 % 60),
        static_cast<int>(time % 60),
        nanoseconds_
    );
    std::string out(text.data(), static_cast<std::size_t>(length));
    // Thousands of a second always, then in steps of three digits as far as they say something.
    while (!out.ends_with(std::string(1, '.') + out.substr(out.size() - 3)) && out.ends_with("000"))
        out.resize(out.size() - 3);
    return out + 'Z';
}

std::ostream& operator<<(std::ostream& out, timestamp t) {
    return out << t.to_string();
}

} // namespace everfold
