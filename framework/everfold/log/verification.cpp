// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/verification.hpp>

#include <memory>
#include <unordered_map>
#include <utility>

namespace everfold::log {

namespace {

/// Where each stream has got to.
class stream_continuity {
public:
    /// The first `event_count` events of the segment.
    void take(const readable_segment& in, const segment_index& index) {
        has_removals_ = has_removals_ || in.entry->is_rewritten;
        for (std::uint32_t i = 0; i < index.stream_count(); ++i) {
            const auto stream = index.stream(i);
            auto& next = next_[std::string{stream.name}];
            const bool follows = has_removals_ ? stream.base >= next : stream.base == next;
            if (!follows)
                throw damage_at(
                    *in.source,
                    byte_offset{0},
                    "the stream '" + printable(stream.name) + "' begins at revision " +
                        std::to_string(stream.base) + " in this segment, and not at " +
                        std::to_string(next),
                    in.entry->first
                );
            const auto count = index.count_of_stream(i);
            next = count == 0 ? stream.base : index.revision_in_stream(i, count - 1).value() + 1;
        }
    }

private:
    std::unordered_map<std::string, std::uint64_t> next_{};
    bool has_removals_{}; // then there may be gaps
};

} // namespace

verification
verify_segments(const log_index& index, const std::function<void(std::uint64_t)>& on_progress) {
    verification out;
    stream_continuity streams;
    std::shared_ptr<const segment_entry> before;
    for (const auto& view : index.segments()) {
        const auto in = [&] {
            if (view.is_active())
                return index.open(view);
            return readable_segment{
                .entry = view.entry,
                .source = index.files().source_of(*view.entry),
                .event_count = view.event_count};
        }();
        ++out.segments;
        out.archived_segments += view.entry->kind == segment_kind::archived ? 1U : 0U;
        out.written_bytes += in.source->size();
        out.stored_bytes += in.source->stored_size();
        if (view.is_active()) {
            streams.take(in, *in.index);
        } else {
            const auto walked = walk_sealed_segment(
                in.source, *view.entry, before.get(), index.log_id(), index.batch_bytes_max()
            );
            streams.take(in, *walked);
            if (auto wrong = index.files().compare_index(*view.entry, *walked); !wrong.empty())
                out.notes.push_back(std::move(wrong));
        }
        on_progress(view.entry->first.value() + view.event_count);
        before = view.entry;
    }
    return out;
}

} // namespace everfold::log
