// SPDX-License-Identifier: MIT
#pragma once
// Where the events of one segment are, and which of them belong to a stream, type or tag. Derived
// from the frames: the active segment's grows in memory (growing_index.hpp), a sealed segment's is
// a file beside it (stored_index.hpp).

#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/log/record.hpp>
#include <everfold/log/sparse_numbers.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::log {

/// Event k of those that are in a segment, counted from 0, has the *ordinal* k.
using ordinal_list = std::vector<std::uint32_t>;

/// One frame with events.
struct frame_entry {
    std::uint32_t at_8{}; ///< offset in units of 8 bytes
    std::uint32_t first_ordinal{};
    std::int64_t recorded_last_ns{};
    /// Of occurred_at, in nanoseconds, the nearest that 64 bits can hold.
    std::int64_t occurred_min_ns{};
    std::int64_t occurred_max_ns{};
    std::uint64_t chain_after{};

    [[nodiscard]] byte_offset at() const noexcept { return byte_offset{std::uint64_t{at_8} * 8}; }

    friend bool operator==(const frame_entry&, const frame_entry&) = default;
};

/// A batch that has an append id.
struct append_entry {
    uuid id{};
    std::uint32_t frame{};

    friend bool operator==(const append_entry&, const append_entry&) = default;
};

/// A stream in one segment. The name lives as long as the index.
struct stream_entry {
    std::string_view name{};
    std::uint64_t base{}; ///< revision from which its events here are counted
};

/// An event type in one segment. The name lives as long as the index.
struct type_entry {
    std::string_view name{};
    std::uint32_t version{};
    payload_format format{payload_format::cbor};
};

/// What an index is not asked for, but who seals the segment has to say.
struct index_summary {
    /// Of occurred_at, as in frame_entry; crossed where there is no event.
    std::int64_t occurred_min_ns{std::numeric_limits<std::int64_t>::max()};
    std::int64_t occurred_max_ns{std::numeric_limits<std::int64_t>::min()};
    /// Whether an event is of one of the log's own streams.
    bool has_own_streams{};

    friend bool operator==(const index_summary&, const index_summary&) = default;
};

/// Streams, types and tags go by numbers of the index here, dense and in the order in which the
/// segment names them. Its records call them the same, unless it was rewritten.
///
/// Threads: events, frames and entries by number need no lock below a count that was learned under
///          the owner's. The rest needs that lock while the index grows.
/// Failure: an index that holds what none of ours does throws corruption, naming its file.
class segment_index {
public:
    segment_index(const segment_index&) = delete;
    segment_index& operator=(const segment_index&) = delete;
    segment_index(segment_index&&) = delete;
    segment_index& operator=(segment_index&&) = delete;
    virtual ~segment_index();

    [[nodiscard]] position first() const noexcept { return first_; }

    [[nodiscard]] virtual std::uint32_t event_count() const noexcept = 0;

    [[nodiscard]] position position_of(std::uint32_t ordinal) const noexcept {
        return first_.advanced(sparse_ == nullptr ? ordinal : sparse_->positions.original(ordinal));
    }

    /// The first event at or behind `p`, which is at most 2^32 behind first(). Where there is none,
    /// event_count() or more.
    [[nodiscard]] std::uint32_t ordinal_from(position p) const noexcept;

    /// Of the event's record.
    [[nodiscard]] virtual byte_offset offset_of(std::uint32_t ordinal) const = 0;

    [[nodiscard]] virtual std::size_t frame_count() const noexcept = 0;

    [[nodiscard]] virtual frame_entry frame(std::size_t i) const noexcept = 0;

    /// The frame of `count` known ones, at least one, that holds the event.
    [[nodiscard]] std::size_t frame_of(std::uint32_t ordinal, std::size_t count) const;

    [[nodiscard]] virtual std::uint32_t stream_count() const noexcept = 0;
    [[nodiscard]] virtual std::uint32_t type_count() const noexcept = 0;
    [[nodiscard]] virtual std::uint32_t tag_count() const noexcept = 0;

    [[nodiscard]] virtual stream_entry stream(std::uint32_t number) const = 0;
    [[nodiscard]] virtual type_entry type(std::uint32_t number) const = 0;
    [[nodiscard]] virtual std::string_view tag(std::uint32_t number) const = 0;

