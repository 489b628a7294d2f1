// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/log_cursor.hpp>

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
        const auto first = view.of->index.first();
        if (view.event_count == 0 || wanted_.to < first ||
            first.advanced(view.event_count - 1) < wanted_.from)
            continue;
        const auto begin =
            static_cast<std::uint32_t>(wanted_.from > first ? wanted_.from - first : 0);
        const auto end = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(view.event_count - 1, wanted_.to - first) + 1
        );
        if (is_everything_) {
            left_ = {begin, end};
        } else {
            matches_ = index_->matches(view, wanted_.items);
            const auto at = [&](std::uint32_t ordinal) {
                return static_cast<std::uint32_t>(
                    std::ranges::lower_bound(matches_, ordinal) - matches_.begin()
                );
            };
            left_ = {at(begin), at(end)};
        }
        if (left_.begin >= left_.end) { // also where the bounds cross
            left_ = {};
            continue;
        }
        segment_ = &view;
        reader_.emplace(view.source, view.of->seed, index_->batch_bytes_max());
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

bool log_cursor::is_in_time(const frame_entry& frame) const noexcept {
    // What nanoseconds can't hold is saturated, and then says nothing.
    const auto is_exact = [](std::int64_t ns) {
        return ns != std::numeric_limits<std::int64_t>::max() &&
               ns != std::numeric_limits<std::int64_t>::min();
    };
    if (wanted_.since && is_exact(frame.occurred_max_ns) &&
        timestamp::from_nanoseconds(frame.occurred_max_ns) < *wanted_.since)
        return false;
    return !(
        wanted_.until && is_exact(frame.occurred_min_ns) &&
        timestamp::from_nanoseconds(frame.occurred_min_ns) > *wanted_.until
    );
}

void log_cursor::load_frame(std::size_t number) {
    const auto& index = segment_->of->index;
    frame_number_ = number;
    frame_entry_ = index.frame(number);
    frame_end_ordinal_ = 0; // where reading throws, it is not loaded
    frame_ = nullptr;
    if (is_in_time(frame_entry_))
        frame_ = read_known_frame(*reader_, *segment_, number);
    frame_end_ordinal_ = number + 1 < segment_->frame_count ? index.frame(number + 1).first_ordinal
                                                            : segment_->event_count;
}

const log_event* log_cursor::load(std::uint32_t ordinal) {
    const auto& index = segment_->of->index;
    if (ordinal < frame_entry_.first_ordinal || ordinal >= frame_end_ordinal_) {
        // In order, the next event is in this frame or the one after it.
        const bool is_next = frame_end_ordinal_ != 0 && ordinal == frame_end_ordinal_;
        load_frame(is_next ? frame_number_ + 1 : index.frame_of(ordinal, segment_->frame_count));
    }
    if (frame_ == nullptr)
        return nullptr;
    const auto at = index.offset_of(ordinal) - frame_->at - frame_header_size;
    check(at < frame_->body.size(), "an event lies in its frame");
    auto rest = frame_->body.subspan(static_cast<std::size_t>(at));
    const auto record = take_record(rest, frame_->header.recorded_ns);
    const auto* event = record ? std::get_if<event_record>(&*record) : nullptr;
    check(event != nullptr, "an indexed record is an event");
    const auto& stream = index.stream(event->stream);
    event_.at = index.first().advanced(ordinal);
    event_.stream = stream.number;
    event_.stream_revision = revision{stream.base + event->revision_in_segment};
    event_.type = index.type(event->type);
    event_.record = *event;
    event_.index = &index;
    return &event_;
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
