// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/log_cursor.hpp>
#include <everfold/log/remains.hpp>

#include <algorithm>
#include <utility>

namespace everfold::log {

namespace {

/// Has the processor fetch what the index says of the records' streams, all of them at once: one
/// after the other, each would be waited for.
void prefetch_streams(const segment_index& index, bytes_view records) noexcept {
    if (index.sparse() != nullptr)
        return; // its numbers are others
    glance_at_streams(records, [&](std::uint32_t number) { index.prefetch_stream(number); });
    glance_at_streams(records, [&](std::uint32_t number) { index.prefetch_stream_name(number); });
}

} // namespace

log_cursor::log_cursor(const log_index& index, selection wanted)
    : index_{&index}
    , wanted_{std::move(wanted)}
    , plans_(wanted_.items.size())
    , segments_{index.segments()}
    , segments_left_{segments_.size()} {
    counts_.segments = segments_.size();
    end_ = segments_.empty() ? position{} : segments_.back().end;
}

ordinal_range log_cursor::bounded(const segment_view& view) const {
    const auto& index = *segment_.index;
    auto begin = index.ordinal_from(std::max(wanted_.from, view.entry->first));
    auto end = wanted_.to >= view.end
                   ? segment_.event_count
                   : std::min(segment_.event_count, index.ordinal_from(wanted_.to.advanced(1)));
    // recorded_at never falls from one frame to the next.
    const auto frames_until = [&](const auto& is_before) {
        std::size_t low = 0;
        std::size_t high = segment_.frame_count;
        while (low < high) {
            const auto middle = low + (high - low) / 2;
            if (is_before(index.frame(middle).recorded_last_ns))
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    };
    const auto first_of = [&](std::size_t frame) {
        return frame < segment_.frame_count ? index.frame(frame).first_ordinal
                                            : segment_.event_count;
    };
    if (wanted_.recorded_since_ns != std::numeric_limits<std::int64_t>::min())
        begin = std::max(begin, first_of(frames_until([&](std::int64_t last) {
                             return last < wanted_.recorded_since_ns;
                         })));
    if (wanted_.recorded_until_ns != std::numeric_limits<std::int64_t>::max())
        end = std::min(
            end,
            first_of(
                frames_until([&](std::int64_t last) { return last <= wanted_.recorded_until_ns; }) +
                1
            )
        ); // the first of the frames behind may have begun in time
    return {begin, std::max(begin, end)};
}

bool log_cursor::open_next_segment() {
    while (segments_left_ > 0) {
        const auto at =
            wanted_.is_backwards ? segments_left_ - 1 : segments_.size() - segments_left_;
        --segments_left_;
        const auto& view = segments_[at];
        if (view.event_count == 0 || wanted_.to < view.entry->first || view.end <= wanted_.from) {
            ++counts_.segments_outside;
            continue;
        }
        const auto* before =
            at > 0 && segments_[at - 1].event_count > 0 ? &segments_[at - 1] : nullptr;
        if ((!view.is_active() &&
             (!is_in_time(view.entry->occurred_min_ns, view.entry->occurred_max_ns) ||
              view.entry->recorded_last_ns < wanted_.recorded_since_ns)) ||
            (before != nullptr && before->entry->recorded_last_ns > wanted_.recorded_until_ns)) {
            ++counts_.segments_at_other_times;
            continue;
        }
        segment_ = index_->open(view);
        is_concerned_ =
            wanted_.reachable != nullptr && wanted_.reachable->concerns(view.has_own_streams);
        left_ = bounded(view);
        if (left_.begin == left_.end) { // the bounds cross, or what lay between is gone
            ++counts_.segments_outside;
            continue;
        }
        plans_here_ = index_->plan(segment_, wanted_.items, left_);
        for (std::size_t i = 0; i < plans_.size(); ++i)
            plans_[i].add(plans_here_[i]);
        if (std::ranges::all_of(plans_here_, [](const item_plan& p) {
                return p.by == lookup::nothing;
            })) {
            ++counts_.segments_without_match;
            continue;
        }
        return true;
    }
    left_ = {};
    return false;
}

void log_cursor::survey() {
    while (open_next_segment())
        ++counts_.segments_entered;
    left_ = {};
}

bool log_cursor::enter_next_segment() {
    while (open_next_segment()) {
        candidates_ = index_->collect(segment_, wanted_.items, plans_here_, left_);
        if (!candidates_.are_all)
            left_ = {0, static_cast<std::uint32_t>(candidates_.ordinals.size())};
        if (left_.begin == left_.end) {
            ++counts_.segments_without_match;
            continue;
        }
        ++counts_.segments_entered;
        counts_.candidates += left_.size();
        reader_.emplace(segment_.source, segment_.seed, index_->batch_bytes_max());
        type_numbers_.clear();
        reach_.clear();
        streams_named_ = segment_.index->sparse() == nullptr ? segment_.index->stream_count() : 0;
        is_asked_ = is_anything_unwanted();
        is_plain_ = !is_asked_ && candidates_.are_all && !wanted_.is_backwards;
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
    return candidates_.are_all ? at : candidates_.ordinals[at];
}

void log_cursor::pass_frame() noexcept {
    if (!candidates_.are_all)
        return;
    if (wanted_.is_backwards)
        left_.end = std::clamp(frame_entry_.first_ordinal, left_.begin, left_.end);
    else
        left_.begin = std::clamp(frame_end_ordinal_, left_.begin, left_.end);
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
        ++counts_.frames_read;
        rest_ = records_of(*frame_);
        rest_ordinal_ = frame_entry_.first_ordinal;
        if (candidates_.are_all)
            prefetch_streams(*segment_.index, rest_);
    } else {
        ++counts_.frames_at_other_times;
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
    if (!is_concerned_)
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
    auto& record = event_.record;
    names_record names;
    auto kind = record_kind::names;
    while (kind == record_kind::names)
        kind = take_record(rest_, frame_->header.recorded_ns, record, names);
    if (kind == record_kind::malformed)
        fail(ordinal);
    const auto& index = *segment_.index;
    const auto stream_here =
        record.stream < streams_named_ ? record.stream : index.stream_number(record.stream);
    const auto stream = index.stream(stream_here);
    event_.at = index.position_of(ordinal);
    event_.stream = stream.name;
    event_.stream_here = stream_here;
    event_.stream_revision = revision{stream.base + record.revision_in_segment};
    // What was asked for before needs no other look.
    const auto type_here = index.sparse() == nullptr && record.type < type_numbers_.size()
                               ? record.type
                               : index.type_number(record.type);
    event_.type = number_of_type(type_here);
    event_.in = &segment_;
    rest_ordinal_ = ordinal + 1;
    ++counts_.events_decoded;
    return !is_asked_ || is_wanted(stream_here, type_here) ? &event_ : nullptr;
}

timestamp log_cursor::begin_plain(event_record& record) const noexcept {
    record = {};
    record.recorded_ns = frame_->header.recorded_ns;
    return timestamp::from_nanoseconds(record.recorded_ns);
}

bool log_cursor::is_anything_unwanted() const noexcept {
    return !candidates_.are_exact || wanted_.since || wanted_.until || is_concerned_ ||
           wanted_.recorded_since_ns != std::numeric_limits<std::int64_t>::min() ||
           wanted_.recorded_until_ns != std::numeric_limits<std::int64_t>::max();
}

bool log_cursor::is_wanted(std::uint32_t stream_here, std::uint32_t type_here) {
    const auto& record = event_.record;
    if (!candidates_.are_exact &&
        !candidates_.filter.matches(*segment_.index, stream_here, type_here, record)) {
        ++counts_.events_unmatched;
        return false;
    }
    if ((wanted_.since && record.occurred_at < *wanted_.since) ||
        (wanted_.until && record.occurred_at > *wanted_.until) ||
        record.recorded_ns < wanted_.recorded_since_ns ||
        record.recorded_ns > wanted_.recorded_until_ns) {
        ++counts_.events_at_other_times;
        return false;
    }
    if (!is_reachable(event_, stream_here)) {
        ++counts_.events_out_of_reach;
        return false;
    }
    return true;
}

found_append log_cursor::batch() const noexcept {
    return {append_id_of(*frame_), frame_->header.first, frame_->header.event_count};
}

const log_event* log_cursor::next() {
    while (const auto ordinal = next_ordinal()) {
        if (const auto* event = load(*ordinal))
            return event;
        if (frame_ == nullptr)
            pass_frame();
    }
    return nullptr;
}

const log_event* log_cursor::next_in_frame() {
    while (frame_ != nullptr && left_.begin != left_.end) {
        const auto at = wanted_.is_backwards ? left_.end - 1 : left_.begin;
        const auto ordinal = candidates_.are_all ? at : candidates_.ordinals[at];
        if (ordinal < frame_entry_.first_ordinal || ordinal >= frame_end_ordinal_)
            break;
        if (wanted_.is_backwards)
            --left_.end;
        else
            ++left_.begin;
        if (const auto* event = load(ordinal))
            return event;
    }
    return nullptr;
}

} // namespace everfold::log
