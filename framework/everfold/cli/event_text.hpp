// SPDX-License-Identifier: MIT
#pragma once
// A recorded event as a line of JSON or the row of a table, as it was stored.

#include <everfold/cli/table.hpp>
#include <everfold/store/recorded_event.hpp>

#include <string>
#include <vector>

namespace everfold::cli {

/// position, revision, stream, type, version, id, recorded_at, occurred_at, tags, metadata, data;
/// correlation_id and causation_id where there is one. Without a line end.
/// Failure: errc::damaged where payload or metadata are not well-formed.
[[nodiscard]] std::string json_line_of(const recorded_event& event);

/// The same for people: position, time, stream, revision, type, data.
[[nodiscard]] std::vector<table::column> event_columns();
[[nodiscard]] std::vector<table::cell> row_of(const recorded_event& event);

} // namespace everfold::cli
