// SPDX-License-Identifier: MIT
#include <everfold/log/salvaged_streams.hpp>

#include <algorithm>

namespace everfold::log {

namespace {

using range = std::pair<std::uint64_t, std::uint64_t>;

/// In order, and none that touch.
void join(std::vector<range>& ranges) {
    std::ranges::sort(ranges);
    std::vector<range> out;
    for (const auto& r : ranges) {
        if (!out.empty() && r.first <= out.back().second)
            out.back().second = std::max(out.back().second, r.second);
        else
            out.push_back(r);
    }
    ranges = std::move(out);
}

/// What of `from` is in none of `taken`, which are joined.
std::vector<range> without(range from, const std::vector<range>& taken) {
    std::vector<range> out;
    for (const auto& t : taken) {
        if (t.second <= from.first || t.first >= from.second)
            continue;
        if (t.first > from.first)
            out.emplace_back(from.first, t.first);
        from.first = t.second;
    }
    if (from.first < from.second)
        out.push_back(from);
    return out;
}

bool do_meet(position_range a, position_range b) {
    return a.first < b.end && b.first < a.end;
}

void append(
    std::vector<missing_revisions>& to,
    const std::string& stream,
    std::vector<range> ranges,
    bool may_be_removed
) {
    join(ranges);
    for (const auto& r : ranges)
        to.push_back({stream, revision{r.first}, revision{r.second}, may_be_removed});
}

} // namespace

void salvaged_streams::skip_to(stream_state& s, std::uint64_t revision, position at) {
    if (revision > s.next) {
        s.gaps.push_back({{s.next, revision}, {s.behind, at}});
        s.missing += revision - s.next;
        s.next = revision;
    }
    s.behind = std::max(s.behind, at);
}

void salvaged_streams::keep(
    const std::string& stream, position segment, std::uint64_t base, position at, revision r
) {
    auto& s = streams_[stream];
    skip_to(s, base, segment);
    skip_to(s, r.value(), at);
    s.next = r.value() + 1;
    s.behind = at.next();
}

void salvaged_streams::lose(const std::string& stream, revision first, revision end) {
    streams_[stream].lost.emplace_back(first.value(), end.value());
}

void salvaged_streams::name(std::string_view stream, std::uint64_t base) {
    auto found = streams_.find(stream);
    if (found == streams_.end())
        found = streams_.emplace(std::string{stream}, stream_state{}).first;
    found->second.named = std::max(found->second.named, base);
}

std::uint64_t salvaged_streams::end(std::string_view stream) const {
    const auto found = streams_.find(stream);
    if (found == streams_.end())
        return 0;
    auto out = std::max(found->second.next, found->second.named);
    for (const auto& l : found->second.lost)
        out = std::max(out, l.second);
    return out;
}

std::uint64_t salvaged_streams::kept_before(std::string_view stream, std::uint64_t r) const {
    const auto found = streams_.find(stream);
    if (found == streams_.end())
        return r;
    const auto& s = found->second;
    const auto end = this->end(stream);
    if (r >= s.next)
        return s.next - s.missing + (r > end ? r - end : 0);
    auto out = r;
    for (const auto& g : s.gaps) {
        if (g.revisions.first < r)
            out -= std::min(g.revisions.second, r) - g.revisions.first;
    }
    return out;
}

bool salvaged_streams::has_unknown_loss(const repair_report& report, position_range between) const {
    return std::ranges::any_of(report.lost, [&](const lost_range& l) {
        const auto lost_here = std::pair{
            std::max(l.positions.first, between.first).value(),
            std::min(l.positions.end, between.end).value()};
        if (lost_here.first >= lost_here.second)
            return false;
        std::vector<range> known;
        known.reserve(known_.size());
        for (const auto& k : known_)
            known.emplace_back(k.first.value(), k.end.value());
        join(known);
        return !without(lost_here, known).empty();
    });
}

void salvaged_streams::tell(repair_report& report) const {
    for (const auto& [name, s] : streams_) {
        auto lost = s.lost;
        std::vector<range> removed;
        std::vector<range> unclear;
        join(lost);
        const auto told = lost;
        auto gaps = s.gaps;
        if (s.named > s.next)
            gaps.push_back({{s.next, s.named}, {s.behind, report.end}});
        for (const auto& g : gaps) {
            const bool has_removals = std::ranges::any_of(report.removed, [&](position_range r) {
                return do_meet(r, g.between);
            });
            auto& into = !has_removals                         ? lost
                         : has_unknown_loss(report, g.between) ? unclear
                                                               : removed;
            for (const auto& r : without(g.revisions, told))
                into.push_back(r);
        }
        append(report.streams, name, std::move(lost), false);
        append(report.streams, name, std::move(unclear), true);
        append(report.removed_of_streams, name, std::move(removed), false);
    }
}

} // namespace everfold::log
