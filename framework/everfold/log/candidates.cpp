// SPDX-License-Identifier: MIT
#include <everfold/log/candidates.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace everfold::log {

namespace {

// To decode an event costs about as much as to take so many numbers out of a list.
constexpr std::uint64_t list_entries_an_event = 8;

std::vector<std::uint32_t>
numbers_of(const segment_index& index, const selection_item::stream_names& names) {
    std::vector<std::uint32_t> out;
    for (const auto& name : names.exact) {
        if (const auto number = index.find_stream(name))
            out.push_back(*number);
    }
    for (const auto& prefix : names.prefixes) {
        const auto more = index.find_streams_with(prefix);
        out.insert(out.end(), more.begin(), more.end());
    }
    return out;
}

std::vector<std::uint32_t>
numbers_of(const segment_index& index, const std::vector<std::string>& types) {
    std::vector<std::uint32_t> out;
    for (const auto& name : types) {
        const auto more = index.find_types(name);
        out.insert(out.end(), more.begin(), more.end());
    }
    std::ranges::sort(out);
    const auto same = std::ranges::unique(out);
    out.erase(same.begin(), same.end());
    return out;
}

/// Drops what lies outside, and puts in order what came from several lists.
ordinal_list within_bounds(ordinal_list list, ordinal_range within) {
    std::erase_if(list, [&](std::uint32_t o) { return o < within.begin || o >= within.end; });
    if (!std::ranges::is_sorted(list))
        std::ranges::sort(list);
    const auto same = std::ranges::unique(list);
    list.erase(same.begin(), same.end());
    return list;
}

/// Whether no stream can be among them twice.
bool are_apart(const selection_item::stream_names& names) {
    return names.exact.size() <= 1 && names.prefixes.size() <= 1 &&
           (names.exact.empty() || names.prefixes.empty() ||
            !names.exact.front().starts_with(names.prefixes.front()));
}

ordinal_list list_of(
    const segment_index& index,
    const selection_item& item,
    const item_plan& plan,
    lookup by,
    std::size_t tag
) {
    ordinal_list out;
    if (by == lookup::streams) {
        for (const auto number : plan.stream_numbers)
            index.append_stream(number, out);
    } else if (by == lookup::types) {
        for (const auto number : numbers_of(index, item.types))
            index.append_type(number, out);
    } else if (const auto number = index.find_tag(item.tags[tag])) {
        index.append_tag(*number, out);
    }
    return out;
}

/// Takes one list after the other, the cheapest first, while that costs less than asking the events
/// that are left; whether all were taken.
bool narrow(
    const segment_index& index,
    const selection_item& item,
    const item_plan& plan,
    ordinal_range within,
    ordinal_list& left
) {
    bool are_exact = true;
    const auto with = [&](lookup by, std::size_t tag, std::uint64_t size) {
        if (by == plan.by && (by != lookup::tag || tag == plan.tag))
            return;
        if (size > left.size() * list_entries_an_event) {
            are_exact = false;
            return;
        }
        const auto list = within_bounds(list_of(index, item, plan, by, tag), within);
        ordinal_list both;
        both.reserve(std::min(left.size(), list.size()));
        std::ranges::set_intersection(left, list, std::back_inserter(both));
        left = std::move(both);
    };
    for (std::size_t i = 0; i < item.tags.size(); ++i)
        with(lookup::tag, i, plan.of_tags[i]);
    if (item.streams)
        with(lookup::streams, 0, plan.of_streams);
    if (!item.types.empty())
        with(lookup::types, 0, plan.of_types);
    return are_exact;
}

} // namespace

void item_plan::add(const item_plan& more) {
    by = more.by;
    tag = more.tag;
    of_streams += more.of_streams;
    of_types += more.of_types;
    of_tags.resize(std::max(of_tags.size(), more.of_tags.size()));
    for (std::size_t i = 0; i < more.of_tags.size(); ++i)
        of_tags[i] += more.of_tags[i];
    for (std::size_t i = 0; i < lookup_kinds; ++i)
        segments[i] += more.segments[i];
}

