// SPDX-License-Identifier: MIT
#pragma once
// All segments of a log: what readers walk and the writer adds to.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/log/candidates.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/growing_index.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/names.hpp>
#include <everfold/log/segment_files.hpp>
#include <everfold/log/segment_index.hpp>
#include <everfold/log/source.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::log {

/// What a reader may see of a segment, as it was at one moment. Nothing is opened for it yet.
struct segment_view {
    std::shared_ptr<const segment_entry> entry{};
    std::uint32_t event_count{};
    /// One past the last position that may be seen.
    position end{};
    /// Of the frames that are known while the segment grows.
    std::size_t growing_frames{};
    bool has_own_streams{};

    [[nodiscard]] bool is_active() const noexcept { return entry->kind == segment_kind::active; }
};

/// A segment with what it takes to read it.
struct readable_segment {
    std::shared_ptr<const segment_entry> entry{};
    std::uint64_t seed{}; ///< of its frames' headers
    std::shared_ptr<segment_source> source{};
    std::shared_ptr<const segment_index> index{};
    std::uint32_t event_count{};
    std::size_t frame_count{};
};

/// Reads the frame that the index calls `number`, and makes sure that it is still that one: a
/// segment may be changed behind our back. Throws corruption.
[[nodiscard]] const frame_view*
read_known_frame(frame_reader& reader, const readable_segment& in, std::size_t number);

/// What of a stream is in one segment, from some event on.
struct stream_part {
    bool is_named{}; ///< the segment knows the stream
    std::uint64_t events{};
    revision first_revision{};
    position first{};
    position last{};
};

struct named_version {
    std::string name{};
    std::uint32_t version{};
};

/// A batch, as it was appended: some of its events may have been removed.
struct found_append {
    uuid id{};
    position first{};
    std::uint32_t count{};
};

/// Sealed segments in which an append id is looked for, besides the active one.
inline constexpr std::size_t append_id_segments = 8;

/// Longer than any program waits, and short enough to add to any time.
inline constexpr std::chrono::milliseconds longest_wait = std::chrono::hours{24 * 365};

/// Threads: any; one lock inside, under which no file is touched. At level commit, and in a
/// reader's,
///          only durable events are in it; beside a writer of another level, what is written.
/// Failure: what asks about streams, positions or times opens the segments that it needs, and
///          throws what segment_files throws.
class log_index {
public:
    log_index(uuid log_id, std::uint32_t batch_bytes_max, std::unique_ptr<segment_files> files);

    // ---- growing

    /// The next segment, in order, which nobody writes to any more.
    void add_sealed(const segment_entry& entry);

    /// The next segment, in order, and the last one for now. `known` is an index of its first
    /// frames, null where they are still to be added.
    void add_active(
        const segment_entry& entry,
        std::shared_ptr<segment_source> source,
        std::shared_ptr<growing_index> known = nullptr
    );

    /// The next batch of the active segment. A sentence where its records are not well-formed.
    [[nodiscard]] const char* add_batch(const frame_view& frame, std::uint64_t chain_after);

    /// The same of some, under one lock; those after one that is not are not added.
    [[nodiscard]] const char* add_batches(std::span<const chained_frame> frames);

    /// Makes all that was added visible.
    void publish();

    /// The active segment is sealed, as `entry` says. What was learned of it while it grew is kept
    /// until store_index().
    void seal_active(const segment_entry& entry);

    /// The active segment was sealed, as `sealed` says, by another process; `added` follow it, of
    /// which the last one is the active one. What was learned of the sealed one need not be all of
    /// it, and is forgotten. All of this, or nothing where it throws.
    void follow_rotation(
        const segment_entry& sealed,
        std::span<const segment_entry> added,
        std::shared_ptr<segment_source> source
    );

    /// The same frames of the active segment, in an index that was made anew.
    void replace_active_index(std::shared_ptr<growing_index> again);

    /// Stores the index of the active segment, all of which lies before `at`.
    void store_active_index(const walk_state& at);

    /// Writes the index of a sealed segment that is in memory only to its file.
    void store_index(std::uint64_t number);

    /// Another file holds the sealed segment now.
    void move_segment(std::shared_ptr<const segment_entry> entry);

    // ---- reading

    [[nodiscard]] const uuid& log_id() const noexcept { return log_id_; }

    [[nodiscard]] std::uint32_t batch_bytes_max() const noexcept { return batch_bytes_max_; }

    /// One past the last event.
    [[nodiscard]] position end() const;

    /// Of the events that are left.
    [[nodiscard]] std::uint64_t event_count() const;

    /// Waits until end() is past `p`, at most `timeout` (and at most longest_wait); whether it is.
    [[nodiscard]] bool wait_for(position p, std::chrono::milliseconds timeout) const;

    [[nodiscard]] std::vector<segment_view> segments() const;

    /// Opens what it takes to read a segment.
    [[nodiscard]] readable_segment open(const segment_view& view) const;

    /// How each item would be answered within the range of a segment.
    [[nodiscard]] std::vector<item_plan> plan(
        const readable_segment& in, const std::vector<selection_item>& items, ordinal_range within
    ) const;

