// SPDX-License-Identifier: MIT
#pragma once
// The pieces that the kit's messages are made of.

#include <everfold/base/bytes.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/store/append.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace everfold::testing::detail {

/// A line for each event: its revision, its type and its fields as JSON; below a title.
[[nodiscard]] std::string events_section(
    std::string_view title, std::span<const new_event> events, std::uint64_t first_revision
);

/// What is different between two encoded items, a line for each place; below a title.
[[nodiscard]] std::string
difference_section(std::string_view title, bytes_view before, bytes_view after);

/// The same of two events: type, version, fields, and time and metadata where `wanted` has them.
/// Empty where `found` is the one that was wanted.
[[nodiscard]] std::string
difference_of(std::string_view title, const new_event& wanted, const new_event& found);

/// An encoded item as JSON in lines; below a title.
[[nodiscard]] std::string item_section(std::string_view title, bytes_view item);

/// "1 event", "2 events".
[[nodiscard]] std::string count_of(std::size_t n, std::string_view what);

template <class T>
[[nodiscard]] byte_buffer bytes_of(const T& value) {
    byte_buffer out;
    encode(value, out);
    return out;
}

/// The name of a type as the source has it, or nearly.
template <class T>
[[nodiscard]] constexpr std::string_view type_name() noexcept {
    // GCC: "… [with T = users::user; std::string_view = …]"; Clang: "… [T = users::user]".
    const std::string_view text = __PRETTY_FUNCTION__;
    const auto begin = text.find("T = ") + 4;
    const auto end = text.find_first_of(";]", begin);
    return text.substr(begin, end - begin);
}

} // namespace everfold::testing::detail