    /// Has the processor fetch what stream() needs; first the one, then, for the name, the other.
    /// For numbers that were not looked at, too.
    virtual void prefetch_stream(std::uint32_t number) const noexcept;
    virtual void prefetch_stream_name(std::uint32_t number) const noexcept;

    [[nodiscard]] virtual std::optional<std::uint32_t> find_stream(std::string_view name) const = 0;
    [[nodiscard]] virtual std::optional<std::uint32_t> find_tag(std::string_view text) const = 0;
    /// Every version of the type.
    [[nodiscard]] std::vector<std::uint32_t> find_types(std::string_view name) const;
    /// The streams whose names begin with `prefix`, in any order.
    [[nodiscard]] virtual std::vector<std::uint32_t> find_streams_with(std::string_view prefix
    ) const = 0;

    [[nodiscard]] virtual std::uint32_t count_of_stream(std::uint32_t number) const = 0;
    [[nodiscard]] virtual std::uint32_t count_of_type(std::uint32_t number) const = 0;
    [[nodiscard]] virtual std::uint32_t count_of_tag(std::uint32_t number) const = 0;
    /// Of the stream's event `i` here, below count_of_stream().
    [[nodiscard]] virtual std::uint32_t
    ordinal_in_stream(std::uint32_t number, std::uint32_t i) const = 0;

    /// How many of the stream's events have an ordinal before `end`.
    [[nodiscard]] virtual std::uint32_t
    count_of_stream_before(std::uint32_t number, std::uint32_t end) const;

    [[nodiscard]] revision revision_in_stream(std::uint32_t number, std::uint32_t i) const;

    /// Which of the stream's events here is the first at or behind revision `r`. Where there is
    /// none, count_of_stream() or more.
    [[nodiscard]] std::uint64_t first_in_stream_from(std::uint32_t number, revision r) const;

    /// The first frame that has the append id.
    [[nodiscard]] virtual std::optional<std::uint32_t> find_append(const uuid& id) const = 0;
    /// All that have one, by id, each once.
    [[nodiscard]] virtual std::vector<append_entry> appends() const = 0;

    // ---- the numbers of what a record of the segment names; corruption where that is nothing

    [[nodiscard]] std::uint32_t stream_number(std::uint32_t in_record) const;
    [[nodiscard]] std::uint32_t type_number(std::uint32_t in_record) const;
    [[nodiscard]] std::uint32_t tag_number(std::uint32_t in_record) const;

    /// Null where nothing was ever removed.
    [[nodiscard]] const sparse_numbers* sparse() const noexcept { return sparse_.get(); }

    /// Appends the ordinals, which ascend, to `out`.
    virtual void append_stream(std::uint32_t number, ordinal_list& out) const = 0;
    virtual void append_type(std::uint32_t number, ordinal_list& out) const = 0;
    virtual void append_tag(std::uint32_t number, ordinal_list& out) const = 0;

    enum class list_of : std::uint8_t { stream, type, tag };

    /// The ordinals of such a list from `from` on, ascending; `buffer` may hold them.
    [[nodiscard]] virtual std::span<const std::uint32_t>
    tail(list_of kind, std::uint32_t number, std::uint32_t from, ordinal_list& buffer) const;

protected:
    explicit segment_index(position first) noexcept
        : first_{first} {}

    /// Only before anybody else knows the index.
    [[nodiscard]] sparse_numbers* make_sparse() {
        sparse_ = std::make_unique<sparse_numbers>();
        return sparse_.get();
    }

private:
    position first_;
    std::unique_ptr<sparse_numbers> sparse_{};
};

/// Which events to walk; an absent list asks for nothing.
struct selection_item {
    struct stream_names {
        std::vector<std::string> exact{};
        std::vector<std::string> prefixes{};
    };

    std::optional<stream_names> streams{};
    std::vector<std::string> types{}; ///< any of them; empty: every type
    std::vector<std::string> tags{};  ///< all of them

    [[nodiscard]] bool is_everything() const noexcept {
        return !streams && types.empty() && tags.empty();
    }
};

} // namespace everfold::log
