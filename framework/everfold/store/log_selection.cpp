// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/store/log_selection.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace everfold {

namespace {

std::vector<std::uint32_t>
streams_of_category(const std::string& category, const log::log_index& index) {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < index.stream_count(); ++i) {
        if (category_of(index.names().streams.text(i)) == category)
            out.push_back(i);
    }
    return out;
}

std::optional<log::selection_item>
select_item(const query_item& item, const log::log_index& index) {
    log::selection_item out;
    if (item.stream) {
        const auto number = index.find_stream(*item.stream);
        if (!number)
            return {};
        out.streams = {*number};
    }
    if (item.category) {
        auto of_category = streams_of_category(*item.category, index);
        if (out.streams)
            std::erase_if(*out.streams, [&](std::uint32_t n) {
                return std::ranges::find(of_category, n) == of_category.end();
            });
        else
            out.streams = std::move(of_category);
        if (out.streams->empty())
            return {};
    }
    if (!item.types.empty()) {
        out.types.emplace();
        for (const auto& type : item.types) {
            const auto numbers = index.find_types(type);
            out.types->insert(out.types->end(), numbers.begin(), numbers.end());
        }
        if (out.types->empty())
            return {};
    }
    for (const auto& tag : item.tags) {
        const auto number = index.find_tag(tag);
        if (!number)
            return {};
        out.tags.push_back(*number);
    }
    return out;
}

/// Revisions of one stream as positions; false where no event can match.
bool bound_by_revisions(const query& q, const log::log_index& index, log::selection& out) {
    constexpr revision last{std::numeric_limits<std::uint64_t>::max()};
    const auto& within = q.within();
    if (within.from_revision == revision{} && within.to_revision == last)
        return true;
    if (q.items().size() != 1 || !q.items().front().stream)
        throw error{errc::invalid, "a query bounded by revisions names exactly one stream"};
    const auto stream = *index.find_stream(*q.items().front().stream);
    const auto from = index.position_of(stream, within.from_revision);
    if (!from)
        return false;
    out.from = std::max(out.from, *from);
    if (const auto to = index.position_of(stream, within.to_revision))
        out.to = std::min(out.to, *to);
    return true;
}

} // namespace

std::optional<log::selection> select(const query& q, const log::log_index& index) {
    const auto& within = q.within();
    log::selection out{
        .from = within.from,
        .to = within.to,
        .since = within.since,
        .until = within.until,
        .is_backwards = within.is_backwards};
    for (const auto& item : q.items()) {
        if (auto selected = select_item(item, index))
            out.items.push_back(std::move(*selected));
    }
    if (out.items.empty() || !bound_by_revisions(q, index, out))
        return {};
    return out;
}

} // namespace everfold
