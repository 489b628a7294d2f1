// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/store/log_selection.hpp>
#include <everfold/store/query_conditions.hpp>

#include <algorithm>
#include <utility>

namespace everfold {

namespace {

std::vector<log::selection_item>
items_of(const no_event_matching& condition, const log::log_index& index) {
    const auto& q = condition.matching;
    if (q.within() != query::bounds{} || !q.conditions().empty() || q.resumed())
        throw error{
            errc::invalid,
            "the query of a condition names streams, categories, types and tags; bounds, limits, "
            "directions, cursors and conditions on the data are none of a condition's: where it "
            "begins, its 'after' says"};
    auto selected = select(condition.matching, index);
    return selected ? std::move(selected->items) : std::vector<log::selection_item>{};
}

} // namespace

condition_check::condition_check(
    const log::log_index& index,
    const append_request& request,
    std::shared_ptr<const log::reachability> reachable
)
    : index_{&index}
    , request_{&request}
    , reachable_{std::move(reachable)} {
    for (const auto& condition : request.conditions) {
        const auto* unmatched = std::get_if<no_event_matching>(&condition);
        if (unmatched == nullptr)
            continue;
        auto& a = asked_.emplace_back(asked{
            .condition = unmatched,
            .items = items_of(*unmatched, index),
            .next = unmatched->first()});
        look_until(a, index.end());
    }
}

void condition_check::look_until(asked& a, position end) const {
    while (!a.found && a.next < end) {
        const auto match = index_->first_match(a.items, a.next, end);
        if (!match) {
            a.next = end;
            return;
        }
        a.next = match->next();
        if (reachable_ == nullptr) {
            a.found = match;
            return;
        }
        // Whose stream it is, and which revision, only its record says.
        log::selection one{.from = *match, .to = *match, .reachable = reachable_};
        one.items.emplace_back();
        log::log_cursor cursor{*index_, std::move(one)};
        if (cursor.next() != nullptr)
            a.found = match;
    }
}

std::optional<append_conflict> condition_check::first_unmet(const log::stream_heads& heads) {
    auto next_asked = asked_.begin();
    for (const auto& condition : request_->conditions) {
        if (const auto* in = std::get_if<stream_condition>(&condition)) {
            const auto last = heads.last(in->stream);
            if (!in->expected.holds_for(last))
                return append_conflict{in->stream, in->expected, last, {}, {}};
            continue;
        }
        auto& a = *next_asked++;
        // What is not in the index by then is in flight.
        const auto end = index_->end();
        look_until(a, end);
        if (!a.found)
            a.found = heads.first_unseen(a.items, std::max(end, a.next));
        if (a.found)
            return append_conflict{{}, expected_revision::any(), {}, *a.condition, a.found};
    }
    return {};
}

} // namespace everfold
