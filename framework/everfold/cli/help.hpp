// SPDX-License-Identifier: MIT
#pragma once
// What `everfold --help` says, and the usage line of each command.

#include <everfold/cli/arguments.hpp>
#include <everfold/cli/output.hpp>

#include <span>
#include <string>
#include <string_view>

namespace everfold::cli {

struct command_help {
    verb command{};
    std::string_view name{};
    std::string_view arguments{};
    std::string_view summary{};
    std::string_view details{};
};

/// In the order of the enumeration.
[[nodiscard]] std::span<const command_help> all_commands() noexcept;

[[nodiscard]] const command_help* command_named(std::string_view name) noexcept;

[[nodiscard]] std::string usage_of(const command_help& c);
[[nodiscard]] std::string general_usage();

void print_help(output& out);
void print_help(const command_help& c, output& out);

} // namespace everfold::cli
