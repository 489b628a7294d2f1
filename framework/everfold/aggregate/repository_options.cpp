// SPDX-License-Identifier: MIT
#include <everfold/aggregate/repository_options.hpp>
#include <everfold/base/check.hpp>

namespace everfold {

snapshot_policy snapshot_policy::every(std::uint64_t n) {
    check(n > 0, "a snapshot policy counts at least one event");
    return {.every_events = n};
}

std::string compact_report::to_string() const {
    return std::to_string(bytes_before) + " bytes before, " + std::to_string(bytes_after) +
           " after; " + std::to_string(events_covered) + " events covered by a snapshot of " +
           std::to_string(snapshot_bytes) + " bytes at revision " + std::to_string(at.value()) +
           "; " + std::to_string(segments) + " segments with " + std::to_string(events_archived) +
           " events archived";
}

} // namespace everfold
