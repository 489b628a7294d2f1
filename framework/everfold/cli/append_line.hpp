// SPDX-License-Identifier: MIT
#pragma once
// A line of what `append` reads:
//   {"type": "user_created", "data": {"user_id": 1}, "stream": "users", "tags": ["user:1"],
//    "metadata": {"by": "ada"}, "expected": "no_stream"}

#include <everfold/store/append.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace everfold::cli {

/// The append that a line asks for: one event. `type` and `data` must be there; a stream where
/// `stream` is none. Failure: malformed_line, also for fields of other names.
[[nodiscard]] append_request
request_from_line(std::string_view line, const std::optional<std::string>& stream);

} // namespace everfold::cli
