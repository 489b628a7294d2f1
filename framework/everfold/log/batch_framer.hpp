// SPDX-License-Identifier: MIT
#pragma once
// From events to the bytes of frames: places them in the log, gives names their numbers in the
// segment, links and stamps. docs/log_format.md, "Segment".

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/opening.hpp>
#include <everfold/log/record.hpp>

#include <cstdint>
#include <optional>
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
    /// Goes on where `at` stands in the last segment of `index`.
    batch_framer(log_index& index, const segment_entry& active, const walk_state& at);

    /// Appends one batch to gathered(). An exception leaves it unusable: numbers are half given.
    [[nodiscard]] placed add_batch(
        std::span<const draft> events, const uuid& append_id, timestamp now, byte_offset durable
    );

    /// Appends a mark or a seal.
    void add_control(frame_kind kind, bytes_view body, byte_offset durable);

    /// Frames that nobody has taken yet. They end at end_offset().
    [[nodiscard]] const byte_buffer& gathered() const noexcept { return gathered_; }

    /// Swaps the frames out, for an empty buffer whose memory is used again.
    void take(byte_buffer& into) noexcept {
        into.clear();
        gathered_.swap(into);
    }

    /// The next frame goes into this new segment.
    void begin_segment(const segment_entry& active);

    void begin_epoch() noexcept { ++epoch_; }

    /// Whether the segment can number all of the batch's event types.
    [[nodiscard]] bool has_numbers_for(std::span<const draft> events) const;

    [[nodiscard]] byte_offset end_offset() const noexcept { return end_offset_; }
    [[nodiscard]] position next() const noexcept { return next_; }
    [[nodiscard]] std::uint64_t chain() const noexcept { return chain_; }
    [[nodiscard]] std::uint64_t frame_count() const noexcept { return frame_count_; }
    [[nodiscard]] std::uint32_t epoch() const noexcept { return epoch_; }

    /// The last revision that was given out in a stream.
    [[nodiscard]] std::optional<revision> last_revision(std::string_view stream) const;

private:
    struct stream_place {
        std::uint32_t local{};
        revision next{};
    };

    struct active_stream {
        std::uint32_t next_in_segment{};
        std::uint64_t last_record_at{}; // 0: none here
    };

    [[nodiscard]] std::vector<std::int64_t>
    recorded_times(std::span<const draft> events, timestamp now) const;
    [[nodiscard]] stream_place place_in_stream(std::string_view name);
    [[nodiscard]] std::uint16_t number_of_type(const draft& event);
    [[nodiscard]] std::uint32_t number_of_tag(std::string_view text);
    /// `buffer_at` is the segment's offset of the first gathered byte.
    void add_event(
        const draft& event,
        std::int64_t recorded_ns,
        std::int64_t frame_ns,
        std::uint64_t buffer_at,
        placed& out
    );
    void finish_frame(std::size_t start, frame_header header, byte_offset durable);

    log_index* index_;
    std::uint64_t seed_{};
    byte_buffer gathered_{};
    byte_buffer tags_{};
    byte_offset end_offset_{};
    position next_{};
    std::uint64_t chain_{};
    std::uint64_t frame_count_{};
    std::uint32_t epoch_{};
    std::int64_t recorded_ns_{};
    std::vector<std::uint64_t> next_revisions_{}; // by the log's stream number
    // The log's numbers to the segment's.
    std::unordered_map<std::uint32_t, std::uint32_t> streams_here_{};
    std::unordered_map<std::uint32_t, std::uint32_t> types_here_{};
    std::unordered_map<std::uint32_t, std::uint32_t> tags_here_{};
    std::vector<active_stream> active_streams_{}; // by the segment's stream number
};

} // namespace everfold::log
