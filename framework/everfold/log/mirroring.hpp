// SPDX-License-Identifier: MIT
#pragma once
// A second directory that holds the same log. docs/log_format.md, "Mirror".

#include <everfold/io/file_system.hpp>
#include <everfold/log/opening.hpp>

#include <string>
#include <vector>

namespace everfold::log {

/// Makes sure that `mirror` may become the mirror of the log in `directory`, which exists: another
/// directory, neither in the other, that holds a log or nothing. Throws invalid or not_a_log.
void prepare_mirror(
    const io::machine& machine, const std::string& directory, const std::string& mirror
);

/// Makes `mirror` hold what `directory` holds, byte by byte, which was loaded for writing; both are
/// locked. Adds to `notes` what was done.
///
/// Durability: on return. After a crash on the way the mirror is the log that it was, or the new
///             one, or, where it was nothing or can't become the new one step by step, no log;
///             then it is made anew.
/// Failure:    errc::diverged where the mirror holds an event that the log does not, which may have
///             been acknowledged; invalid where it is another log; the exceptions of opening it for
///             reading. No event was changed.
void bring_up_to_date(
    const io::machine& machine,
    const std::string& directory,
    const loaded_log& log,
    const std::string& mirror,
    std::vector<std::string>& notes
);

} // namespace everfold::log
