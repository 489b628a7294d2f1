// SPDX-License-Identifier: MIT
#pragma once
// Numbers and texts for people and their terminals.

#include <everfold/base/timestamp.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace everfold::cli {

/// 1234567 as 1,234,567.
[[nodiscard]] std::string with_thousands(std::uint64_t n);

/// "812 bytes", "1.5 KiB", "2.0 MiB".
[[nodiscard]] std::string in_units(std::uint64_t bytes);

/// "1 event", "20,000 events".
[[nodiscard]] std::string counted(std::uint64_t n, std::string_view noun);

/// A time to the millisecond, for people; programs get all of it.
[[nodiscard]] std::string in_milliseconds(timestamp t);

/// Cells that a terminal needs for well-formed UTF-8.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// JSON text whose control and direction-changing characters are spelled \uXXXX.
[[nodiscard]] std::string escaped_json(std::string_view json);

} // namespace everfold::cli
