// SPDX-License-Identifier: MIT
#pragma once
// A copy of a log, beside a writer that goes on. docs/log_format.md, "Backup".

#include <everfold/base/findings.hpp>
#include <everfold/io/file_system.hpp>

#include <string>

namespace everfold::log {

using everfold::sealed_files;

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
