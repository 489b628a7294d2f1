// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/log_cursor.hpp>
#include <everfold/log/remains.hpp>

#include <algorithm>
#include <utility>

namespace everfold::log {

log_cursor::log_cursor(const log_index& index, selection wanted)
    : index_{&index}
    , wanted_{std::move(wanted)}
    , is_everything_{std::ranges::any_of(
          wanted_.items, [](const selection_item& i) { return i.is_everything(); }
      )}
    , segments_{index.segments()} {
    if (wanted_.is_backwards)
        std::ranges::reverse(segments_);
    segments_left_ = segments_.size();
}

bool log_cursor::enter_next_segment() {
    while (segments_left_ > 0) {
        const auto& view = segments_[segments_.size() - segments_left_--];
        const auto first = view.entry->first;
        if (view.event_count == 0 || wanted_.to < first || view.end <= wanted_.from)
            continue;
        if (!view.is_active() &&
            !is_in_time(view.entry->occurred_min_ns, view.entry->occurred_max_ns))
            continue;
        segment_ = index_->open(view);
        const auto& index = *segment_.index;
        const auto begin = index.ordinal_from(std::max(wanted_.from, first));
        const auto end =
            wanted_.to >= view.end
                ? segment_.event_count
                : std::min(segment_.event_count, index.ordinal_from(wanted_.to.advanced(1)));
        if (begin >= end) // the bounds cross, or what lay between is gone
            continue;
        if (is_everything_) {
            left_ = {begin, end};
        } else {
            matches_ = index_->matches(segment_, wanted_.items);
            const auto at = [&](std::uint32_t ordinal) {
                return static_cast<std::uint32_t>(
                    std::ranges::lower_bound(matches_, ordinal) - matches_.begin()
                );
            };
            left_ = {at(begin), at(end)};
        }
        if (left_.begin == left_.end)
            continue;
        reader_.emplace(segment_.source, segment_.seed, index_->batch_bytes_max());
        type_numbers_.clear();
        reach_.clear();
        frame_ = nullptr;
        frame_end_ordinal_ = 0;
        return true;
    }
    return false;
}

std::optional<std::uint32_t> log_cursor::next_ordinal() {
    while (left_.begin == left_.end) {
        if (!enter_next_segment())
            return {};
    }
    const auto at = wanted_.is_backwards ? --left_.end : left_.begin++;
    return is_everything_ ? at : matches_[at];
}

bool log_cursor::is_in_time(std::int64_t min_ns, std::int64_t max_ns) const noexcept {
    // What nanoseconds can't hold is saturated, and then says nothing.
    const auto is_exact = [](std::int64_t ns) {
        return ns != std::numeric_limits<std::int64_t>::max() &&
               ns != std::numeric_limits<std::int64_t>::min();
    };
    if (wanted_.since && is_exact(max_ns) && timestamp::from_nanoseconds(max_ns) < *wanted_.since)
        return false;
    return !(
        wanted_.until && is_exact(min_ns) && timestamp::from_nanoseconds(min_ns) > *wanted_.until
    );
}

void log_cursor::fail(std::uint32_t ordinal) const {
    corruption damage{
        segment_.source->file_name(),
        frame_entry_.at(),
        "the index says that the frame holds an event that is not there"};
    damage.first_lost = segment_.index->position_of(ordinal);
    throw damage;
}

void log_cursor::load_frame(std::size_t number) {
    const auto& index = *segment_.index;
    frame_number_ = number;
    frame_entry_ = index.frame(number);
    frame_end_ordinal_ = 0; // where reading throws, it is not loaded
    frame_ = nullptr;
    if (is_in_time(frame_entry_.occurred_min_ns, frame_entry_.occurred_max_ns)) {
        frame_ = read_known_frame(*reader_, segment_, number);
        rest_ = records_of(*frame_);
        rest_ordinal_ = frame_entry_.first_ordinal;
    }
    frame_end_ordinal_ = number + 1 < segment_.frame_count ? index.frame(number + 1).first_ordinal
                                                           : segment_.event_count;
}

void log_cursor::move_to(std::uint32_t ordinal) {
    const auto offset = segment_.index->offset_of(ordinal).value();
    const auto records = records_of(*frame_);
    const auto records_at = frame_->end().value() - frame_trailer_size - records.size();
    if (offset < records_at || offset - records_at >= records.size())
        fail(ordinal);
    rest_ = records.subspan(static_cast<std::size_t>(offset - records_at));
    rest_ordinal_ = ordinal;
}

std::uint32_t log_cursor::number_of_type(std::uint32_t number_here) {
    while (type_numbers_.size() <= number_here) {
        const auto next = static_cast<std::uint32_t>(type_numbers_.size());
        type_numbers_.push_back(index_->number_of(segment_.index->type(next)));
    }
    return type_numbers_[number_here];
}

bool log_cursor::is_reachable(const log_event& event, std::uint32_t stream_here) {
    if (wanted_.reachable == nullptr)
        return true;
    if (reach_.size() <= stream_here)
        reach_.resize(std::size_t{stream_here} + 1);
    auto& known = reach_[stream_here];
    if (!known)
        known = wanted_.reachable->of(event.stream);
    return event.stream_revision.value() >= known->from_revision &&
           event.record.recorded_ns >= known->from_recorded_ns;
}

const log_event* log_cursor::load(std::uint32_t ordinal) {
    if (ordinal < frame_entry_.first_ordinal || ordinal >= frame_end_ordinal_) {
        // In order, the next event is in this frame or the one after it.
        const bool is_next = frame_end_ordinal_ != 0 && ordinal == frame_end_ordinal_;
        auto number =
            is_next ? frame_number_ + 1 : segment_.index->frame_of(ordinal, segment_.frame_count);
        while (is_next && number + 1 < segment_.frame_count &&
               segment_.index->frame(number + 1).first_ordinal <= ordinal)
            ++number; // nothing is left of it
        load_frame(number);
    }
    if (frame_ == nullptr)
        return nullptr;
    if (ordinal != rest_ordinal_)
        move_to(ordinal);
    for (;;) {
        const auto record = take_record(rest_, frame_->header.recorded_ns);
        if (!record)
            fail(ordinal);
        const auto* event = std::get_if<event_record>(&*record);
        if (event == nullptr)
            continue; // a name
        const auto stream_here = segment_.index->stream_number(event->stream);
        const auto stream = segment_.index->stream(stream_here);
        event_.at = segment_.index->position_of(ordinal);
        event_.stream = stream.name;
        event_.stream_revision = revision{stream.base + event->revision_in_segment};
        event_.type = number_of_type(segment_.index->type_number(event->type));
        event_.record = *event;
        event_.in = &segment_;
        rest_ordinal_ = ordinal + 1;
        return is_reachable(event_, stream_here) ? &event_ : nullptr;
    }
}

const log_event* log_cursor::next() {
    while (const auto ordinal = next_ordinal()) {
        const auto* event = load(*ordinal);
        if (event == nullptr)
            continue;
        const auto occurred = event->record.occurred_at;
        if ((wanted_.since && occurred < *wanted_.since) ||
            (wanted_.until && occurred > *wanted_.until))
            continue;
        return event;
    }
    return nullptr;
}

} // namespace everfold::log
