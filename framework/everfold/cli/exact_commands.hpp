// SPDX-License-Identifier: MIT
#pragma once
// import and export of the form that says all of a log. docs/export_format.md.

#include <everfold/cli/arguments.hpp>
#include <everfold/cli/output.hpp>

namespace everfold::cli {

void export_exact_form(const arguments& args, output& out);
void import_exact_form(const arguments& args, output& out);

} // namespace everfold::cli
