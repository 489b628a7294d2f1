// SPDX-License-Identifier: MIT
#pragma once
// What is done with a log as a whole: copied, read again, saved from damage. The command everfold
// does the same.

#include <everfold/base/findings.hpp>
#include <everfold/io/file_system.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace everfold {

/// Gets the count of positions that are done.
using progress_sink = std::function<void(std::uint64_t positions)>;

/// Copies the log in the directory `path`, as it is at some moment of the call, to the new
/// directory `into`: a log of its own, closed. A writer of `path` goes on. Durability: what it
/// returned for survives a power cut; one that was interrupted is no log. Failure:    errc::invalid
/// where `into` holds anything; those of opening `path` for reading.
backup_report back_up( // NOLINT(modernize-use-nodiscard): the copy is the answer
    const std::string& path,
    const std::string& into,
    sealed_files how = sealed_files::linked
);

/// Reads all of a log again, beside its writer too, and checks it: checksums, links, seals,
/// indexes, snapshots, and that data and metadata are well-formed. Damage is in the answer, and
/// what lies behind it is read all the same; a log that does not open is read as far as it is
/// there. Failure: errc::not_a_log, unsupported, io.
[[nodiscard]] verification verify(const std::string& path, const progress_sink& on_progress = {});

/// Makes a log in the new directory `into` of every append in `path` that is intact, in order, and
/// writes what was lost to the file repair-report.json there. Changes nothing in `path`, whose log
/// need not open; nobody should write to it meanwhile.
///
/// Where nothing is lost, and nothing was removed on purpose, positions and the log's identity
/// stay. Else the new log has an identity of its own, and `kept` says where the old positions are
/// now. Events keep their ids and times. Rules of streams name the revisions that their streams
/// have now: what they put out of reach stays there. Durability: as back_up(). Failure:
/// errc::invalid where `into` holds anything; not_a_log, unsupported, io; damaged where
///             not even one segment can be told to be of a log.
repair_report repair( // NOLINT(modernize-use-nodiscard): the new log is the answer
    const std::string& path,
    const std::string& into,
    const progress_sink& on_progress = {}
);

/// The report as JSON, in one line: what repair-report.json holds.
[[nodiscard]] std::string to_json(const repair_report& report);

// The same on a given machine: tests pass a simulated one.
backup_report back_up(
    const std::string& path, const std::string& into, sealed_files how, const io::machine& machine
);
[[nodiscard]] verification
verify(const std::string& path, const progress_sink& on_progress, const io::machine& machine);
repair_report repair(
    const std::string& path,
    const std::string& into,
    const progress_sink& on_progress,
    const io::machine& machine
);

} // namespace everfold
