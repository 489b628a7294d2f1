// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/words.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>

namespace everfold::cli {

namespace {

struct unit {
    char letter{};
    std::chrono::nanoseconds size{};
};

// The largest first.
constexpr std::array<unit, 4> units{{
    {'d', std::chrono::hours{24}},
    {'h', std::chrono::hours{1}},
    {'m', std::chrono::minutes{1}},
    {'s', std::chrono::seconds{1}},
}};

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size() || text.empty())
        return {};
    return value;
}

} // namespace

std::string name_in(std::string_view option, const std::string& text) {
    if (text.empty())
        throw usage_error{fmt::format("{} is empty", option)};
    if (!is_utf8(text))
        throw usage_error{fmt::format("{} '{}' is not well-formed UTF-8", option, text)};
    return text;
}

std::uint64_t number_in(std::string_view option, const std::string& text, std::string_view what) {
    if (const auto value = whole_number(text))
        return *value;
    throw usage_error{
        fmt::format("{} '{}' is not {}, a whole number from 0 on", option, text, what)};
}

std::chrono::nanoseconds duration_in(std::string_view option, const std::string& text) {
    const auto digits = std::string_view{text}.substr(0, text.empty() ? 0 : text.size() - 1);
    const auto count = whole_number(digits);
    const auto* const in = std::ranges::find_if(units, [&](const unit& u) {
        return !text.empty() && u.letter == text.back();
    });
    // What does not fit is text, too: nobody means three hundred years.
    const auto is_one =
        count && in != units.end() && *count > 0 &&
        *count <=
            static_cast<std::uint64_t>(std::chrono::nanoseconds::max().count() / in->size.count());
    if (!is_one)
        throw usage_error{fmt::format(
            "{} '{}' is not a time: a whole number from 1 on and d, h, m or s, as 90d, 12h, 30m or "
            "5s, up to 292 years",
            option,
            text
        )};
    return static_cast<std::int64_t>(*count) * in->size;
}

std::string duration_text(std::chrono::nanoseconds d) {
    for (const auto& u : units)
        if (d % u.size == std::chrono::nanoseconds{})
            return fmt::format("{}{}", d / u.size, u.letter);
    return fmt::format("{} ns", d.count());
}

expected_revision expectation_in(std::string_view option, const std::string& text) {
    if (text == "any")
        return expected_revision::any();
    if (text == "no_stream")
        return expected_revision::no_stream();
    if (text == "exists")
        return expected_revision::exists();
    if (const auto last = whole_number(text))
        return expected_revision::exactly(revision{*last});
    throw usage_error{
        fmt::format("{} '{}' is not any, no_stream, exists or a revision from 0 on", option, text)};
}

} // namespace everfold::cli
