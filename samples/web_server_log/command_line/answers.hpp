// SPDX-License-Identifier: MIT
#pragma once
// The answers about a log, for people and for programs.

#include "../traffic.hpp"

#include <everfold/cli/output.hpp>
#include <everfold/cli/table.hpp>
#include <everfold/cli/text.hpp>

#include <string>

namespace web_server {

using everfold::cli::output;

/// Tables and bars; what comes out of the access log is escaped.
void print_answers(const traffic& t, output& out);

/// The same as one JSON object, without a line end.
[[nodiscard]] std::string json_answers(const traffic& t);

} // namespace web_server
