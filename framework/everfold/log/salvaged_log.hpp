// SPDX-License-Identifier: MIT
#pragma once
// Walks everything that is intact of a log, in order, and tells what is not.

#include <everfold/base/findings.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/discovery.hpp>
#include <everfold/log/record.hpp>
#include <everfold/log/verification.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace everfold::log {

/// An event with its names; views live as long as the call that hands it out.
struct salvaged_event {
    position at{};
    event_record record{};
    const std::string* stream{};
    revision stream_revision{};
    const std::string* type{};
    std::uint32_t version{};
    std::vector<std::string> tags{};
};

/// One append, as it was made or what is left of it.
struct salvaged_batch {
    position first{};
    uuid append_id{};
    std::int64_t recorded_ns{};
    std::vector<salvaged_event> events{};
};

/// Why it can't be taken; empty: it was.
using batch_taker = std::function<std::string(const salvaged_batch& batch)>;

/// Revisions from `first` to before `end`, which an index names though the events are lost.
using revisions_sink = std::function<void(const std::string& stream, revision first, revision end)>;

/// Hands each intact batch to `take`. Of the report it gives what was found: `lost`, the end,
/// damage and notes.
[[nodiscard]] repair_report salvage_log(
    const io::machine& machine,
    const std::string& directory,
    const found_log& found,
    const event_check& check_event,
    const std::function<void(std::uint64_t)>& on_progress,
    const batch_taker& take,
    const revisions_sink& lose_revisions
);

} // namespace everfold::log
