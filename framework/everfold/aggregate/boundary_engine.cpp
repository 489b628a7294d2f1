// SPDX-License-Identifier: MIT
#include <everfold/aggregate/boundary_engine.hpp>
#include <everfold/aggregate/lost_race.hpp>
#include <everfold/base/error.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace everfold::detail {
namespace {

void require_boundary(const query& q, std::span<const std::string_view> types) {
    if (q.within() != query::bounds{} || !q.conditions().empty() || q.resumed())
        throw error{
            errc::invalid,
            "the query of a decision names streams, categories, types and tags; bounds, limits, "
            "directions, cursors and conditions on the data would let events pass that the "
            "decision has not seen"};
    for (const auto& item : q.items())
        for (const auto& type : item.types)
            if (std::ranges::find(types, type) == types.end())
                throw error{
                    errc::invalid,
                    "the query of a decision names the type '" + printable(type) +
                        "', which its state does not fold"};
}

/// What the state does not fold it can't see, so that a decision can't depend on it: each
/// alternative that names no types is narrowed to those of the state.
query narrowed(const query& q, std::span<const std::string_view> types) {
    std::optional<query> out;
    for (const auto& item : q.items()) {
        query one;
        if (item.stream)
            one.stream(*item.stream);
        if (item.category)
            one.category(*item.category);
        for (const auto& tag : item.tags)
            one.tag(tag);
        for (const auto& type : item.types)
            one.type(type);
        if (item.types.empty())
            for (const auto type : types)
                one.type(std::string{type});
        out = out ? std::move(*out) | one : std::move(one);
    }
    return out.value_or(query{});
}

} // namespace

void decision_base::add(std::string stream, new_event e) {
    auto& all = request_.streams;
    auto to = std::ranges::find(all, stream, &stream_append::stream);
    if (to == all.end()) {
        all.push_back({.stream = std::move(stream)});
        to = std::prev(all.end());
    }
    to->events.push_back(std::move(e));
}

void decision_base::expect(std::string stream, expected_revision expected) {
    request_.conditions.emplace_back(stream_condition{std::move(stream), expected});
}

boundary_engine::boundary_engine(
    store s,
    const query& q,
    std::span<const std::string_view> types,
    const boundary_options& options
)
    : store_{std::move(s)}
    , query_{(require_boundary(q, types), narrowed(q, types))}
    , options_{options} {}

std::optional<event_range> boundary_engine::unread() {
    end_ = store_.end();
    if (end_ <= next_)
        return {};
    return store_.read(query{query_}.from(next_).to(position{end_.value() - 1}));
}

bool boundary_engine::commit(decision_base& d, unsigned attempt) {
    auto& request = d.request_;
    if (request.streams.empty())
        return true;
    request.conditions.emplace_back(no_event_matching::from(query_, next_));
    const auto result = store_.append(request);
    const auto* lost = result.conflict_or_null();
    if (lost == nullptr)
        return true;
    ++stats_.conflicts;
    if (attempt >= options_.retries_max)
        lost->raise();
    ++stats_.retries;
    wait_for_winner(store_, *lost);
    return false;
}

} // namespace everfold::detail
