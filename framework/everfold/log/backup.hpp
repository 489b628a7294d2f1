// SPDX-License-Identifier: MIT
#pragma once
// A copy of a log, beside a writer that goes on. docs/log_format.md, "Backup".

#include <everfold/base/ids.hpp>
#include <everfold/io/file_system.hpp>

#include <cstdint>
#include <string>

namespace everfold::log {

struct backup_report {
    /// One past the last event of the copy.
    position end{};
    std::uint64_t segments{};
    /// Of the segments, those that share their bytes with the log, by hard links.
    std::uint64_t linked{};
    std::uint64_t copied_bytes{};
};

/// How the files of sealed segments, which nobody changes, get into the copy.
enum class sealed_files : std::uint8_t {
    linked, ///< by hard links where the file system can, else copied
    copied, ///< so that damage of one does not reach the other
};

/// Copies the log in `directory`, up to what was durable at some moment of the call, to the new
/// directory `to`: a log of its own, closed. Locks nothing and changes nothing in `directory`; the
/// writer, if there is one, goes on.
///
/// Durability: what it returned for survives a power cut. One that was interrupted leaves a
///             directory that is not a log.
/// Failure:    errc::invalid where `to` holds anything; the exceptions of opening for reading.
backup_report back_up(
    const io::machine& machine,
    const std::string& directory,
    const std::string& to,
    sealed_files how = sealed_files::linked
);

} // namespace everfold::log
