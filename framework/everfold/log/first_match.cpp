// SPDX-License-Identifier: MIT
// Whether an event that matches has come behind a position: what a condition asks under the
// writer's lock. Nothing of the log is read for it but lists of its indexes, and the frames that
// are on their way and still in memory.

#include <everfold/base/check.hpp>
#include <everfold/log/batch_framer.hpp>
#include <everfold/log/log_index.hpp>

#include <algorithm>
#include <limits>
#include <ranges>
#include <utility>

namespace everfold::log {

namespace {

using list_of = segment_index::list_of;

/// The tails of lists of which an event must be in one.
class any_list {
public:
    void add(const segment_index& index, list_of kind, std::uint32_t number, std::uint32_t from) {
        ordinal_list buffer;
        auto tail = index.tail(kind, number, from, buffer);
        if (tail.empty())
            return;
        size_ += tail.size();
        tails_.push_back(tail);
        buffers_.push_back(std::move(buffer)); // whose bytes stay where they are
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] const std::vector<std::span<const std::uint32_t>>& tails() const noexcept {
        return tails_;
    }

    [[nodiscard]] bool contains(std::uint32_t ordinal) const {
        return std::ranges::any_of(tails_, [&](std::span<const std::uint32_t> tail) {
            return std::ranges::binary_search(tail, ordinal);
        });
    }

private:
    std::vector<std::span<const std::uint32_t>> tails_{};
    std::vector<ordinal_list> buffers_{};
    std::size_t size_{};
};

/// One for each thing that the item asks for.
std::vector<any_list>
lists_of(const segment_index& index, const selection_item& item, std::uint32_t from) {
    std::vector<any_list> out;
    for (const auto& tag : item.tags) {
        auto& tagged = out.emplace_back();
        if (const auto number = index.find_tag(tag))
            tagged.add(index, list_of::tag, *number, from);
        if (tagged.size() == 0)
            return out; // no event has it
    }
    if (item.streams) {
        auto& in = out.emplace_back();
        for (const auto& name : item.streams->exact) {
            if (const auto number = index.find_stream(name))
                in.add(index, list_of::stream, *number, from);
        }
        for (const auto& prefix : item.streams->prefixes) {
            for (const auto number : index.find_streams_with(prefix))
                in.add(index, list_of::stream, number, from);
        }
    }
    if (!item.types.empty()) {
        auto& of = out.emplace_back();
        for (const auto& name : item.types) {
            for (const auto number : index.find_types(name))
                of.add(index, list_of::type, number, from);
        }
    }
    return out;
}

/// The first ordinal in [from, end) that the item matches, or `end`.
std::uint32_t first_of(
    const segment_index& index,
    const selection_item& item,
    std::uint32_t from,
    std::uint32_t end,
    std::uint64_t& looked_at
) {
    if (item.is_everything())
        return std::min(from, end);
    const auto lists = lists_of(index, item, from);
    const auto shortest = std::ranges::min_element(lists, {}, &any_list::size);
    auto first = end;
    for (const auto tail : shortest->tails()) {
        for (const auto ordinal : tail) {
            ++looked_at;
            if (ordinal >= first)
                break;
            if (std::ranges::all_of(lists, [&](const any_list& l) { return l.contains(ordinal); }))
                first = ordinal;
        }
    }
    return first;
}

} // namespace

std::optional<position> log_index::first_match(
    const std::vector<selection_item>& items, position from, position to, std::uint64_t* looked_at
) const {
    std::vector<segment_view> views; // the last one first
    {
        const std::shared_lock lock{mutex_};
        for (const auto& s : segments_ | std::views::reverse) {
            views.push_back(view_of(s));
            if (s.entry->first <= from)
                break;
        }
    }
    std::uint64_t count = 0;
    std::optional<position> found;
    for (const auto& view : views | std::views::reverse) {
        if (view.event_count == 0 || view.end <= from || to <= view.entry->first)
            continue;
        const auto in = open(view);
        const auto& index = *in.index;
        const auto lock = in.entry->kind == segment_kind::active
                              ? std::shared_lock{mutex_}
                              : std::shared_lock<std::shared_mutex>{};
        const auto begin = index.ordinal_from(std::max(from, view.entry->first));
        const auto end =
            to >= view.end ? in.event_count : std::min(in.event_count, index.ordinal_from(to));
        auto first = end;
        for (const auto& item : items)
            first = std::min(first, first_of(index, item, begin, first, count));
        if (begin < end && first < end) {
            found = index.position_of(first);
            break;
        }
    }
    if (looked_at != nullptr)
        *looked_at += count;
    return found;
}

bool batch_framer::matches(const event_record& event, const selection_item& item) const {
    const auto stream = name_of_stream(event.stream);
    const auto has_tag = [&](const std::string& wanted) {
        for (std::size_t i = 0; i < event.tag_count(); ++i) {
            if (name_of_tag(event.tag(i)) == wanted)
                return true;
        }
        return false;
    };
    const auto is_among = [&](const selection_item::stream_names& names) {
        return std::ranges::find(names.exact, stream) != names.exact.end() ||
               std::ranges::any_of(names.prefixes, [&](const std::string& prefix) {
                   return stream.starts_with(prefix);
               });
    };
    return (item.types.empty() ||
            std::ranges::find(item.types, types_here_[event.type].name) != item.types.end()) &&
           (!item.streams || is_among(*item.streams)) && std::ranges::all_of(item.tags, has_tag);
}

std::optional<position> batch_framer::first_match(
    const std::vector<selection_item>& items, position from, bytes_view in_flight
) const {
    // Both parts end where the next frame begins.
    auto at = byte_offset{here_.at.value() - gathered_.size() - in_flight.size()};
    for (auto frames : {in_flight, bytes_view{gathered_}}) {
        while (!frames.empty()) {
            const auto header = decode_frame_header(frames, seed_, at);
            check(header.has_value(), "what was framed is a frame");
            const auto size = static_cast<std::size_t>(header->frame_size());
            auto here = header->first;
            auto rest =
                header->kind == frame_kind::batch && here.advanced(header->event_count) > from
                    ? frames.subspan(
                          frame_header_size + append_id_size, header->body_length - append_id_size
                      )
                    : bytes_view{};
            while (const auto record = take_record(rest, header->recorded_ns)) {
                const auto* event = std::get_if<event_record>(&*record);
                if (event == nullptr)
                    continue; // a name
                const auto is_match = [&](const selection_item& i) { return matches(*event, i); };
                if (here >= from && std::ranges::any_of(items, is_match))
                    return here;
                here = here.next();
            }
            at = at.advanced(size);
            frames = frames.subspan(size);
        }
    }
    return {};
}

} // namespace everfold::log