    /// The events that plan() leads to. What was appended since is not among them.
    [[nodiscard]] candidates collect(
        const readable_segment& in,
        const std::vector<selection_item>& items,
        const std::vector<item_plan>& plans,
        ordinal_range within
    ) const;

    /// The first event in [from, to) that matches any of `items`, from the lists alone: of the
    /// segment in which `from` lies, and of those behind. Adds to `looked_at` the ordinals that it
    /// took for that.
    [[nodiscard]] std::optional<position> first_match(
        const std::vector<selection_item>& items,
        position from,
        position to,
        std::uint64_t* looked_at = nullptr
    ) const;

    /// One past the last revision of a stream, where it has an event.
    [[nodiscard]] std::optional<std::uint64_t> next_revision(std::string_view stream) const;

    /// The position of a stream's revision, where that is there.
    [[nodiscard]] std::optional<position> position_of(std::string_view stream, revision r) const;

    /// The position of a stream's first event that is there at or behind a revision.
    [[nodiscard]] std::optional<position> position_from(std::string_view stream, revision r) const;

    /// The last event whose recorded_at is at or before `t`.
    [[nodiscard]] std::optional<position> position_at(timestamp t) const;

    /// The chain after the batch that holds the event at `p`, which is before end(). Nothing where
    /// that was removed.
    [[nodiscard]] std::optional<std::uint64_t> chain_at(position p) const;

    /// The batch that was appended under an id, among those of the last segments.
    [[nodiscard]] std::optional<found_append> find_append(const uuid& id) const;

    /// The batch that holds the event at `p`, which is there.
    [[nodiscard]] found_append append_of(position p) const;

    /// The streams' names, in the order of their first event.
    [[nodiscard]] std::vector<std::string> stream_names() const;

    /// The same of one segment, also of those whose events there are gone.
    [[nodiscard]] std::vector<std::string> stream_names(const segment_view& view) const;

    /// What the segment has of a stream from revision `from` on, without the batches whose events
    /// were all recorded before `from_recorded_ns`. No event is read.
    [[nodiscard]] stream_part part_of(
        const segment_view& view,
        std::string_view stream,
        revision from,
        std::int64_t from_recorded_ns
    ) const;

    /// The types and versions of events that are there, each once; of what is appended meanwhile,
    /// maybe.
    [[nodiscard]] std::vector<named_version> event_types() const;

    /// The log's own number of an event type, the same in all its segments.
    [[nodiscard]] std::uint32_t number_of(const type_entry& type) const;

    /// By a number that came out of this index; no lock.
    [[nodiscard]] const type_name& type(std::uint32_t number) const noexcept {
        return types_[number];
    }

    /// Of the active segment, for its writer.
    [[nodiscard]] const growing_index& active() const;

    /// What `ask` says of it, which may grow meanwhile.
    template <class Ask>
    [[nodiscard]] auto ask_active(const Ask& ask) const {
        const std::shared_lock lock{mutex_};
        return ask(static_cast<const growing_index&>(*segments_.back().growing));
    }

    [[nodiscard]] std::shared_ptr<segment_source> active_source() const;

    [[nodiscard]] segment_files& files() const noexcept { return *files_; }

private:
    struct segment {
        std::shared_ptr<const segment_entry> entry{}; // replaced, never changed
        std::shared_ptr<segment_source> source{};     // of the active one
        std::shared_ptr<growing_index> growing{};     // of one that was active here
        std::shared_ptr<const segment_index> index{}; // of a sealed one, once it was needed
    };

    /// Under the lock.
    [[nodiscard]] segment& numbered(std::uint64_t number) const;
    [[nodiscard]] std::uint32_t visible_in(const segment& s) const;
    [[nodiscard]] segment_view view_of(const segment& s) const;
    /// That of the active segment grows.
    [[nodiscard]] std::shared_ptr<const segment_index> index_of(std::uint64_t number) const;

    /// Without the lock, all of these.
    [[nodiscard]] std::shared_ptr<const segment_index> index_of_entry(const segment_entry& entry
    ) const;
    /// Tries again where the segment's file was replaced meanwhile.
    template <class Use>
    auto with_entry(std::uint64_t number, const Use& use) const;
    [[nodiscard]] bool take_in_replacement(const segment_entry& known) const;
    void replace_entry(std::shared_ptr<const segment_entry> entry) const;
    [[nodiscard]] found_append read_append(const readable_segment& in, std::size_t frame) const;
    /// The last event of the segment that was recorded at or before `bound`.
    [[nodiscard]] std::optional<std::uint32_t>
    ordinal_at(const readable_segment& in, std::int64_t bound) const;

    uuid log_id_;
    std::uint32_t batch_bytes_max_;
    std::unique_ptr<segment_files> files_;
    mutable std::shared_mutex mutex_{};
    mutable std::condition_variable_any published_{};
    mutable type_table types_{};              // numbers are given when they are asked for
    mutable std::vector<segment> segments_{}; // what was opened is remembered
    position end_{};
};

} // namespace everfold::log
