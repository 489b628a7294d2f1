// SPDX-License-Identifier: MIT
// Removing single events that the caller knows to be superseded. docs/rewriting/removal.md.

#include <everfold/base/error.hpp>
#include <everfold/store/log_store.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace everfold {

namespace {

/// The events of a segment that are at these positions, which ascend. Positions that hold nothing
/// any more are passed over.
log::removal events_at(std::span<const position> positions, const log::readable_segment& in) {
    log::removal out;
    const auto& here = *in.index;
    for (auto p = std::ranges::lower_bound(positions, here.first()); p != positions.end(); ++p) {
        if (*p - here.first() > std::numeric_limits<std::uint32_t>::max())
            break;
        const auto ordinal = here.ordinal_from(*p);
        if (ordinal >= in.event_count)
            break;
        if (here.position_of(ordinal) == *p)
            out.events.push_back(ordinal);
    }
    return out;
}

/// The streams that lose events; none may be the log's own.
void add_streams(
    const log::removal& removed,
    const log::segment_index& here,
    std::set<std::string, std::less<>>& to
) {
    log::ordinal_list events;
    for (std::uint32_t i = 0; i < here.stream_count(); ++i) {
        events.clear();
        here.append_stream(i, events);
        if (std::ranges::none_of(events, [&](std::uint32_t ordinal) {
                return std::ranges::binary_search(removed.events, ordinal);
            }))
            continue;
        const auto name = here.stream(i).name;
        if (name.starts_with(log::own_stream_prefix))
            throw error{
                errc::invalid, "events of '" + printable(name) + "' are the log's own, and stay"};
        to.emplace(name);
    }
}

} // namespace

scavenge_report
log_store::remove(std::span<const position> positions, const scavenge_options& options) {
    if (options.why.size() > log::provenance_text_max)
        throw error{errc::invalid, "the reason of a removal takes at most 4,096 bytes"};
    if (!options.is_dry_run && !log_->is_writable())
        throw error{errc::read_only, "'" + log_->directory() + "' was opened for reading only"};
    if (std::ranges::adjacent_find(positions, std::ranges::greater_equal{}) != positions.end())
        throw error{errc::invalid, "the positions of events to be removed ascend"};

    const auto plan = [&](const log::readable_segment& in) { return events_at(positions, in); };
    std::set<std::string, std::less<>> streams;
    auto done = log_->plan_scavenge([&](const log::readable_segment& in) {
        auto removed = plan(in);
        if (!removed.events.empty())
            add_streams(removed, *in.index, streams);
        return removed;
    });
    scavenge_report out;
    // Before the events: a state never depends on what nobody can see, whatever happens in between.
    const auto is_gone = [&](std::string_view stream) {
        return !streams.empty() && (stream.empty() || streams.contains(stream));
    };
    {
        const std::lock_guard lock{saving_};
        out.snapshots =
            options.is_dry_run ? snapshots_.count_if(is_gone) : snapshots_.remove_if(is_gone);
    }
    if (!options.is_dry_run)
        done = log_->scavenge(plan, options.why);
    out.events = done.events;
    out.segments = done.segments;
    out.bytes_before = done.bytes_before;
    out.bytes_after = done.bytes_after;
    return out;
}

} // namespace everfold
