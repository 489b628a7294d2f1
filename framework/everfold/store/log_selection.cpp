// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/store/log_selection.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace everfold {

namespace {

const log::selection_item::stream_names none{};

/// Every time that an event can have been recorded at is one of these.
std::int64_t nanoseconds_of(timestamp t) noexcept {
    using limits = std::numeric_limits<std::int64_t>;
    return t.to_nanoseconds().value_or(t.seconds() < 0 ? limits::min() : limits::max());
}

/// Nothing where no event can match.
std::optional<log::selection_item> select_item(const query_item& item) {
    log::selection_item out{.types = item.types, .tags = item.tags};
    if (item.stream) {
        if (item.category && category_of(*item.stream) != *item.category)
            return {};
        out.streams = {.exact = {*item.stream}};
    } else if (item.category) {
        // A stream's category is its name, or what comes before the first dash.
        if (category_of(*item.category) != *item.category)
            return {};
        out.streams = {.exact = {*item.category}, .prefixes = {*item.category + "-"}};
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
    const auto& stream = *q.items().front().stream;
    const auto from = index.position_from(stream, within.from_revision);
    if (!from)
        return false;
    out.from = std::max(out.from, *from);
    if (within.to_revision == last)
        return true;
    const auto behind = index.position_from(stream, revision{within.to_revision.value() + 1});
    if (behind == position{})
        return false; // the first event of all is behind
    if (behind)
        out.to = std::min(out.to, position{behind->value() - 1});
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
    if (within.recorded_since)
        out.recorded_since_ns = nanoseconds_of(*within.recorded_since);
    if (within.recorded_until)
        out.recorded_until_ns = nanoseconds_of(*within.recorded_until);
    bool can_match = false;
    for (const auto& item : q.items()) {
        auto selected = select_item(item);
        can_match = can_match || selected.has_value();
        // In its place, one that no event can match.
        out.items.push_back(selected ? std::move(*selected) : log::selection_item{.streams = none});
    }
    if (!can_match || !bound_by_revisions(q, index, out))
        return {};
    return out;
}

} // namespace everfold
