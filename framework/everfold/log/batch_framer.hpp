// SPDX-License-Identifier: MIT
#pragma once
// From events to the bytes of frames: places them in the log, gives names their numbers in the
// segment, links and stamps. docs/log_format.md, "Segment".

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/framed_names.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/names.hpp>
#include <everfold/log/record.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace everfold::log {

/// An event as it is handed to the log. Views live until append returns.
struct draft {
    std::string_view stream{};
    std::string_view type{};
    std::uint32_t version{1};
    payload_format format{payload_format::cbor};
    std::span<const std::string> tags{};
    std::optional<timestamp> occurred_at{};
    /// Imports: recorded_at becomes this, clamped between the last recorded time and now.
    std::optional<timestamp> originally_recorded_at{};
    uuid id{};
    uuid correlation_id{};
    uuid causation_id{};
    bytes_view metadata{};
    bytes_view payload{};
};

/// Where a batch went.
struct placed {
    position first{};
    /// Of each event of the batch.
    std::vector<revision> revisions{};
};

/// Bytes that a batch's frame takes at most. Throws errc::invalid for a name that is none, and
/// errc::limit where the batch is more than the log allows.
[[nodiscard]] std::uint64_t weigh(std::span<const draft> events, const size_limits& limits);

/// Knows where the next event goes, ahead of what is durable.
///
/// Threads: one at a time.
class batch_framer {
public:
    /// Goes on where `at` stands in the active segment of `index`, which holds all before.
    batch_framer(const log_index& index, const segment_entry& active, const walk_state& at);

    /// Looks up where the batch's streams stand; what can fail of that fails here, with no harm.
    /// The events live until add_batch() or forget_look_up().
    void look_up(std::span<const draft> events);

    /// The batch that was looked up is not added.
    void forget_look_up();

    /// Appends one batch, which was looked up, to gathered(). An exception leaves it unusable:
    /// numbers are half given.
    [[nodiscard]] placed add_batch(
        std::span<const draft> events, const uuid& append_id, timestamp now, byte_offset durable
    );

    /// Appends a mark or a seal.
    void add_control(frame_kind kind, bytes_view body, byte_offset durable);

    /// Frames that nobody has taken yet. They end at here().at.
    [[nodiscard]] const byte_buffer& gathered() const noexcept { return gathered_; }

    /// Swaps the frames out, for an empty buffer whose memory is used again. Those that were taken
    /// before are in the index by now.
    void take(byte_buffer& into);

    /// The next frame goes into this new segment.
    void begin_segment(const segment_entry& active);

    void begin_epoch() noexcept { ++here_.epoch; }

    /// Whether the segment can number all of the batch's event types.
    [[nodiscard]] bool has_numbers_for(std::span<const draft> events) const;

    /// Where the next frame goes, and what it follows.
    [[nodiscard]] const walk_state& here() const noexcept { return here_; }

    /// Whether a batch was framed under this id, durable or not; see log_index::find_append for how
    /// far back it is looked for.
    [[nodiscard]] bool has_append(const uuid& id) const {
        return appends_here_.contains(id) || index_->find_append(id).has_value();
    }

    /// The first event at or behind `from` that matches any of `items`, among those in `in_flight`
    /// (frames that were taken and have not been followed by others) and in gathered().
    [[nodiscard]] std::optional<position> first_match(
        const std::vector<selection_item>& items, position from, bytes_view in_flight
    ) const;

    /// The last revision that was given out in a stream. Least costs who asks about the streams of
    /// the batch that was looked up, by the texts that it has, in its order.
    [[nodiscard]] std::optional<revision> last_revision(std::string_view stream) const;

private:
    /// In the active segment, as far as it is named there; under the lock of its index.
    [[nodiscard]] std::optional<std::uint32_t>
    find_stream(const growing_index& here, std::string_view name) const;
    [[nodiscard]] std::optional<std::uint32_t>
    find_tag(const growing_index& here, std::string_view text) const;
    [[nodiscard]] stream_head head_of(const growing_index& here, std::uint32_t stream) const;
    /// What look_up() found of it; nothing for other streams.
    [[nodiscard]] std::optional<std::uint64_t> looked_up_revision(std::string_view stream) const;
    /// By the segment's numbers; no lock.
    [[nodiscard]] std::string_view name_of_stream(std::uint32_t number) const;
    [[nodiscard]] std::string_view name_of_tag(std::uint32_t number) const;

    [[nodiscard]] bool matches(const event_record& event, const selection_item& item) const;
    [[nodiscard]] std::vector<std::int64_t>
    recorded_times(std::span<const draft> events, timestamp now) const;
    /// The segment's numbers; new names bring their records. `looked_up` is what look_up() found.
    [[nodiscard]] std::uint32_t
    number_of_stream(std::string_view name, std::optional<std::uint32_t> looked_up);
    [[nodiscard]] std::uint16_t number_of_type(const draft& event);
    [[nodiscard]] std::uint32_t
    number_of_tag(std::string_view text, std::optional<std::uint32_t> looked_up);
    /// `buffer_at` is the segment's offset of the first gathered byte.
    void add_event(
        const draft& event,
        std::optional<std::uint32_t> looked_up, ///< its stream
        std::int64_t recorded_ns,
        std::int64_t frame_ns,
        std::uint64_t buffer_at,
        placed& out
    );
    void finish_frame(std::size_t start, frame_header header, byte_offset durable);

    const log_index* index_;
    std::uint64_t seed_{};
    byte_buffer gathered_{};
    byte_buffer tags_{};
    walk_state here_{};
    // What is not in the index, of the active segment: what gathers, and what was taken last.
    std::unique_ptr<framed_names> gathering_{std::make_unique<framed_names>()};
    std::unique_ptr<framed_names> taken_{std::make_unique<framed_names>()};
    type_table types_here_{}; // all of them: they are few
    /// Of each event that was looked up: the number of its stream, then of its tags, where they
    /// have one.
    std::span<const draft> looked_up_{};
    std::vector<std::optional<std::uint32_t>> streams_looked_up_{}; // of each event
    std::vector<std::optional<std::uint32_t>> tags_looked_up_{};    // of one event after the other
    std::size_t next_tag_{};
    mutable std::size_t next_asked_{}; // of the events
    /// Of the active segment, since this framer has been at it.
    std::set<uuid> appends_here_{};
    /// The next revision of streams that were looked up and have no event in this segment.
    std::unordered_map<std::string, std::uint64_t> elsewhere_{};
};

} // namespace everfold::log
