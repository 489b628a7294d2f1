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
#include <string_view>
#include <vector>

namespace everfold::log {

/// What of a stream may be seen.
struct reach {
    std::uint64_t from_revision{};
    std::int64_t from_recorded_ns{std::numeric_limits<std::int64_t>::min()};

    friend bool operator==(const reach&, const reach&) = default;
};

/// Threads: any.
class reachability {
public:
    virtual ~reachability() = default;
    [[nodiscard]] virtual reach of(std::string_view stream) const = 0;

protected:
    reachability() = default;
    reachability(const reachability&) = default;
    reachability(reachability&&) = default;
    reachability& operator=(const reachability&) = default;
    reachability& operator=(reachability&&) = default;
};

/// Which events.
struct selection {
    std::vector<selection_item> items{};
    position from{};
    position to{std::numeric_limits<std::uint64_t>::max()}; ///< inclusive
    std::optional<timestamp> since{};                       ///< of occurred_at, closed
    std::optional<timestamp> until{};
    bool is_backwards{};
    /// Null: all can be reached.
    std::shared_ptr<const reachability> reachable{};
};

/// An event. Its texts and bytes live until the next one is asked for.
struct log_event {
    position at{};
    std::string_view stream{};
    revision stream_revision{};
    /// The log's number of its type.
    std::uint32_t type{};
    /// Its own bytes in the numbers of its segment.
    event_record record{};
    const readable_segment* in{};
};

/// Threads:    one; walks what was durable when it was made.
/// Memory:     one window of a segment, and four bytes for each match in one segment. Segments are
///             opened one after the other.
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
    /// Null where the event can't be reached, or its batch lies outside the time range: then
    /// nothing of it is read.
    [[nodiscard]] const log_event* load(std::uint32_t ordinal);
    void load_frame(std::size_t number);
    void move_to(std::uint32_t ordinal);
    [[noreturn]] void fail(std::uint32_t ordinal) const;
    [[nodiscard]] bool is_reachable(const log_event& event, std::uint32_t stream_here);
    [[nodiscard]] std::uint32_t number_of_type(std::uint32_t number_here);
    /// Whether [min, max] of occurred_at meets the time range.
    [[nodiscard]] bool is_in_time(std::int64_t min_ns, std::int64_t max_ns) const noexcept;

    const log_index* index_;
    selection wanted_;
    bool is_everything_{};
    std::vector<segment_view> segments_{};
    std::size_t segments_left_{};
    readable_segment segment_{};
    std::vector<std::uint32_t> type_numbers_{}; // the log's, by the segment's
    std::vector<std::optional<reach>> reach_{}; // by the segment's number of the stream
    std::optional<frame_reader> reader_{};
    ordinal_list matches_{};
    range left_{}; // of matches_, or of ordinals where everything matches
    std::size_t frame_number_{};
    const frame_view* frame_{};
    frame_entry frame_entry_{};
    std::uint32_t frame_end_ordinal_{};
    bytes_view rest_{}; // of the frame, from the record of event rest_ordinal_ or a name before it
    std::uint32_t rest_ordinal_{};
    log_event event_{};
};

} // namespace everfold::log
