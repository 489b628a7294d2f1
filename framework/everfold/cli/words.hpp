// SPDX-License-Identifier: MIT
#pragma once
// What was typed after an option, checked. Failure of all: usage_error that names the option and
// says what it takes.

#include <everfold/store/append.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace everfold::cli {

/// Not empty, and well-formed UTF-8.
[[nodiscard]] std::string name_in(std::string_view option, const std::string& text);

/// A whole number from 0 on; `what` is what it counts.
[[nodiscard]] std::uint64_t
number_in(std::string_view option, const std::string& text, std::string_view what);

/// A whole number from 1 on and a unit: 90d, 12h, 30m, 5s.
[[nodiscard]] std::chrono::nanoseconds
duration_in(std::string_view option, const std::string& text);

/// The same as it would be typed, in the largest unit that fits.
[[nodiscard]] std::string duration_text(std::chrono::nanoseconds d);

/// any, no_stream, exists or a revision.
[[nodiscard]] expected_revision expectation_in(std::string_view option, const std::string& text);

} // namespace everfold::cli
