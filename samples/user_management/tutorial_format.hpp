// SPDX-License-Identifier: MIT
#pragma once
// The tutorial's log, one JSON object a line, to events of users:
//   {"timestamp": 1704067200000, "datetime": "2024-01-01T00:00:00.000",
//    "event_type": "user_created", "data": {"user_id": 1, "name": "Ada"}}

#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/tutorial_format.hpp>
#include <everfold/json.hpp>
#include <everfold/store/append.hpp>

#include <string>
#include <string_view>

namespace users {

using everfold::cli::line_reader;
using everfold::cli::malformed_line;
using everfold::cli::tutorial_datetime;

/// As everfold/cli reads it, tagged with its user. An event that the state folds must fit its
/// struct. Failure: malformed_line, with the reason.
[[nodiscard]] everfold::new_event event_from_line(std::string_view line);

/// Whether `data` may be the data of an event of this type: those the state folds must fit their
/// structs; any other type takes any object. The sentence says what is wrong; empty: nothing.
[[nodiscard]] std::string misfit(std::string_view event_type, const nlohmann::ordered_json& data);

} // namespace users
