// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/derived_id.hpp>
#include <everfold/store/log_store_cursor.hpp>

#include <algorithm>
#include <utility>

namespace everfold {

namespace {

/// Large enough to look ahead in, small enough to stay in the nearest cache.
constexpr std::size_t batch_max = 64;

/// The event's own id, or the one that its place gives it.
uuid id_of(const log::log_event& event, const uuid& log_id) noexcept {
    if (!event.record.id.is_nil())
        return event.record.id;
    return log::derived_id(log_id, event.at);
}

std::uint64_t segments_by(const log::item_plan& plan, log::lookup how) noexcept {
    return plan.segments[static_cast<std::size_t>(how)];
}

item_explanation explained(const query_item& item, const log::item_plan& plan) {
    return {
        .item = item,
        .stream_events = plan.of_streams,
        .type_events = plan.of_types,
        .tag_events = plan.of_tags,
        .segments_by_stream = segments_by(plan, log::lookup::streams),
        .segments_by_type = segments_by(plan, log::lookup::types),
        .segments_by_tag = segments_by(plan, log::lookup::tag),
        .segments_by_position = segments_by(plan, log::lookup::positions),
        .segments_by_nothing = segments_by(plan, log::lookup::nothing)};
}

} // namespace

log_store_cursor::log_store_cursor(
    std::shared_ptr<log::event_log> log,
    const log::log_index& index,
    const query& q,
    std::optional<log::selection> wanted
)
    : log_{std::move(log)}
    , index_{&index}
    , items_{q.items()}
    , conditions_{q.conditions()}
    , place_{index.log_id(), q.fingerprint(), q.within().is_backwards, {}}
    , left_{q.within().limit} {
    if (place_.is_backwards)
        place_.boundary = index.end();
    if (q.resumed())
        resume(*q.resumed(), wanted ? &*wanted : nullptr);
    const bool is_at_begin = place_.is_backwards && place_.boundary == position{};
    if (wanted && !is_at_begin) {
        if (place_.is_backwards)
            wanted->to = std::min(wanted->to, position{place_.boundary.value() - 1});
        cursor_.emplace(index, std::move(*wanted));
    }
}

void log_store_cursor::resume(const query_cursor& at, log::selection* wanted) {
    if (at.log_id != place_.log_id)
        throw error{
            errc::invalid,
            "the cursor is of another log, " + at.log_id.to_string() + "; this one is " +
                place_.log_id.to_string()};
    if (at.fingerprint != place_.fingerprint || at.is_backwards != place_.is_backwards)
        throw error{
            errc::invalid,
            "the cursor is of another query; only the limit may be another one than before"};
    if (at.boundary > index_->end())
        throw error{
            errc::invalid,
            "the cursor is ahead of the log: it is at position " +
                std::to_string(at.boundary.value()) + ", and the log ends at " +
                std::to_string(index_->end().value())};
    place_.boundary = at.boundary;
    if (wanted != nullptr && !place_.is_backwards)
        wanted->from = std::max(wanted->from, at.boundary);
}

bool log_store_cursor::meets_conditions(const log::log_event& event) const {
    try {
        return std::ranges::all_of(conditions_, [&](const payload_condition& c) {
            return c.holds_for(event.record.payload);
        });
    } catch (const encoding_error& e) {
        throw error{
            errc::damaged,
            "the data of the event at position " + std::to_string(event.at.value()) +
                " is not well-formed: " + e.message()};
    }
}

const log::type_name& log_store_cursor::type_of(const log::log_event& event) {
    if (event.type >= types_.size())
        types_.resize(std::size_t{event.type} + 1);
    auto& known = types_[event.type];
    if (known == nullptr)
        known = &index_->type(event.type);
    return *known;
}

void log_store_cursor::present(const log::log_event& event, recorded_event& out) {
    const auto& type = type_of(event);
    out.log_position = event.at;
    out.stream = event.stream;
    out.stream_revision = event.stream_revision;
    out.type = type.name;
    out.version = type.version;
    out.type_number = event.type;
    out.id = id_of(event, index_->log_id());
    if (event.record.recorded_ns != recorded_ns_) {
        recorded_ns_ = event.record.recorded_ns;
        recorded_at_ = timestamp::from_nanoseconds(recorded_ns_);
    }
    out.recorded_at = recorded_at_;
    out.occurred_at = event.record.occurred_at;
    out.correlation_id = event.record.correlation_id;
    out.causation_id = event.record.causation_id;
    if (!event.record.tags.empty()) {
        const auto& index = *event.in->index;
        for (std::size_t i = 0; i < event.record.tag_count(); ++i)
            tags_.push_back(index.tag(index.tag_number(event.record.tag(i))));
    }
    out.metadata = event.record.metadata;
    out.payload = event.record.payload;
}

bool log_store_cursor::takes(const log::log_event& event) {
    const bool is_wanted = conditions_.empty() || meets_conditions(event);
    // Behind those that are passed, too: they need not be looked at again.
    place_.boundary = place_.is_backwards ? event.at : event.at.next();
    if (!is_wanted) {
        ++failing_conditions_;
        return false;
    }
    --left_;
    ++delivered_;
    return true;
}

const log::log_event* log_store_cursor::next_taken() {
    if (left_ == 0)
        return nullptr;
    while (const auto* event = cursor_ ? cursor_->next() : nullptr) {
        if (takes(*event))
            return event;
    }
    if (place_.is_backwards)
        place_.boundary = position{};
    else if (cursor_)
        place_.boundary = std::max(place_.boundary, cursor_->end());
    left_ = 0;
    return nullptr;
}

const log::log_event* log_store_cursor::next_taken_in_frame() {
    while (const auto* event = left_ == 0 ? nullptr : cursor_->next_in_frame()) {
        if (takes(*event))
            return event;
    }
    return nullptr;
}

const recorded_event* log_store_cursor::next() {
    const auto* event = next_taken();
    if (event == nullptr)
        return nullptr;
    tags_.clear();
    present(*event, out_);
    out_.tags = tags_;
    return &out_;
}

event_batch log_store_cursor::next_batch() {
    batch_streams_.resize(batch_max);
    batch_tag_ends_.resize(batch_max);
    tags_.clear();
    event_batch out;
    std::size_t count = 0;
    const auto add = [&](const log::log_event& event) {
        if (count == batch_.size())
            batch_.emplace_back();
        present(event, batch_[count]);
        batch_streams_[count] = event.stream_here;
        batch_tag_ends_[count] = tags_.size();
        ++count;
    };
    for (const auto* event = next_taken(); event != nullptr; event = next_taken_in_frame()) {
        if (count == 0)
            out.segment = event->in->index->first().value();
        add(*event);
        const auto most = std::min<std::uint64_t>(batch_max - count, left_);
        if (conditions_.empty() && !place_.is_backwards && most > 0) {
            const auto before = count;
            cursor_->take_plain_in_frame(static_cast<std::size_t>(most), add);
            left_ -= count - before;
            delivered_ += count - before;
            if (count > before)
                place_.boundary = batch_[count - 1].log_position.next();
        }
        if (count == batch_max)
            break;
    }
    // No tag moves any more.
    std::size_t tag = 0;
    for (std::size_t i = 0; i < count; ++i) {
        batch_[i].tags = std::span{tags_}.subspan(tag, batch_tag_ends_[i] - tag);
        tag = batch_tag_ends_[i];
    }
    out.events = std::span{batch_}.first(count);
    out.stream_numbers = std::span{batch_streams_}.first(count);
    return out;
}

query_cursor log_store_cursor::cursor() const {
    return place_;
}

query_explanation log_store_cursor::explanation() const {
    query_explanation out;
    for (std::size_t i = 0; i < items_.size(); ++i)
        out.items.push_back(explained(items_[i], cursor_ ? cursor_->plans()[i] : log::item_plan{}));
    for (const auto& condition : conditions_)
        out.conditions.push_back(condition.to_string());
    const auto counts = cursor_ ? cursor_->counts() : log::read_counts{};
    out.segments = cursor_ ? counts.segments : index_->segments().size();
    out.segments_outside = cursor_ ? counts.segments_outside : out.segments;
    out.segments_at_other_times = counts.segments_at_other_times;
    out.segments_without_match = counts.segments_without_match;
    out.segments_entered = counts.segments_entered;
    out.reading = reading_explanation{
        .candidates = counts.candidates,
        .frames_read = counts.frames_read,
        .frames_skipped_by_time = counts.frames_at_other_times,
        .events_decoded = counts.events_decoded,
        .events_unmatched = counts.events_unmatched,
        .events_at_other_times = counts.events_at_other_times,
        .events_out_of_reach = counts.events_out_of_reach,
        .events_failing_conditions = failing_conditions_,
        .events_delivered = delivered_};
    return out;
}

std::optional<append_place> log_store_cursor::append_of_last() const {
    if (delivered_ == 0)
        return {};
    const auto batch = cursor_->batch();
    return append_place{batch.id, batch.first, batch.count};
}

query_explanation log_store_cursor::survey() {
    left_ = 0;
    if (cursor_)
        cursor_->survey();
    auto out = explanation();
    out.reading.reset();
    return out;
}

} // namespace everfold
