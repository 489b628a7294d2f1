// SPDX-License-Identifier: MIT
#pragma once
// Where the events of one segment are, and which of them belong to a stream, type or tag. Derived
// from the frames, in memory.

#include <everfold/base/ids.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/names.hpp>
#include <everfold/log/stable_vector.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace everfold::log {

/// A segment's local numbers: event k of the segment, counted from 0, is its *ordinal*.
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
};

/// A stream in one segment.
struct local_stream {
    std::uint32_t number{}; ///< the log's
    std::uint64_t base{};   ///< revision of its first event here
};

/// Threads: as stable_vector for all but the ordinal lists, which need the owner's lock.
class segment_index {
public:
    explicit segment_index(position first) noexcept
        : first_{first} {}

    /// Takes in a batch. `next_revisions`, by the log's stream number, is checked and moved on.
    /// A sentence where the records are not what a writer writes; then the index is of no use.
    [[nodiscard]] const char*
    add(const frame_view& frame,
        std::uint64_t chain_after,
        name_tables& names,
        std::vector<std::uint64_t>& next_revisions);

    [[nodiscard]] position first() const noexcept { return first_; }

    [[nodiscard]] std::uint32_t event_count() const noexcept {
        return static_cast<std::uint32_t>(offsets_8_.size());
    }

    [[nodiscard]] byte_offset offset_of(std::uint32_t ordinal) const noexcept {
        return byte_offset{std::uint64_t{offsets_8_[ordinal]} * 8};
    }

    [[nodiscard]] std::size_t frame_count() const noexcept { return frames_.size(); }

    [[nodiscard]] const frame_entry& frame(std::size_t i) const noexcept { return frames_[i]; }

    /// The frame of `count` known ones that holds the event.
    [[nodiscard]] std::size_t frame_of(std::uint32_t ordinal, std::size_t count) const noexcept;

    // The segment's numbers to the log's.
    [[nodiscard]] const local_stream& stream(std::uint32_t local) const noexcept {
        return streams_[local];
    }

    [[nodiscard]] std::uint32_t type(std::uint32_t local) const noexcept { return types_[local]; }

    [[nodiscard]] std::uint32_t tag(std::uint32_t local) const noexcept { return tags_[local]; }

    [[nodiscard]] std::uint32_t stream_count() const noexcept {
        return static_cast<std::uint32_t>(streams_.size());
    }

    [[nodiscard]] std::uint32_t type_count() const noexcept {
        return static_cast<std::uint32_t>(types_.size());
    }

    [[nodiscard]] std::uint32_t tag_count() const noexcept {
        return static_cast<std::uint32_t>(tags_.size());
    }

    // The log's numbers to the segment's, and the events of each; need the owner's lock.
    [[nodiscard]] std::optional<std::uint32_t> local_stream_of(std::uint32_t number) const;
    [[nodiscard]] std::optional<std::uint32_t> local_type_of(std::uint32_t number) const;
    [[nodiscard]] std::optional<std::uint32_t> local_tag_of(std::uint32_t number) const;

    [[nodiscard]] const ordinal_list& of_stream(std::uint32_t local) const {
        return by_stream_[local];
    }

    [[nodiscard]] const ordinal_list& of_type(std::uint32_t local) const { return by_type_[local]; }

    [[nodiscard]] const ordinal_list& of_tag(std::uint32_t local) const { return by_tag_[local]; }

private:
    const char* add_names(
        const names_record& record, name_tables& names, std::vector<std::uint64_t>& next_revisions
    );
    const char* add_event(
        const event_record& event, byte_offset at, std::vector<std::uint64_t>& next_revisions
    );

    position first_;
    stable_vector<std::uint32_t> offsets_8_{}; // of each event's record
    stable_vector<frame_entry> frames_{};
    stable_vector<local_stream> streams_{};
    stable_vector<std::uint32_t> types_{};
    stable_vector<std::uint32_t> tags_{};
    std::unordered_map<std::uint32_t, std::uint32_t> stream_numbers_{};
    std::unordered_map<std::uint32_t, std::uint32_t> type_numbers_{};
    std::unordered_map<std::uint32_t, std::uint32_t> tag_numbers_{};
    std::vector<ordinal_list> by_stream_{};
    std::vector<ordinal_list> by_type_{};
    std::vector<ordinal_list> by_tag_{};
};

} // namespace everfold::log
