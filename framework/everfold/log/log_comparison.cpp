// SPDX-License-Identifier: MIT
#include <everfold/log/log_comparison.hpp>
#include <everfold/log/opening.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace everfold::log {

namespace {

/// Walks one segment, the active one as far as its frames check.
walk_state walk(
    const io::machine& machine,
    const std::string& directory,
    const manifest& content,
    std::size_t number,
    std::vector<batch_end>& into
) {
    const auto& entry = content.segments[number];
    const bool is_active = entry.kind == segment_kind::active;
    auto state = beginning_of(entry, number == 0 ? nullptr : &content.segments[number - 1]);
    into.push_back({state.next, state.at, state.chain});
    auto source = open_segment(machine, directory, entry, content.log_id);
    const auto end = is_active ? byte_offset{source->size()} : entry.end_offset;
    frame_reader reader{
        std::move(source), header_seed(content.log_id, entry.id), content.limits.batch_bytes_max};
    walk_frames(reader, end, state, [&](const frame_view& batch, std::uint64_t chain) {
        into.push_back({batch.header.first.advanced(batch.header.event_count), batch.end(), chain});
        return nullptr;
    });
    auto known = state.at;
    if (is_active) {
        for (auto from = state.at; const auto found = reader.find_header(from, end);) {
            known = std::max(known, found->header.watermark);
            from = found->at.advanced(8);
        }
    }
    if (known > state.at || (!is_active && (!state.is_sealed || state.next != entry.end)))
        throw damage_at(reader.source(), state.at, std::string{state.why}, state.next);
    return state;
}

/// The chain of a log at any place between batches.
class chains {
public:
    chains(const io::machine& machine, const compared_log& of)
        : machine_{&machine}
        , of_{&of} {}

    /// Nothing where the place lies beyond the end, or in a batch, or among what was removed.
    [[nodiscard]] std::optional<std::uint64_t> at(position p) {
        if (p >= of_->end.next)
            return p == of_->end.next ? std::optional{of_->end.chain} : std::nullopt;
        const auto& segments = of_->content.segments;
        // The last segment that begins there or before; one may be empty.
        const auto after = std::ranges::upper_bound(segments, p, {}, &segment_entry::first);
        const auto number = static_cast<std::size_t>(after - segments.begin()) - 1;
        if (segments[number].first == p)
            return segments[number].chain_start;
        if (number != known_ || batches_.empty()) {
            batches_.clear();
            walk(*machine_, of_->directory, of_->content, number, batches_);
            known_ = number;
        }
        const auto found = std::ranges::lower_bound(batches_, p, {}, &batch_end::at);
        if (found == batches_.end() || found->at != p)
            return {};
        return found->chain;
    }

private:
    const io::machine* machine_;
    const compared_log* of_;
    std::size_t known_{};
    std::vector<batch_end> batches_{};
};

/// Where the last sync ended that a frame or the head mark knows of.
position durable_end(const compared_log& log) {
    const auto& active = log.content.segments.back();
    // What lies before the active segment was durable before the manifest named that.
    auto out = std::max(log.head.end, active.first);
    auto known = log.end.watermark;
    if (log.head.segment_number == active.number && log.head.segment_id == active.id)
        known = std::max(known, log.head.durable);
    for (const auto& b : log.active) {
        if (b.offset <= known)
            out = std::max(out, b.at);
    }
    return out;
}

} // namespace

compared_log look_at(const io::machine& machine, const std::string& directory) {
    auto loaded = load_for_reading(machine, directory); // judges what a crash has left
    compared_log out{
        .directory = directory, .content = std::move(loaded.content), .head = loaded.head.mark};
    out.end = walk(machine, directory, out.content, out.content.segments.size() - 1, out.active);
    out.durable = durable_end(out);
    return out;
}

position
common_end(const io::machine& machine, const compared_log& one, const compared_log& other) {
    chains theirs{machine, other};
    // The chain stands for all before it.
    if (theirs.at(one.end.next) == one.end.chain)
        return one.end.next;
    const auto& segments = one.content.segments;
    for (auto number = segments.size(); number-- > 0;) {
        const auto& entry = segments[number];
        if (theirs.at(entry.first) != entry.chain_start)
            continue;
        std::vector<batch_end> batches;
        walk(machine, one.directory, one.content, number, batches);
        auto last = entry.first;
        for (const auto& b : batches) {
            if (theirs.at(b.at) == b.chain)
                last = b.at;
        }
        return last;
    }
    return {};
}

byte_offset common_bytes(segment_source& one, segment_source& other) {
    segment_source::scratch one_scratch;
    segment_source::scratch other_scratch;
    byte_buffer a(256_KiB);
    byte_buffer b(256_KiB);
    for (byte_offset at{};;) {
        const auto n = one.read_at(at, a, one_scratch);
        const auto m = other.read_at(at, b, other_scratch);
        const auto both = static_cast<std::ptrdiff_t>(std::min(n, m));
        const auto differs = std::mismatch(a.begin(), a.begin() + both, b.begin()).first;
        at = at.advanced(static_cast<std::uint64_t>(differs - a.begin()));
        if (differs != a.begin() + both || n != m || n < a.size())
            return at;
    }
}

} // namespace everfold::log
