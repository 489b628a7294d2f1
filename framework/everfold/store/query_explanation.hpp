// SPDX-License-Identifier: MIT
#pragma once
// How a query is answered: which indexes, what its bounds leave out, and what was read for it.

#include <everfold/store/query.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace everfold {

/// Numbers are sums over the segments that the bounds leave.
struct item_explanation {
    query_item item{};
    /// Events in the index under each name that the item asks for, before any bounds.
    std::uint64_t stream_events{};
    std::uint64_t type_events{};
    std::vector<std::uint64_t> tag_events{};
    /// In how many segments its events are found by what: the shortest list, or every event within
    /// the bounds where those are fewer still.
    std::uint64_t segments_by_stream{};
    std::uint64_t segments_by_type{};
    std::uint64_t segments_by_tag{};
    std::uint64_t segments_by_position{};
    /// That have not heard one of the names.
    std::uint64_t segments_by_nothing{};

    friend bool operator==(const item_explanation&, const item_explanation&) = default;
};

/// Of events that were read.
struct reading_explanation {
    /// Events that the indexes name within the bounds, in the segments so far.
    std::uint64_t candidates{};
    /// A frame is what one append wrote; it is read whole.
    std::uint64_t frames_read{};
    /// By their least and greatest occurred_at.
    std::uint64_t frames_skipped_by_time{};
    std::uint64_t events_decoded{};
    /// Those among them that fell out by the other names, by time, by rules and by conditions.
    std::uint64_t events_unmatched{};
    std::uint64_t events_at_other_times{};
    std::uint64_t events_out_of_reach{};
    std::uint64_t events_failing_conditions{};
    std::uint64_t events_delivered{};

    friend bool operator==(const reading_explanation&, const reading_explanation&) = default;
};

struct query_explanation {
    std::vector<item_explanation> items{};
    std::vector<std::string> conditions{};
    /// Of the log; then how many were left out by positions and revisions, by either time, by
    /// names, and how many were opened for their events (or would be).
    std::uint64_t segments{};
    std::uint64_t segments_outside{};
    std::uint64_t segments_at_other_times{};
    std::uint64_t segments_without_match{};
    std::uint64_t segments_entered{};
    /// Nothing before anything was read.
    std::optional<reading_explanation> reading{};

    /// Some lines for people.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const query_explanation&, const query_explanation&) = default;
};

} // namespace everfold
