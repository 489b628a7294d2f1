// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/index_at_close.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace everfold::log {

namespace {

/// Whether the last frame that the index is of is there, and the one that it says.
bool is_confirmed(
    const read_index& stored,
    const segment_entry& entry,
    const uuid& log_id,
    std::uint32_t batch_bytes_max,
    const std::shared_ptr<segment_source>& active
) {
    const auto& of = stored.of;
    const auto& growth = *of.growth;
    const auto& index = *stored.content;
    frame_reader reader{active, header_seed(log_id, entry.id), batch_bytes_max};
    const auto* frame = reader.read(growth.last_frame, of.end_offset);
    if (frame == nullptr || frame->end() != of.end_offset)
        return false;
    const auto& header = frame->header;
    if (header.first.advanced(header.event_count) != of.end || header.epoch != growth.epoch ||
        header.recorded_ns != growth.recorded_ns || header.watermark != growth.watermark)
        return false;
    const auto known = index.frame_count();
    auto chain = entry.chain_start;
    if (header.kind == frame_kind::batch) {
        if (known == 0 || index.frame(known - 1).at() != growth.last_frame)
            return false;
        if (known > 1)
            chain = index.frame(known - 2).chain_after;
        return header.chain_low == static_cast<std::uint32_t>(chain) &&
               chain_after(chain, header.body_checksum) == of.chain_end &&
               index.frame(known - 1).chain_after == of.chain_end;
    }
    if (known > 0)
        chain = index.frame(known - 1).chain_after;
    return header.kind == frame_kind::mark && chain == of.chain_end &&
           header.chain_low == static_cast<std::uint32_t>(chain);
}

} // namespace

std::uint64_t unindexed_bytes_max(const size_limits& limits) noexcept {
    return std::min<std::uint64_t>(16_KiB, limits.segment_bytes_max / 8);
}

index_identity identity_of_active(
    const uuid& log_id, const segment_entry& entry, const growing_index& index, const walk_state& at
) {
    return {
        .log_id = log_id,
        .segment_id = entry.id,
        .first = entry.first,
        .end = at.next,
        .end_offset = at.at,
        .chain_end = at.chain,
        .event_count = index.event_count(),
        .growth = segment_growth{
            .frame_count = at.frame_count,
            .last_frame = at.last_frame,
            .epoch = at.epoch,
            .recorded_ns = at.recorded_ns,
            .watermark = at.watermark,
            .summary = index.summary()}};
}

std::optional<index_taken_up> take_up_index(
    const io::machine& machine,
    const std::string& directory,
    const manifest& content,
    const head_mark_read& head,
    const std::shared_ptr<segment_source>& active,
    segment_files& files
) {
    const auto& entry = content.segments.back();
    const auto& mark = head.mark;
    // After anything but a clean close, what was written is looked at again.
    if (mark.state != head_state::closed || !head.are_both_whole ||
        mark.segment_number != entry.number || mark.segment_id != entry.id ||
        active->size() != mark.durable.value())
        return {};
    const auto name = index_file_name(entry);
    const auto path = io::join(directory, name);
    if (machine.files->kind(path) == io::path_kind::missing)
        return {};
    std::string why;
    try {
        const auto stored = read_stored_index(*machine.files, path, why);
        const auto& of = stored.of;
        if (stored.content != nullptr &&
            (!of.growth || of.log_id != content.log_id || of.segment_id != entry.id ||
             of.first != entry.first || of.end_offset > mark.durable || of.end > mark.end))
            why = "it is of another segment, or of another state of it";
        else if (stored.content != nullptr) {
            if (!is_confirmed(
                    stored, entry, content.log_id, content.limits.batch_bytes_max, active
                ))
                return {}; // walking the frames tells which of the two is wrong
            const auto& growth = *of.growth;
            return index_taken_up{
                std::make_shared<growing_index>(stored.content, growth.summary),
                {.at = of.end_offset,
                 .next = of.end,
                 .chain = of.chain_end,
                 .epoch = growth.epoch,
                 .recorded_ns = growth.recorded_ns,
                 .watermark = growth.watermark,
                 .frame_count = growth.frame_count,
                 .last_frame = growth.last_frame,
                 .first = entry.first}};
        }
    } catch (const error& e) {
        why = e.what();
    }
    files.note("the index '" + name + "' is not used: " + why);
    return {};
}

} // namespace everfold::log
