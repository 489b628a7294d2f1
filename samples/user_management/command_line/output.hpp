// SPDX-License-Identifier: MIT
#pragma once
// The output, tables and texts that every program of the project has.

#include <everfold/cli/output.hpp>
#include <everfold/cli/table.hpp>
#include <everfold/cli/text.hpp>

namespace users {

using everfold::cli::colour;
using everfold::cli::counted;
using everfold::cli::display_width;
using everfold::cli::in_units;
using everfold::cli::output;
using everfold::cli::table;
using everfold::cli::with_thousands;

} // namespace users
