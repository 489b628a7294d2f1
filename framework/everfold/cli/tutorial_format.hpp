// SPDX-License-Identifier: MIT
#pragma once
// Events as JSON Lines, one object a line, to events of a log and back:
//   {"timestamp": 1704067200000, "datetime": "2024-01-01T00:00:00.000",
//    "event_type": "user_created", "data": {"user_id": 1, "name": "Ada"}}

#include <everfold/cli/line_reader.hpp>
#include <everfold/json.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/recorded_event.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace everfold::cli {

/// A line as an event without stream and tags, and its data.
struct tutorial_event {
    /// `occurred_at` is the timestamp exactly and the payload is `data` as given: fields, order and
    /// nulls. What else the line holds is kept as the event's metadata. The datetime says nothing
    /// that the timestamp does not and is not kept.
    new_event event{};
    nlohmann::ordered_json data{};
};

/// Failure: malformed_line, with the reason.
[[nodiscard]] tutorial_event event_from_tutorial_line(std::string_view line);

/// The event in this form and spelling, without a line end. Stream and tags have no place in it.
[[nodiscard]] std::string tutorial_line_of(const recorded_event& event);

/// `2024-01-01T00:00:00.000`, in UTC; outside the years 1 to 9999, which this form can't write, `@`
/// and the milliseconds.
[[nodiscard]] std::string tutorial_datetime(std::int64_t milliseconds);

/// A line of strict JSON (json.hpp), an object. Failure: malformed_line.
[[nodiscard]] nlohmann::ordered_json object_from_line(std::string_view line);

/// A value as JSON for a message, cut where it is long.
[[nodiscard]] std::string shown(const nlohmann::ordered_json& value);

/// Nothing but blanks.
[[nodiscard]] bool is_blank(std::string_view line) noexcept;

} // namespace everfold::cli
