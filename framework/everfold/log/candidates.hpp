// SPDX-License-Identifier: MIT
#pragma once
// Which list of a segment's index answers a selection with the least reading, and the events that
// are left then. What the lists that were not taken would have said is asked of each event.

#include <everfold/log/record.hpp>
#include <everfold/log/segment_index.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace everfold::log {

/// What leads to the events of an item in one segment.
enum class lookup : std::uint8_t {
    nothing,   ///< a name that the segment has not heard
    positions, ///< every event within the bounds
    streams,
    types,
    tag,
};

inline constexpr std::size_t lookup_kinds = 5;

/// How an item would be answered in one segment, or in several: then the numbers are sums.
struct item_plan {
    /// The last one's.
    lookup by{lookup::nothing};
    std::size_t tag{}; ///< which of the item's, where it is by tag
    /// Events that the lists name, before any bounds; 0 where the item does not ask for it.
    std::uint64_t of_streams{};
    std::uint64_t of_types{};
    std::vector<std::uint64_t> of_tags{};
    /// That the item asks for, in the last segment's numbers and in no order.
    std::vector<std::uint32_t> stream_numbers{};
    /// Of the last segment: every event that it has is one of these streams', and nothing else is
    /// asked for.
    bool is_of_all_streams{};
    /// How many segments are answered by which lookup.
    std::array<std::uint64_t, lookup_kinds> segments{};

    void add(const item_plan& more);
};

/// A part of a segment, by ordinals.
struct ordinal_range {
    std::uint32_t begin{};
    std::uint32_t end{};

    [[nodiscard]] std::uint32_t size() const noexcept { return end - begin; }
};

/// The cheapest lookup of the item's events within the range.
[[nodiscard]] item_plan
plan_of(const segment_index& index, const selection_item& item, ordinal_range within);

/// Numbers, kept as marks where that takes no more room than a list of them.
class number_set {
public:
    number_set() = default;
    explicit number_set(std::vector<std::uint32_t> numbers);

    [[nodiscard]] bool contains(std::uint32_t number) const;

private:
    static constexpr std::size_t few = 16;
    static constexpr std::size_t bits_each = 32;

    std::vector<std::uint32_t> ascending_{};
    std::vector<bool> marks_{};
};

/// Whether an event of one segment matches, in the segment's numbers.
class event_filter {
public:
    /// `plan` is that of the item.
    void add(const segment_index& index, const selection_item& item, const item_plan& plan);

    /// `stream` and `type` in the index's numbers.
    [[nodiscard]] bool matches(
        const segment_index& index,
        std::uint32_t stream,
        std::uint32_t type,
        const event_record& event
    ) const;

private:
    struct numbers {
        bool has_streams{};
        bool has_types{};
        number_set streams{};
        std::vector<std::uint32_t> types{}; // ascending
        std::vector<std::uint32_t> tags{};
    };

    std::vector<numbers> items_{};
};

/// The events of one segment that may match.
struct candidates {
    /// Every event within the range; `ordinals` is empty.
    bool are_all{};
    /// Each matches; otherwise the filter says which.
    bool are_exact{true};
    ordinal_list ordinals{};
    event_filter filter{};
};

/// `plans[i]` is that of `items[i]`.
[[nodiscard]] candidates collect(
    const segment_index& index,
    const std::vector<selection_item>& items,
    const std::vector<item_plan>& plans,
    ordinal_range within
);

} // namespace everfold::log
