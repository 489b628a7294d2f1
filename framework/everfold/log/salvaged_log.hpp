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
#include <string_view>
#include <vector>

namespace everfold::log {

/// An event with its names; views live as long as the call that hands it out.
struct salvaged_event {
    event_record record{};
    position at{};
    const std::string* stream{};
    revision stream_revision{};
    std::uint64_t stream_base{}; ///< revision from which its segment counts
    const std::string* type{};
    std::uint32_t version{};
    std::vector<std::string> tags{};
};

/// One append, as it was made, or what remains of it.
struct salvaged_batch {
    position segment{}; ///< where that begins
    uuid append_id{};
    std::int64_t recorded_ns{};
    std::vector<salvaged_event> events{};
};

/// Why it can't be taken; empty: it was.
using batch_taker = std::function<std::string(const salvaged_batch& batch)>;

/// What indexes and names say of events that are not there.
struct loss_sinks {
    /// Revisions of a stream from `first` to before `end`.
    std::function<void(const std::string& stream, revision first, revision end)> revisions{};
    /// The stream's revisions before `base` were written.
    std::function<void(std::string_view stream, std::uint64_t base)> named{};
    /// Of what is lost at these positions, every revision was told.
    std::function<void(position_range positions)> known{};
};

/// Hands each intact batch to `take`. Of the report it gives what was found: `lost`, `removed`, the
/// records of removals, the end, damage and notes.
[[nodiscard]] repair_report salvage_log(
    const io::machine& machine,
    const std::string& directory,
    const found_log& found,
    const event_check& check_event,
    const std::function<void(std::uint64_t)>& on_progress,
    const batch_taker& take,
    const loss_sinks& lose
);

} // namespace everfold::log