item_plan plan_of(const segment_index& index, const selection_item& item, ordinal_range within) {
    item_plan out;
    std::optional<std::uint64_t> least;
    const auto consider = [&](std::uint64_t count, lookup by, std::size_t tag) {
        if (least && *least <= count)
            return;
        least = count;
        out.by = by;
        out.tag = tag;
    };
    for (std::size_t i = 0; i < item.tags.size(); ++i) {
        const auto number = index.find_tag(item.tags[i]);
        out.of_tags.push_back(number ? index.count_of_tag(*number) : 0);
        consider(out.of_tags.back(), lookup::tag, i);
    }
    if (item.streams) {
        out.stream_numbers = numbers_of(index, *item.streams);
        for (const auto number : out.stream_numbers)
            out.of_streams += index.count_of_stream(number);
        consider(out.of_streams, lookup::streams, 0);
        out.is_of_all_streams = are_apart(*item.streams) && item.types.empty() &&
                                item.tags.empty() && out.of_streams == index.event_count();
    }
    if (!item.types.empty()) {
        for (const auto number : numbers_of(index, item.types))
            out.of_types += index.count_of_type(number);
        consider(out.of_types, lookup::types, 0);
    }
    // By a list, its entries are taken and its events decoded; by positions, all are decoded.
    if (least == 0)
        out.by = lookup::nothing;
    else if (!least || *least * (1 + list_entries_an_event) > within.size() * list_entries_an_event)
        out.by = lookup::positions;
    out.segments[static_cast<std::size_t>(out.by)] = 1;
    return out;
}

number_set::number_set(std::vector<std::uint32_t> numbers) {
    const auto room = numbers.empty() ? 0 : std::size_t{std::ranges::max(numbers)} + 1;
    if (numbers.size() < few || room > numbers.size() * bits_each) {
        ascending_ = std::move(numbers);
        std::ranges::sort(ascending_);
        return;
    }
    marks_.resize(room);
    for (const auto number : numbers)
        marks_[number] = true;
}

bool number_set::contains(std::uint32_t number) const {
    if (!marks_.empty())
        return number < marks_.size() && marks_[number];
    return std::ranges::binary_search(ascending_, number);
}

void event_filter::add(
    const segment_index& index, const selection_item& item, const item_plan& plan
) {
    numbers one;
    for (const auto& tag : item.tags) {
        const auto number = index.find_tag(tag);
        if (!number)
            return; // it matches nothing here
        one.tags.push_back(*number);
    }
    one.has_streams = item.streams.has_value();
    one.streams = number_set{plan.stream_numbers};
    one.has_types = !item.types.empty();
    one.types = numbers_of(index, item.types);
    items_.push_back(std::move(one));
}

bool event_filter::matches(
    const segment_index& index, std::uint32_t stream, std::uint32_t type, const event_record& event
) const {
    const auto has_tag = [&](std::uint32_t wanted) {
        for (std::size_t i = 0; i < event.tag_count(); ++i) {
            if (index.tag_number(event.tag(i)) == wanted)
                return true;
        }
        return false;
    };
    return std::ranges::any_of(items_, [&](const numbers& n) {
        return (!n.has_types || std::ranges::binary_search(n.types, type)) &&
               (!n.has_streams || n.streams.contains(stream)) &&
               std::ranges::all_of(n.tags, has_tag);
    });
}

candidates collect(
    const segment_index& index,
    const std::vector<selection_item>& items,
    const std::vector<item_plan>& plans,
    ordinal_range within
) {
    candidates out;
    out.are_all =
        std::ranges::any_of(plans, [](const item_plan& p) { return p.by == lookup::positions; });
    if (out.are_all) {
        out.are_exact =
            std::ranges::any_of(items, [](const selection_item& i) { return i.is_everything(); }) ||
            std::ranges::any_of(plans, [](const item_plan& p) { return p.is_of_all_streams; });
    } else {
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (plans[i].by == lookup::nothing)
                continue;
            auto left = within_bounds(
                list_of(index, items[i], plans[i], plans[i].by, plans[i].tag), within
            );
            out.are_exact = narrow(index, items[i], plans[i], within, left) && out.are_exact;
            out.ordinals.insert(out.ordinals.end(), left.begin(), left.end());
        }
        if (items.size() > 1)
            out.ordinals = within_bounds(std::move(out.ordinals), within);
    }
    if (!out.are_exact) {
        for (std::size_t i = 0; i < items.size(); ++i)
            out.filter.add(index, items[i], plans[i]);
    }
    return out;
}

} // namespace everfold::log
