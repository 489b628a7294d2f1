// SPDX-License-Identifier: MIT
#pragma once
// The lines of an exact export. docs/export_format.md.

#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/log/format.hpp>
#include <everfold/store/append.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace everfold {

inline constexpr std::uint32_t export_version = 1;

/// The first line: the log.
struct exact_header {
    uuid log_id{};
    std::int64_t created_ns{};
    log::size_limits limits{};

    friend bool operator==(const exact_header&, const exact_header&) = default;
};

/// Of the first event that is left of an append.
struct exact_append {
    std::uint64_t count{};
    uuid id{}; ///< nil: none
};

/// A line with an event.
struct exact_event {
    std::optional<exact_append> begins{};
    position at{};
    std::string stream{};
    revision stream_revision{};
    /// With its id nil where it is derived, and both times.
    new_event event{};
    std::int64_t recorded_ns{};
    /// What its place gives it, as the line says.
    uuid derived_id{};
};

/// Positions at which there is no event any more.
struct exact_removed {
    position first{};
    position last{};
};

/// The last line.
struct exact_end {
    position end{};
    std::uint64_t events{};
    std::uint64_t appends{};
};

using exact_line = std::variant<exact_header, exact_event, exact_removed, exact_end>;

/// One line, without its end, in the one spelling that the exporter has.
/// Failure: errc::damaged where data or metadata of the event are not well-formed.
[[nodiscard]] std::string to_line(const exact_header& line);
[[nodiscard]] std::string to_line(const exact_event& line);
[[nodiscard]] std::string to_line(const exact_removed& line);
[[nodiscard]] std::string to_line(const exact_end& line);

/// Failure: errc::encoding with what is wrong; errc::unsupported for a header of a newer version.
[[nodiscard]] exact_line exact_line_from(std::string_view text);

} // namespace everfold
