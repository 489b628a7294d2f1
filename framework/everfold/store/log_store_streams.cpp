// SPDX-License-Identifier: MIT
// What the store knows of its streams and types: from the indexes and the rules.

#include <everfold/base/error.hpp>
#include <everfold/log/log_cursor.hpp>
#include <everfold/store/log_store.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace everfold {

namespace {

/// Calls `use` with the rule at a position.
template <class Use>
void with_rule(const log::log_index& index, position at, const Use& use) {
    log::selection wanted{.from = at, .to = at.next()};
    wanted.items.emplace_back().streams =
        log::selection_item::stream_names{.exact = {std::string{rules_stream}}};
    log::log_cursor cursor{index, std::move(wanted)};
    if (const auto* event = cursor.next())
        use(*event);
}

class listed_streams final : public stream_cursor {
public:
    listed_streams(
        std::shared_ptr<store_engine> store,
        const log::log_index& index,
        std::vector<std::string> ended
    )
        : store_{std::move(store)}
        , index_{&index}
        , segments_{index.segments()}
        , ended_{std::move(ended)} {}

    [[nodiscard]] const stream_info* next() override {
        for (;;) {
            if (name_ < names_.size()) {
                const auto& name = names_[name_++];
                if (is_past_ || is_listed_here(name)) {
                    out_ = store_->about(name);
                    if (is_past_ || out_.state != stream_state::tombstoned)
                        return &out_;
                }
                continue;
            }
            if (is_past_)
                return nullptr;
            name_ = 0;
            is_past_ = segment_ == segments_.size();
            names_ = is_past_ ? std::move(ended_) : index_->stream_names(segments_[segment_]);
            if (!is_past_)
                ++segment_;
        }
    }

private:
    /// Whether no earlier segment knows it; not the log's own.
    [[nodiscard]] bool is_listed_here(const std::string& name) const {
        return !name.starts_with(log::own_stream_prefix) &&
               std::ranges::none_of(
                   segments_.begin(),
                   segments_.begin() + static_cast<std::ptrdiff_t>(segment_ - 1),
                   [&](const log::segment_view& earlier) {
                       return index_->part_of(earlier, name, revision{}, {}).is_named;
                   }
               );
    }

    std::shared_ptr<store_engine> store_; // keeps the index alive
    const log::log_index* index_;
    std::vector<log::segment_view> segments_;
    std::size_t segment_{};            // the next one
    std::vector<std::string> names_{}; // of one segment, or of those that have ended
    std::size_t name_{};
    std::vector<std::string> ended_;
    bool is_past_{}; // the segments
    stream_info out_{};
};

} // namespace

std::optional<stream_end> log_store::end_of(std::string_view stream) {
    const auto& index = log_->index();
    const auto& known = rules(index);
    if (known.are_none())
        return {};
    const auto rule = known.of(stream);
    if (!rule || !rule->ended_at)
        return {};
    stream_end out{.rule = *rule->ended_at};
    with_rule(index, out.rule, [&](const log::log_event& event) {
        out.at = timestamp::from_nanoseconds(event.record.recorded_ns);
        out.why = why_tombstoned(event.record.payload);
    });
    return out;
}

stream_info log_store::about(std::string_view stream) {
    const auto& index = log_->index();
    const auto& known = rules(index);
    stream_info out{.name = std::string{stream}, .category = std::string{category_of(stream)}};
    if (const auto rule = known.of(stream)) {
        out.begins_at = revision{rule->begins_at};
        out.kept = rule->kept;
        if (rule->described_at)
            with_rule(index, *rule->described_at, [&](const log::log_event& event) {
                const auto found = described_metadata(event.record.payload);
                out.metadata.assign(found.begin(), found.end());
            });
    }
    out.end = end_of(stream);
    if (out.end) {
        out.state = stream_state::tombstoned;
        return out;
    }
    const auto next = index.next_revision(stream);
    if (!next)
        return out;
    out.last_revision = revision{*next - 1};
    out.state = stream_state::empty;
    auto within = reachable_now{known, index, clock()->now(), true}.of(stream);
    const auto segments = index.segments();
    const auto part = [&](const log::segment_view& view) {
        return index.part_of(view, stream, revision{within.from_revision}, within.from_recorded_ns);
    };
    if (within.from_recorded_ns != log::reach{}.from_recorded_ns) {
        // The index knows the times of appends; within one they may differ.
        const auto oldest = std::ranges::find_if(segments, [&](const log::segment_view& view) {
            return part(view).events > 0;
        });
        if (oldest == segments.end())
            return out;
        const auto from =
            read(query{}.stream(out.name).from_revision(part(*oldest).first_revision).limit(1));
        const auto* first = from->next();
        if (first == nullptr)
            return out;
        within = {.from_revision = first->stream_revision.value()};
    }
    for (const auto& view : segments) {
        const auto here = part(view);
        if (here.events == 0)
            continue;
        out.events += here.events;
        out.first = out.first.value_or(here.first);
        out.last = here.last;
    }
    if (out.events > 0)
        out.state = stream_state::readable;
    return out;
}

std::vector<stored_type> log_store::types() {
    std::vector<stored_type> out;
    for (auto& each : log_->index().event_types())
        out.push_back({std::move(each.name), each.version});
    return out;
}

std::unique_ptr<stream_cursor> log_store::list_streams() {
    const auto& index = log_->index();
    return std::make_unique<listed_streams>(shared_from_this(), index, rules(index).tombstoned());
}

} // namespace everfold
