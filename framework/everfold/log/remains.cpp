// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/log/remains.hpp>

#include <algorithm>

namespace everfold::log {

namespace {

constexpr std::size_t run_size = 4 + 4;
constexpr std::size_t provenance_prefix_size = 4 * 8 + 4;

/// Where the records begin, or nothing.
std::optional<std::size_t> records_at(bytes_view body) {
    if (body.size() < remains_prefix_size)
        return {};
    const std::size_t runs = load_le<std::uint32_t>(body.data() + remains_prefix_size - 4);
    if (runs > (body.size() - remains_prefix_size) / run_size)
        return {};
    return remains_prefix_size + runs * run_size;
}

} // namespace

byte_buffer encode(const remains& r) {
    byte_buffer out;
    out.reserve(remains_prefix_size + r.runs.size() * run_size + r.records.size());
    append_le(out, r.chain_after);
    append_bytes(out, r.append_id.octets);
    append_le(out, r.frames);
    append_le(out, static_cast<std::uint32_t>(r.runs.size()));
    for (const auto& run : r.runs) {
        append_le(out, run.at);
        append_le(out, run.count);
    }
    append_bytes(out, r.records);
    return out;
}

std::optional<remains> decode_remains(const frame_view& frame) {
    const auto records = records_at(frame.body);
    if (!records || *records == remains_prefix_size)
        return {};
    remains out{
        .chain_after = load_le<std::uint64_t>(frame.body.data()),
        .frames = load_le<std::uint32_t>(frame.body.data() + 8 + append_id_size),
        .records = frame.body.subspan(*records)};
    std::copy_n(frame.body.begin() + 8, append_id_size, out.append_id.octets.begin());
    std::uint64_t free_from = 0;
    for (auto at = remains_prefix_size; at < *records; at += run_size) {
        const removed_run run{
            load_le<std::uint32_t>(frame.body.data() + at),
            load_le<std::uint32_t>(frame.body.data() + at + 4)};
        // Runs that touch would be one.
        if (run.count == 0 || run.at < free_from || (run.at == free_from && free_from != 0))
            return {};
        free_from = std::uint64_t{run.at} + run.count;
        out.runs.push_back(run);
    }
    if (out.frames == 0 || free_from > frame.header.event_count)
        return {};
    return out;
}

byte_buffer encode(const provenance& p) {
    check(p.why.size() <= provenance_text_max, "the reason of a removal is short");
    byte_buffer out;
    out.reserve(aligned_8(provenance_prefix_size + p.why.size()));
    append_le(out, p.at_ns);
    append_le(out, p.source_id);
    append_le(out, p.removed_events);
    append_le(out, p.source_bytes);
    append_le(out, static_cast<std::uint32_t>(p.why.size()));
    append_bytes(out, as_bytes(p.why));
    out.resize(aligned_8(out.size()));
    return out;
}

std::optional<provenance> decode_provenance(bytes_view body) {
    if (body.size() < provenance_prefix_size)
        return {};
    const std::size_t length = load_le<std::uint32_t>(body.data() + 32);
    if (length > provenance_text_max || aligned_8(provenance_prefix_size + length) != body.size())
        return {};
    return provenance{
        .at_ns = load_le<std::int64_t>(body.data()),
        .source_id = load_le<std::uint64_t>(body.data() + 8),
        .removed_events = load_le<std::uint64_t>(body.data() + 16),
        .source_bytes = load_le<std::uint64_t>(body.data() + 24),
        .why = std::string{as_text(body.subspan(provenance_prefix_size, length))}};
}

std::optional<std::uint64_t> chain_through(const frame_view& frame, std::uint64_t before) {
    if (frame.header.kind == frame_kind::batch)
        return chain_after(before, frame.header.body_checksum);
    if (frame.header.kind != frame_kind::remains || frame.body.size() < remains_prefix_size ||
        frame.header.chain_low != static_cast<std::uint32_t>(before))
        return {};
    return load_le<std::uint64_t>(frame.body.data());
}

uuid append_id_of(const frame_view& frame) {
    uuid out;
    std::size_t at = 0;
    switch (frame.header.kind) {
    case frame_kind::batch:
        break;
    case frame_kind::remains:
        at = 8;
        break;
    case frame_kind::mark:
    case frame_kind::seal:
    case frame_kind::provenance:
        return out;
    }
    if (frame.body.size() >= at + append_id_size)
        std::copy_n(frame.body.data() + at, append_id_size, out.octets.data());
    return out;
}

bytes_view records_of(const frame_view& frame) {
    switch (frame.header.kind) {
    case frame_kind::batch:
        return frame.body.size() < append_id_size ? bytes_view{}
                                                  : frame.body.subspan(append_id_size);
    case frame_kind::remains: {
        const auto at = records_at(frame.body);
        return at ? frame.body.subspan(*at) : bytes_view{};
    }
    case frame_kind::mark:
    case frame_kind::seal:
    case frame_kind::provenance:
        break;
    }
    return {};
}

} // namespace everfold::log
