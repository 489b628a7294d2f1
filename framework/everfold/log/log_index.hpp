// SPDX-License-Identifier: MIT
#pragma once
// All segments of a log with their indexes: what readers walk and the writer adds to.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/names.hpp>
#include <everfold/log/segment_index.hpp>
#include <everfold/log/source.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::log {

/// A segment that readers may read.
struct segment {
    segment(const segment_entry& its_entry, std::uint64_t its_seed)
        : number{its_entry.number}
        , seed{its_seed}
        , chain_start{its_entry.chain_start}
        , index{its_entry.first} {}

    std::uint64_t number;
    std::shared_ptr<segment_source> source{}; // under the lock
    std::uint64_t seed;                       // of its frames' headers
    std::uint64_t chain_start;
    segment_index index;
};

/// What a reader may see of a segment: taken under the lock, used without it.
struct segment_view {
    std::shared_ptr<const segment> of{};
    std::shared_ptr<segment_source> source{};
    std::uint32_t event_count{};
    std::size_t frame_count{};
};

/// Reads the frame that the index calls `number`, and makes sure that it is still that one: a
/// segment may be changed behind our back. Throws corruption.
[[nodiscard]] const frame_view*
read_known_frame(frame_reader& reader, const segment_view& view, std::size_t number);

/// Which events to walk, in the log's numbers; an absent list asks for nothing.
struct selection_item {
    std::optional<std::vector<std::uint32_t>> streams{};
    std::optional<std::vector<std::uint32_t>> types{};
    std::vector<std::uint32_t> tags{}; // all of them

    [[nodiscard]] bool is_everything() const noexcept { return !streams && !types && tags.empty(); }
};

/// Longer than any program waits, and short enough to add to any time.
inline constexpr std::chrono::milliseconds longest_wait = std::chrono::hours{24 * 365};

/// Threads: any; one lock inside. Only durable events are in it.
class log_index {
public:
    log_index(uuid log_id, std::uint32_t batch_bytes_max)
        : log_id_{log_id}
        , batch_bytes_max_{batch_bytes_max} {}

    // ---- growing

    /// The next segment, in order.
    void add_segment(const segment_entry& entry, std::shared_ptr<segment_source> source);

    /// The next batch of the last segment. A sentence where its records are not well-formed.
    [[nodiscard]] const char* add_batch(const frame_view& frame);

    /// Makes all that was added visible.
    void publish();

    /// The segment was archived: its bytes are now there.
    void move_segment(std::uint64_t number, std::shared_ptr<segment_source> to);

    // ---- reading

    [[nodiscard]] const uuid& log_id() const noexcept { return log_id_; }

    [[nodiscard]] std::uint32_t batch_bytes_max() const noexcept { return batch_bytes_max_; }

    /// One past the last event.
    [[nodiscard]] position end() const;

    /// Waits until end() is past `p`, at most `timeout` (and at most longest_wait); whether it is.
    [[nodiscard]] bool wait_for(position p, std::chrono::milliseconds timeout) const;

    [[nodiscard]] std::vector<segment_view> segments() const;

    /// Of the segment that was added last.
    [[nodiscard]] std::shared_ptr<segment_source> last_source() const;

    /// Ordinals of the events of a segment, among the first `view.event_count`, that match any of
    /// `items`, in order.
    [[nodiscard]] ordinal_list
    matches(const segment_view& view, const std::vector<selection_item>& items) const;

    /// One past the last revision of a stream, where it has an event.
    [[nodiscard]] std::optional<std::uint64_t> next_revision(std::uint32_t stream) const;

    /// The position of a stream's revision, where it has one.
    [[nodiscard]] std::optional<position> position_of(std::uint32_t stream, revision r) const;

    /// The last event whose recorded_at is at or before `t`.
    [[nodiscard]] std::optional<position> position_at(timestamp t) const;

    /// The chain after the batch that holds `p`, which is before end().
    [[nodiscard]] std::uint64_t chain_at(position p) const;

    [[nodiscard]] std::optional<std::uint32_t> find_stream(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint32_t> find_tag(std::string_view text) const;
    /// Every version of the type.
    [[nodiscard]] std::vector<std::uint32_t> find_types(std::string_view name) const;
    [[nodiscard]] std::uint32_t intern_stream(std::string_view name);
    [[nodiscard]] std::uint32_t intern_tag(std::string_view text);
    [[nodiscard]] std::uint32_t
    intern_type(std::string_view name, std::uint32_t version, payload_format format);
    [[nodiscard]] std::uint32_t stream_count() const;

    /// Texts by number, for numbers that came out of this index; no lock.
    [[nodiscard]] const name_tables& names() const noexcept { return names_; }

private:
    [[nodiscard]] segment_view view_of(const std::shared_ptr<segment>& s) const;
    [[nodiscard]] std::uint32_t visible_in(const segment& s) const;

    uuid log_id_;
    std::uint32_t batch_bytes_max_;
    mutable std::shared_mutex mutex_{};
    mutable std::condition_variable_any published_{};
    name_tables names_{};
    std::vector<std::shared_ptr<segment>> segments_{};
    std::vector<std::uint64_t> next_revisions_{}; // by stream
    std::uint64_t chain_{};
    position end_{};
};

} // namespace everfold::log
