// SPDX-License-Identifier: MIT
#include <everfold/aggregate/repository_options.hpp>
#include <everfold/base/check.hpp>

#include <algorithm>

namespace everfold {

snapshot_policy snapshot_policy::every(std::uint64_t n) {
    check(n > 0, "a snapshot policy counts at least one event");
    return {.every_events = n};
}

snapshot_policy snapshot_policy::when_replay_takes(std::chrono::milliseconds t) {
    check(t.count() > 0, "a snapshot policy waits for a time that is more than nothing");
    return {.replay_time = t};
}

snapshot_policy operator|(const snapshot_policy& a, const snapshot_policy& b) noexcept {
    const auto lower = [](const auto& x, const auto& y) {
        if (!x || !y)
            return x ? x : y;
        return std::min(x, y);
    };
    return {
        .every_events = lower(a.every_events, b.every_events),
        .replay_time = lower(a.replay_time, b.replay_time)};
}

std::string compact_report::to_string() const {
    return std::to_string(bytes_before) + " bytes before, " + std::to_string(bytes_after) +
           " after; " + std::to_string(events_covered) + " events covered by a snapshot of " +
           std::to_string(snapshot_bytes) + " bytes at revision " + std::to_string(at.value()) +
           "; " + std::to_string(segments) + " segments with " + std::to_string(events_archived) +
           " events archived";
}

} // namespace everfold
