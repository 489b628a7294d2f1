// SPDX-License-Identifier: MIT
#include <everfold/log/segment_index.hpp>

#include <algorithm>
#include <limits>

namespace everfold::log {

namespace {

std::int64_t nearest_ns(timestamp t) noexcept {
    if (const auto ns = t.to_nanoseconds())
        return *ns;
    return t.seconds() < 0 ? std::numeric_limits<std::int64_t>::min()
                           : std::numeric_limits<std::int64_t>::max();
}

std::optional<std::uint32_t>
look_up(const std::unordered_map<std::uint32_t, std::uint32_t>& map, std::uint32_t number) {
    const auto found = map.find(number);
    return found == map.end() ? std::nullopt : std::optional{found->second};
}

} // namespace

std::optional<std::uint32_t> segment_index::local_stream_of(std::uint32_t number) const {
    return look_up(stream_numbers_, number);
}

std::optional<std::uint32_t> segment_index::local_type_of(std::uint32_t number) const {
    return look_up(type_numbers_, number);
}

std::optional<std::uint32_t> segment_index::local_tag_of(std::uint32_t number) const {
    return look_up(tag_numbers_, number);
}

std::size_t segment_index::frame_of(std::uint32_t ordinal, std::size_t count) const noexcept {
    // The last of the frames that begin at or before the event.
    std::size_t low = 0;
    std::size_t high = count;
    while (high - low > 1) {
        const auto middle = low + (high - low) / 2;
        (frames_[middle].first_ordinal <= ordinal ? low : high) = middle;
    }
    return low;
}

const char* segment_index::add(
    const frame_view& frame,
    std::uint64_t chain_after,
    name_tables& names,
    std::vector<std::uint64_t>& next_revisions
) {
    if (frame.body.size() < append_id_size)
        return "a batch is too short for its append id";
    frame_entry entry{
        .at_8 = static_cast<std::uint32_t>(frame.at.value() / 8),
        .first_ordinal = event_count(),
        .recorded_last_ns = frame.header.recorded_ns,
        .occurred_min_ns = std::numeric_limits<std::int64_t>::max(),
        .occurred_max_ns = std::numeric_limits<std::int64_t>::min(),
        .chain_after = chain_after};
    auto rest = frame.body.subspan(append_id_size);
    while (!rest.empty()) {
        const auto at = frame.end().value() - frame_trailer_size - rest.size();
        const auto record = take_record(rest, frame.header.recorded_ns);
        if (!record)
            return "a record is not well-formed";
        if (const auto* names_here = std::get_if<names_record>(&*record)) {
            if (const auto* fault = add_names(*names_here, names, next_revisions))
                return fault;
            continue;
        }
        const auto& event = std::get<event_record>(*record);
        if (const auto* fault = add_event(event, byte_offset{at}, next_revisions))
            return fault;
        entry.occurred_min_ns = std::min(entry.occurred_min_ns, nearest_ns(event.occurred_at));
        entry.occurred_max_ns = std::max(entry.occurred_max_ns, nearest_ns(event.occurred_at));
    }
    if (event_count() - entry.first_ordinal != frame.header.event_count)
        return "a batch has not as many events as its header says";
    if (frame.header.event_count > 0)
        frames_.push_back(entry);
    return nullptr;
}

const char* segment_index::add_names(
    const names_record& record, name_tables& names, std::vector<std::uint64_t>& next_revisions
) {
    const auto take_number = [&](auto& map, auto& list, std::uint32_t number, auto value) {
        map.emplace(number, record.number);
        list.push_back(value);
    };
    switch (record.kind) {
    case name_kind::stream: {
        if (record.number != streams_.size())
            return "a stream's number is not the next one";
        const auto number = names.streams.intern(record.name);
        if (number >= next_revisions.size())
            next_revisions.resize(number + 1);
        if (record.base != next_revisions[number])
            return "a stream does not go on where it ended";
        take_number(stream_numbers_, streams_, number, local_stream{number, record.base});
        by_stream_.emplace_back();
        return nullptr;
    }
    case name_kind::type: {
        if (record.number != types_.size() || record.number >= names_record_mark)
            return "a type's number is not the next one";
        if (record.base != static_cast<std::uint64_t>(payload_format::cbor))
            return "a payload is in an unknown format";
        const auto number = names.types.intern(record.name, record.version, payload_format::cbor);
        take_number(type_numbers_, types_, number, number);
        by_type_.emplace_back();
        return nullptr;
    }
    case name_kind::tag: {
        if (record.number != tags_.size())
            return "a tag's number is not the next one";
        const auto number = names.tags.intern(record.name);
        take_number(tag_numbers_, tags_, number, number);
        by_tag_.emplace_back();
        return nullptr;
    }
    }
    return "a name of an unknown kind";
}

const char* segment_index::add_event(
    const event_record& event, byte_offset at, std::vector<std::uint64_t>& next_revisions
) {
    if (event.stream >= by_stream_.size() || event.type >= by_type_.size())
        return "an event has a stream or type that has no name";
    auto& of_stream = by_stream_[event.stream];
    if (event.revision_in_segment != of_stream.size())
        return "a stream's revisions have a gap";
    const auto ordinal = event_count();
    for (std::size_t i = 0; i < event.tag_count(); ++i) {
        if (event.tag(i) >= by_tag_.size())
            return "an event has a tag that has no name";
        auto& of_tag = by_tag_[event.tag(i)];
        if (of_tag.empty() || of_tag.back() != ordinal)
            of_tag.push_back(ordinal);
    }
    of_stream.push_back(ordinal);
    by_type_[event.type].push_back(ordinal);
    ++next_revisions[streams_[event.stream].number];
    offsets_8_.push_back(static_cast<std::uint32_t>(at.value() / 8));
    return nullptr;
}

} // namespace everfold::log
