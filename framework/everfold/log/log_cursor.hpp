// SPDX-License-Identifier: MIT
#pragma once
// Walks the events of a selection, in either direction.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/log/candidates.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/record.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
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
    /// Whether anything of a segment can be out of reach. `has_own`: it has events of the log's own
    /// streams.
    [[nodiscard]] virtual bool concerns(bool has_own) const = 0;

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
    /// Of recorded_at, closed.
    std::int64_t recorded_since_ns{std::numeric_limits<std::int64_t>::min()};
    std::int64_t recorded_until_ns{std::numeric_limits<std::int64_t>::max()};
    bool is_backwards{};
    /// Null: all can be reached.
    std::shared_ptr<const reachability> reachable{};
};

/// What a walk has looked at so far.
struct read_counts {
    /// That the log has, or had when the walk began.
    std::uint64_t segments{};
    /// Without a look at their events: by positions, by times, by names.
    std::uint64_t segments_outside{};
    std::uint64_t segments_at_other_times{};
    std::uint64_t segments_without_match{};
    /// In which there may be events.
    std::uint64_t segments_entered{};
    /// Events in those that the indexes left.
    std::uint64_t candidates{};
    std::uint64_t frames_read{};
    std::uint64_t frames_at_other_times{};
    std::uint64_t events_decoded{};
    /// Of those decoded, by what left them out.
    std::uint64_t events_unmatched{};
    std::uint64_t events_at_other_times{};
    std::uint64_t events_out_of_reach{};

    friend bool operator==(const read_counts&, const read_counts&) = default;
};

/// An event. Its texts and bytes live until the next one is asked for.
struct log_event {
    position at{};
    std::string_view stream{};
    /// Its segment's number of the stream.
    std::uint32_t stream_here{};
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

    /// The next one where it lies in the same frame as the last one, whose views then stay valid,
    /// too; otherwise null, and next() goes on.
    [[nodiscard]] const log_event* next_in_frame();

    /// Gives `take` the next ones in that frame, `most` or fewer: up to the first that takes a
    /// closer look, where each event is wanted and in the order of the log. next_in_frame() goes
    /// on.
    template <class Take>
    void take_plain_in_frame(std::size_t most, const Take& take) {
        if (!is_plain_ || frame_ == nullptr || left_.begin != rest_ordinal_)
            return;
        const auto& index = *segment_.index;
        const auto begin = left_.begin;
        const auto room = std::min(left_.end, frame_end_ordinal_) - begin;
        const auto end = begin + static_cast<std::uint32_t>(std::min<std::size_t>(room, most));
        const auto recorded = begin_plain(event_.record);
        while (rest_ordinal_ < end) {
            auto& record = event_.record;
            const auto size = peek_plain_event(rest_, recorded, record);
            if (size == 0 || record.stream >= streams_named_ || record.type >= type_numbers_.size())
                break;
            const auto stream = index.stream(record.stream);
            event_.at = index.position_of(rest_ordinal_);
            event_.stream = stream.name;
            event_.stream_here = record.stream;
            event_.stream_revision = revision{stream.base + record.revision_in_segment};
            event_.type = type_numbers_[record.type];
            rest_ = rest_.subspan(size);
            left_.begin = ++rest_ordinal_;
            take(std::as_const(event_));
        }
        counts_.events_decoded += left_.begin - begin;
    }

    /// The batch of the event that next() gave last.
    [[nodiscard]] found_append batch() const noexcept;

    /// Plans for all segments that are left and reads no event; next() then has none.
    void survey();

    [[nodiscard]] const read_counts& counts() const noexcept { return counts_; }

    /// How the items were answered in the segments so far, in their order.
    [[nodiscard]] const std::vector<item_plan>& plans() const noexcept { return plans_; }

    /// One past the last event that the walk can reach.
    [[nodiscard]] position end() const noexcept { return end_; }

private:
    /// Opens the next segment in which there may be events.
    [[nodiscard]] bool open_next_segment();
    [[nodiscard]] bool enter_next_segment();
    /// The part of the segment that bounds leave.
    [[nodiscard]] ordinal_range bounded(const segment_view& view) const;
    /// Behind a frame in which nothing is wanted, where every event would be looked at.
    void pass_frame() noexcept;
    [[nodiscard]] std::optional<std::uint32_t> next_ordinal();
    /// Null where the event is not wanted, or its batch lies outside the time range: then nothing
    /// of it is read.
    [[nodiscard]] const log_event* load(std::uint32_t ordinal);
    void load_frame(std::size_t number);
    void move_to(std::uint32_t ordinal);
    [[noreturn]] void fail(std::uint32_t ordinal) const;
    /// Whether `event_` is wanted; counts why it is not.
    [[nodiscard]] bool is_wanted(std::uint32_t stream_here, std::uint32_t type_here);
    /// Whether is_wanted() can say no of an event of this segment.
    [[nodiscard]] bool is_anything_unwanted() const noexcept;
    /// Puts in what all plain events of the frame share; when they were recorded.
    timestamp begin_plain(event_record& record) const noexcept;
    [[nodiscard]] bool is_reachable(const log_event& event, std::uint32_t stream_here);
    [[nodiscard]] std::uint32_t number_of_type(std::uint32_t number_here);
    /// Whether [min, max] of occurred_at meets the time range.
    [[nodiscard]] bool is_in_time(std::int64_t min_ns, std::int64_t max_ns) const noexcept;

    const log_index* index_;
    selection wanted_;
    read_counts counts_{};
    std::vector<item_plan> plans_{};
    std::vector<item_plan> plans_here_{};
    std::vector<segment_view> segments_{};
    std::size_t segments_left_{};
    position end_{};
    readable_segment segment_{};
    std::vector<std::uint32_t> type_numbers_{}; // the log's, by the segment's
    std::uint32_t streams_named_{};             // records call these as the index does
    bool is_concerned_{};                       // by what is out of reach: the segment
    bool is_asked_{};                           // whether each event of the segment is wanted
    bool is_plain_{};                           // all are, one after the other
    std::vector<std::optional<reach>> reach_{}; // by the segment's number of the stream
    std::optional<frame_reader> reader_{};
    candidates candidates_{};
    ordinal_range left_{}; // of the candidates' list, or of ordinals where it has all
    std::size_t frame_number_{};
    const frame_view* frame_{};
    frame_entry frame_entry_{};
    std::uint32_t frame_end_ordinal_{};
    bytes_view rest_{}; // of the frame, from the record of event rest_ordinal_ or a name before it
    std::uint32_t rest_ordinal_{};
    log_event event_{};
};

} // namespace everfold::log
