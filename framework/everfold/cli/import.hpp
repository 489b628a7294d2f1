// SPDX-License-Identifier: MIT
#pragma once
// Lines of a file into a log, in their order, in durable batches.

#include <everfold/cli/output.hpp>
#include <everfold/store/append.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace everfold::cli {

/// An event and where it goes.
struct line_event {
    std::string stream{};
    new_event event{};
};

struct import_request {
    /// Whose notes they are.
    std::string_view program{};
    /// Created where it is missing.
    std::string log{};
    /// A path, or "-" for standard input.
    std::string file{};
    /// Makes the event of a line; `into` may hold an earlier one. Called by one thread at a time,
    /// not for blank lines. Failure: malformed_line.
    std::function<void(std::string_view line, line_event& into)> read_event{};
};

/// Appends the event of each line, a thousand at a time, and says how many and how fast. Lines are
/// read while those before them are appended, on a thread of its own.
///
/// Failure: input_output_error at the first line that is malformed or that the log refuses. All
///          lines before it are then in the log, and nothing after.
void import_lines(const import_request& request, output& out);

} // namespace everfold::cli
