// SPDX-License-Identifier: MIT
#pragma once
// A new log with all that is intact of another one. docs/log_format.md, "Repair".

#include <everfold/base/bytes.hpp>
#include <everfold/base/findings.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/salvaged_log.hpp>
#include <everfold/log/salvaged_streams.hpp>
#include <everfold/log/verification.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace everfold::log {

/// The file in the new log's directory that says what was lost; nobody reads it as data.
inline constexpr const char* repair_report_name = "repair-report.json";

/// An event of one of the log's own streams.
struct own_event {
    std::string stream{};
    std::string type{};
    std::uint32_t version{1};
    byte_buffer payload{};
};

struct repair_steps {
    /// An append with an event for which it has a sentence is lost.
    event_check check_event{};
    /// Gets the count of positions that are done; of all of them, twice.
    std::function<void(std::uint64_t)> on_progress{};
    /// What an event of one of the log's own streams says in the new log, where revisions are other
    /// ones; nothing: the same. May add sentences to the report's notes. May be empty.
    std::function<std::optional<byte_buffer>(
        const salvaged_event& event, const salvaged_streams& kept, std::vector<std::string>& notes
    )>
        restate{};
    /// What they have to say besides, at the end of the new log. May be empty.
    std::function<
        std::vector<own_event>(const salvaged_streams& kept, std::vector<std::string>& notes)>
        conclude{};
    /// The content of the file.
    std::function<std::string(const repair_report& report)> describe{};
};

/// Makes a log in the new directory `into` of every append in `directory` that is intact, in order,
/// with the times and ids that its events had. Changes and locks nothing in `directory`, whose log
/// need not open; nobody should write to it meanwhile.
///
/// Where nothing is lost, and nothing was removed on purpose, the new log has the identity of the
/// old one, and every event its position. Else it has an identity of its own: behind the first
/// event that is missing, positions are other ones, and in its stream revisions are.
///
/// Memory:     the names of one segment, one append, where streams have gaps, the report.
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
