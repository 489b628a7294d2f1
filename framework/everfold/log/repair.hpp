// SPDX-License-Identifier: MIT
#pragma once
// A new log with all that is intact of another one. docs/log_format.md, "Repair".

#include <everfold/base/findings.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/verification.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace everfold::log {

/// The file in the new log's directory that says what was lost; nobody reads it as data.
inline constexpr const char* repair_report_name = "repair-report.json";

/// The revision that a stream's event with revision `old`, or the first one left behind it, has
/// now.
using new_revision = std::function<revision(std::string_view stream, revision old)>;

struct repair_steps {
    /// An append with an event for which it has a sentence is lost.
    event_check check_event{};
    /// Gets the count of positions that are done; of all of them, twice.
    std::function<void(std::uint64_t)> on_progress{};
    /// What an event of one of the log's own streams has to say where revisions are others now;
    /// nothing: the same.
    std::function<std::optional<byte_buffer>(
        std::string_view type, bytes_view payload, const new_revision& now
    )>
        adapt{};
    /// The content of the file.
    std::function<std::string(const repair_report& report)> describe{};
};

/// Makes a log in the new directory `into` of every append in `directory` that is intact, in order,
/// with the times and ids that its events had. Changes and locks nothing in `directory`, whose log
/// need not open; nobody should write to it meanwhile.
///
/// Where nothing is lost, the new log has the identity of the old one, and every event its
/// position. Else it has an identity of its own: behind the first loss, positions are other ones,
/// and in a stream that has lost events revisions are.
///
/// Memory:     the names of one segment, one append, the report.
/// Durability: what it returned for survives a power cut. One that was interrupted leaves a
///             directory that is not a log.
/// Failure:    errc::invalid where `into` holds anything; those of discover().
repair_report repair(
    const io::machine& machine,
    const std::string& directory,
    const std::string& into,
    const repair_steps& steps
);

} // namespace everfold::log
