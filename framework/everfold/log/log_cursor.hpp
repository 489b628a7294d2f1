// SPDX-License-Identifier: MIT
#pragma once
// Walks the events of a selection, in either direction.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/record.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace everfold::log {

/// Which events, in the log's numbers.
struct selection {
    std::vector<selection_item> items{};
    position from{};
    position to{std::numeric_limits<std::uint64_t>::max()}; ///< inclusive
    std::optional<timestamp> since{};                       ///< of occurred_at, closed
    std::optional<timestamp> until{};
    bool is_backwards{};
};

/// An event in the log's own numbers. Texts, tags and payload live until the next one is asked for.
struct log_event {
    position at{};
    std::uint32_t stream{};
    revision stream_revision{};
    std::uint32_t type{};
    /// Its own bytes in the numbers of its segment.
    event_record record{};
    const segment_index* index{};
};

/// Threads:    one; walks what was durable when it was made.
/// Memory:     one window of a segment, and four bytes for each match in one segment.
/// Failure:    io_error; corruption where the bytes no longer check.
class log_cursor {
public:
    /// `index` outlives the cursor.
    log_cursor(const log_index& index, selection wanted);

    /// Null after the last.
    [[nodiscard]] const log_event* next();

private:
    struct range {
        std::uint32_t begin{};
        std::uint32_t end{};
    };

    [[nodiscard]] bool enter_next_segment();
    [[nodiscard]] std::optional<std::uint32_t> next_ordinal();
    /// Null where the event's batch lies outside the time range: nothing of it is read.
    [[nodiscard]] const log_event* load(std::uint32_t ordinal);
    void load_frame(std::size_t number);
    [[nodiscard]] bool is_in_time(const frame_entry& frame) const noexcept;

    const log_index* index_;
    selection wanted_;
    bool is_everything_{};
    std::vector<segment_view> segments_{};
    std::size_t segments_left_{};
    const segment_view* segment_{};
    std::optional<frame_reader> reader_{};
    ordinal_list matches_{};
    range left_{}; // of matches_, or of ordinals where everything matches
    std::size_t frame_number_{};
    const frame_view* frame_{};
    frame_entry frame_entry_{};
    std::uint32_t frame_end_ordinal_{};
    log_event event_{};
};

} // namespace everfold::log
