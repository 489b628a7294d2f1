// SPDX-License-Identifier: MIT
// Frames and their records: what the walk makes of them is what the reference reader makes of them,
// and the index of a part of them is that part of the index. The input: a byte that is odd for a
// rewritten segment, seven that are not used, and frames.

#include "fuzz.hpp"
#include "reference_frames.hpp"
#include "repairs.hpp"

#include <everfold/log/frame_walk.hpp>
#include <everfold/log/remains.hpp>

#include <support/memory_source.hpp>

namespace everfold::fuzz {

namespace {

struct walked {
    log::walk_state state{};
    bool is_malformed{};
    std::vector<reference::event> events{};
};

std::string text_of(bytes_view bytes) {
    return std::string{as_text(bytes)};
}

/// The last events of the index are those of the frame.
void take_events(
    const log::frame_view& frame, const log::growing_index& index, std::uint32_t from, walked& out
) {
    auto ordinal = from;
    for (auto rest = log::records_of(frame); !rest.empty();) {
        const auto record = log::take_record(rest, frame.header.recorded_ns);
        require(record.has_value(), "what the index has taken in is a record");
        const auto* e = std::get_if<log::event_record>(&*record);
        if (e == nullptr)
            continue;
        const auto stream = index.stream(index.stream_number(e->stream));
        const auto type = index.type(index.type_number(e->type));
        auto& event = out.events.emplace_back();
        event.position = index.position_of(ordinal).value();
        event.record_at = index.offset_of(ordinal).value();
        event.revision = stream.base + e->revision_in_segment;
        event.stream = stream.name;
        event.type = type.name;
        event.version = type.version;
        for (std::size_t i = 0; i < e->tag_count(); ++i)
            event.tags.emplace_back(index.tag(index.tag_number(e->tag(i))));
        event.recorded_ns = e->recorded_ns;
        event.occurred_seconds = e->occurred_at.seconds();
        event.occurred_nanoseconds = e->occurred_at.nanoseconds();
        event.ids = text_of(e->id.octets) + text_of(e->correlation_id.octets) +
                    text_of(e->causation_id.octets);
        event.metadata = text_of(e->metadata);
        event.payload = text_of(e->payload);
        ++ordinal;
    }
    require(ordinal == index.event_count(), "each event of a batch is in the index");
}

walked walk(const byte_buffer& file, bool is_rewritten) {
    log::frame_reader reader{
        std::make_shared<testing::memory_source>(file), frames_seed(), batch_bytes_max};
    log::growing_index index{
        position{},
        is_rewritten ? log::growing_index::of::rewritten : log::growing_index::of::as_written};
    log::segment_entry entry;
    entry.is_rewritten = is_rewritten;
    walked out{.state = log::beginning_of(entry, nullptr)};
    try {
        log::walk_frames(
            reader,
            byte_offset{file.size()},
            out.state,
            [&](const log::frame_view& frame, std::uint64_t chain) {
                const auto before = index.event_count();
                const auto* fault = index.add(frame, chain);
                if (fault == nullptr)
                    take_events(frame, index, before, out);
                return fault;
            }
        );
    } catch (const corruption&) {
        out.is_malformed = true;
    }
    return out;
}

void require_same(const walked& ours, const reference::segment& theirs) {
    require(ours.state.at.value() == theirs.at, "both stop at the same frame");
    require(ours.is_malformed == theirs.is_malformed, "both find the same records not well-formed");
    require(ours.state.next.value() == theirs.next || ours.is_malformed, "both know the same end");
    require(ours.state.chain == theirs.chain, "both have the same chain");
    require(ours.state.epoch == theirs.epoch, "both are in the same epoch");
    require(ours.state.recorded_ns == theirs.recorded_ns, "both know the same time");
    require(ours.state.watermark.value() == theirs.watermark, "both know the same watermark");
    require(ours.state.frame_count == theirs.frames, "both count the same frames");
    require(ours.state.is_sealed == theirs.is_sealed, "both see the same seal");
    // Of a batch that is not well-formed, one has taken some events already.
    require(
        ours.events.size() == theirs.events.size() ||
            (ours.is_malformed && ours.events.size() < theirs.events.size()),
        "both see as many events"
    );
    for (std::size_t i = 0; i < ours.events.size(); ++i)
        require(ours.events[i] == theirs.events[i], "both see the same events");
}

} // namespace

void run(bytes_view input) {
    input_reader in{input};
    const bool is_rewritten = in.number<std::uint64_t>() % 2 != 0;
    byte_buffer file(frames_at);
    file.reserve(frames_at + in.rest().size());
    append_bytes(file, in.rest());
    const auto all = walk(file, is_rewritten);
    require_same(all, reference::read(file, frames_seed(), batch_bytes_max, is_rewritten));
    if (all.is_malformed || all.state.at.value() == frames_at)
        return;
    // Cut anywhere, it is the frames before the cut.
    file.resize(static_cast<std::size_t>(all.state.at.value() - 8 * (1 + input.size() % 9)));
    const auto part = walk(file, is_rewritten);
    require(part.state.at < all.state.at && !part.is_malformed, "a cut loses the last frame");
    require(part.state.next <= all.state.next, "a cut adds no event");
    for (std::size_t i = 0; i < part.events.size(); ++i)
        require(part.events[i] == all.events[i], "a cut changes no event before it");
}

void repair(std::span<std::byte> input, std::uint32_t choice) {
    if (input.size() > 8)
        repair_frames(input.subspan(8), choice);
}

} // namespace everfold::fuzz
