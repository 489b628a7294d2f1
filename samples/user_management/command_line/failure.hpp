// SPDX-License-Identifier: MIT
#pragma once
// How the program ends: as all of the project do, and with code 1 where a decision refuses.

#include <everfold/cli/failure.hpp>

#include <string_view>

namespace users {

using everfold::cli::exit_code;
using everfold::cli::usage_error;

inline constexpr std::string_view program_name = "user_management";

/// Says on standard error what the exception in flight is, and returns the exit code it means.
/// To be called in a catch block.
[[nodiscard]] exit_code report_current_exception() noexcept;

} // namespace users
