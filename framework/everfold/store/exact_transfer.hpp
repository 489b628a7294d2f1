// SPDX-License-Identifier: MIT
#pragma once
// A log as lines of text that say all of it, and a log made of them that is its equal.
// docs/export_format.md.

#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/store/tools.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace everfold {

/// Gets one line, without its end.
using line_sink = std::function<void(std::string_view line)>;

/// Gives the next line without its end, valid until the next call; nothing after the last.
using line_source = std::function<std::optional<std::string_view>()>;

/// What an exact export or import went through.
struct exact_report {
    uuid log_id{};
    /// One past the last position.
    position end{};
    std::uint64_t events{};
    std::uint64_t appends{};
    /// Positions at which there is no event any more.
    std::uint64_t removed{};
};

/// Hands out the log in the directory `path` line by line: every event that is there at some moment
/// of the call, whether or not a rule has put it out of reach, the rules, and which events were
/// appended together. A writer goes on beside it.
///
/// Memory:  one event, and the index of one segment.
/// Failure: those of opening for reading; errc::damaged, also for data that are not well-formed.
exact_report export_exactly( // NOLINT(modernize-use-nodiscard): the lines are the answer
    const std::string& path,
    const line_sink& to,
    const progress_sink& on_progress = {}
);

/// Makes the log that the lines say in the new directory `into`: its identity, and every event with
/// its position, revision, ids, times, and the append that it came with. Snapshots, which are
/// derived, are not among the lines.
///
/// Memory:     one append.
/// Durability: all of it when it returns. Until then `into` is no log; an import that was
///             interrupted, or refused, is begun again by the same call.
/// Failure:    errc::encoding with the number of the line that is not what it must be, also where
///             the end is missing; errc::invalid where events were removed from the exported log,
///             or where `into` holds anything; in_use, unsupported, io.
exact_report import_exactly( // NOLINT(modernize-use-nodiscard): the new log is the answer
    const line_source& from,
    const std::string& into,
    const progress_sink& on_progress = {}
);

// The same on a given machine: tests pass a simulated one.
exact_report export_exactly(
    const std::string& path,
    const line_sink& to,
    const progress_sink& on_progress,
    const io::machine& machine
);
exact_report import_exactly(
    const line_source& from,
    const std::string& into,
    const progress_sink& on_progress,
    const io::machine& machine
);

} // namespace everfold
