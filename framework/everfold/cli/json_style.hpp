// SPDX-License-Identifier: MIT
#pragma once
// JSON text to the byte as Python's json.dumps writes it.

#include <everfold/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace everfold::cli {

/// How JSON is spelled; the values are the same.
struct json_style {
    std::string_view between_items{};
    std::string_view after_key{};
    /// Everything but printable ASCII as \uXXXX.
    bool ascii_only{};
};

/// json.dumps(…, separators=(",", ":"), ensure_ascii=False): the shortest.
inline constexpr json_style compact_style{",", ":", false};
/// json.dumps(…), as the tutorial writes its log.
inline constexpr json_style tutorial_style{", ", ": ", true};
/// For people.
inline constexpr json_style reading_style{", ", ": ", false};

/// Bytes become text, "0x" and hexadecimal digits.
void append_json(std::string& out, const nlohmann::json& value, const json_style& style);
void append_json(std::string& out, const nlohmann::ordered_json& value, const json_style& style);

/// A text in quotes, in compact_style.
[[nodiscard]] std::string quoted_json(std::string_view text);

/// Appends a text in quotes.
void append_json_text(std::string& out, std::string_view text, const json_style& style);

/// Whether it is an integer that 64 bits with a sign can hold.
template <class Json>
[[nodiscard]] bool is_int64(const Json& value) {
    return value.is_number_integer() &&
           (!value.is_number_unsigned() ||
            std::in_range<std::int64_t>(value.template get<std::uint64_t>()));
}

} // namespace everfold::cli
