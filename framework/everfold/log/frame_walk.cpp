// SPDX-License-Identifier: MIT
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/remains.hpp>
#include <everfold/log/segment_file.hpp>

#include <utility>

namespace everfold::log {

corruption
damage_at(const segment_source& source, byte_offset at, std::string what, position first_lost) {
    what += "; events before position " + std::to_string(first_lost.value()) + " are intact";
    corruption damage{source.file_name(), at, what};
    damage.first_lost = first_lost;
    return damage;
}

walk_state beginning_of(const segment_entry& entry, const segment_entry* before) {
    return {
        .at = first_frame,
        .next = entry.first,
        .chain = entry.chain_start,
        .epoch = before == nullptr ? 0 : before->epoch_end,
        .recorded_ns = before == nullptr ? 0 : before->recorded_last_ns,
        .is_rewritten = entry.is_rewritten,
        .first = entry.first};
}

namespace {

/// Where the frame holds what a frame of its kind never does, a sentence.
std::string_view fault_of_kind(const frame_view& frame, const walk_state& state) {
    const auto& header = frame.header;
    switch (header.kind) {
    case frame_kind::batch:
        return {};
    case frame_kind::mark:
        if (!frame.body.empty() || header.event_count != 0)
            return "a mark holds something";
        return {};
    case frame_kind::seal:
        return header.event_count != 0 ? "a seal holds events" : std::string_view{};
    case frame_kind::remains:
        return state.is_rewritten ? std::string_view{} : "remains in a segment that lost nothing";
    case frame_kind::provenance:
        if (!state.is_rewritten)
            return "a provenance in a segment that lost nothing";
        if (header.event_count != 0 || !decode_provenance(frame.body))
            return "a provenance is not well-formed";
        return {};
    }
    return {};
}

} // namespace

void walk_frames(
    frame_reader& reader, byte_offset end, walk_state& state, const batch_sink& take_batch
) {
    state.why = {};
    while (state.at < end) {
        const auto* frame = reader.read(state.at, end);
        if (frame == nullptr) {
            state.why = in_words(reader.fault());
            return;
        }
        const auto& header = frame->header;
        if (state.is_sealed)
            state.why = "a frame follows the segment's seal";
        else if (header.first != state.next)
            state.why = "a frame does not begin at the position where the one before ended";
        else if (header.chain_low != static_cast<std::uint32_t>(state.chain))
            state.why = "a frame does not follow the one before it";
        else if (header.epoch < state.epoch)
            state.why = "a frame is of an earlier life of the log";
        else if (header.recorded_ns < state.recorded_ns)
            state.why = "a frame was recorded before the one before it";
        else
            state.why = fault_of_kind(*frame, state);
        if (!state.why.empty())
            return;
        switch (header.kind) {
        case frame_kind::batch: {
            const auto chain = chain_after(state.chain, header.body_checksum);
            if (const auto* fault = take_batch(*frame, chain))
                throw damage_at(reader.source(), state.at, fault, state.next);
            state.chain = chain;
            state.next = state.next.advanced(header.event_count);
            break;
        }
        case frame_kind::remains: {
            const auto left = decode_remains(*frame);
            if (!left) {
                state.why = "what remains of a batch is not well-formed";
                return;
            }
            if (const auto* fault = take_batch(*frame, left->chain_after))
                throw damage_at(reader.source(), state.at, fault, state.next);
            state.chain = left->chain_after;
            state.next = state.next.advanced(header.event_count);
            break;
        }
        case frame_kind::mark:
        case frame_kind::provenance:
            break;
        case frame_kind::seal: {
            const auto s = decode_seal(frame->body);
            if (!s || s->first != state.first || s->end != state.next || s->chain != state.chain ||
                s->frame_count != state.frame_count) {
                state.why = "the segment's seal does not match its content";
                return;
            }
            state.is_sealed = true;
            break;
        }
        }
        ++state.frame_count;
        state.epoch = header.epoch;
        state.recorded_ns = header.recorded_ns;
        state.watermark = header.watermark;
        state.last_frame = state.at;
        state.at = frame->end();
    }
}

std::shared_ptr<growing_index> walk_sealed_segment(
    std::shared_ptr<segment_source> source,
    const segment_entry& entry,
    const segment_entry* before,
    const uuid& log_id,
    std::uint32_t batch_bytes_max
) {
    auto index = std::make_shared<growing_index>(
        entry.first,
        entry.is_rewritten ? growing_index::of::rewritten : growing_index::of::as_written
    );
    frame_reader reader{std::move(source), header_seed(log_id, entry.id), batch_bytes_max};
    auto state = beginning_of(entry, before);
    walk_frames(reader, entry.end_offset, state, [&](const frame_view& batch, std::uint64_t chain) {
        return index->add(batch, chain);
    });
    if (!state.is_sealed || state.at != entry.end_offset || state.next != entry.end ||
        state.chain != entry.chain_end || state.epoch != entry.epoch_end ||
        state.recorded_ns != entry.recorded_last_ns || index->event_count() != entry.event_count ||
        index->summary().has_own_streams != entry.has_own_streams ||
        index->summary().occurred_min_ns != entry.occurred_min_ns ||
        index->summary().occurred_max_ns != entry.occurred_max_ns)
        throw damage_at(
            reader.source(),
            state.at,
            state.why.empty() ? "the segment is not as it was sealed" : std::string{state.why},
            state.next
        );
    return index;
}

} // namespace everfold::log
