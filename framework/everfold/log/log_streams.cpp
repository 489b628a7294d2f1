// SPDX-License-Identifier: MIT
// What a log's indexes know of its streams and types, without reading an event.

#include <everfold/log/log_index.hpp>

#include <algorithm>
#include <mutex>
#include <ranges>

namespace everfold::log {

namespace {

/// How many of the stream's events in the segment are visible; the others lie at the end.
std::uint32_t
visible_of(const segment_index& index, const segment_view& view, std::uint32_t number) {
    auto count = index.count_of_stream(number);
    while (count > 0 && index.ordinal_in_stream(number, count - 1) >= view.event_count)
        --count;
    return count;
}

} // namespace

std::vector<std::string> log_index::stream_names(const segment_view& view) const {
    std::vector<std::string> out;
    const auto index = index_of(view.entry->number);
    const std::shared_lock lock{mutex_}; // it may grow
    for (std::uint32_t i = 0; i < index->stream_count(); ++i)
        if (!view.is_active() || visible_of(*index, view, i) > 0)
            out.emplace_back(index->stream(i).name);
    return out;
}

std::vector<named_version> log_index::event_types() const {
    std::vector<named_version> out;
    for (const auto& view : segments()) {
        const auto index = index_of(view.entry->number);
        const std::shared_lock lock{mutex_}; // it may grow
        for (std::uint32_t i = 0; i < index->type_count(); ++i) {
            const auto type = index->type(i);
            const auto is_it = [&](const named_version& known) {
                return known.version == type.version && known.name == type.name;
            };
            if (index->count_of_type(i) > 0 && std::ranges::none_of(out, is_it))
                out.push_back({std::string{type.name}, type.version});
        }
    }
    return out;
}

stream_part log_index::part_of(
    const segment_view& view, std::string_view stream, revision from, std::int64_t from_recorded_ns
) const {
    const auto index = index_of(view.entry->number);
    const std::shared_lock lock{mutex_}; // it may grow
    const auto number = index->find_stream(stream);
    if (!number)
        return {};
    const auto end = visible_of(*index, view, *number);
    const auto frames = view.is_active() ? view.growing_frames : index->frame_count();
    const auto at = [&](std::uint32_t i) { return index->ordinal_in_stream(*number, i); };
    const auto begin = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(index->first_in_stream_from(*number, from), end)
    );
    // Times ascend with positions.
    const auto all = std::views::iota(begin, end);
    const auto first = *std::ranges::partition_point(all, [&](std::uint32_t i) {
        return index->frame(index->frame_of(at(i), frames)).recorded_last_ns < from_recorded_ns;
    });
    if (first == end)
        return {.is_named = !view.is_active() || end > 0};
    return {
        .is_named = true,
        .events = end - first,
        .first_revision = index->revision_in_stream(*number, first),
        .first = index->position_of(at(first)),
        .last = index->position_of(at(end - 1))};
}

} // namespace everfold::log
