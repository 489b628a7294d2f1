// SPDX-License-Identifier: MIT
#pragma once
// Everything that opening leaves unread, read: every frame of every segment, link by link.

#include <everfold/base/findings.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/record.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace everfold::log {

/// What is wrong with the content of an event whose record is well-formed; empty: nothing.
using event_check = std::function<std::string(const event_record& event)>;

/// Reads the log in `directory`, beside a writer too, and checks each segment against the manifest
/// and the segment before it, each index against its segment, and that every stream goes on where
/// it ended in an earlier segment, but for events that were removed on purpose. Damage is told, and
/// the rest is read all the same: also of a log that does not open. `on_progress` gets the count of
/// positions that are done.
///
/// Memory:  an index of one segment, and the name of each stream.
/// Failure: not_a_log, unsupported; io_error where not even a directory can be read.
[[nodiscard]] verification verify_log(
    const io::machine& machine,
    const std::string& directory,
    const event_check& check_event,
    const std::function<void(std::uint64_t)>& on_progress
);

} // namespace everfold::log
