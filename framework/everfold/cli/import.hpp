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
    /// Failure: malformed_line. Not called for blank lines.
    std::function<line_event(std::string_view line)> event_of{};
};

/// Appends the event of each line, a thousand at a time, and says how many and how fast.
///
/// Failure: input_output_error at the first line that is malformed or that the log refuses. All
///          lines before it are then in the log, and nothing after.
void import_lines(const import_request& request, output& out);

} // namespace everfold::cli
