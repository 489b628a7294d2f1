// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/prefetch.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/growing_index.hpp>
#include <everfold/log/remains.hpp>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace everfold::log {

namespace {

std::int64_t nearest_ns(timestamp t) noexcept {
    if (const auto ns = t.to_nanoseconds())
        return *ns;
    return t.seconds() < 0 ? std::numeric_limits<std::int64_t>::min()
                           : std::numeric_limits<std::int64_t>::max();
}

void append(std::span<const std::uint32_t> list, ordinal_list& out) {
    out.insert(out.end(), list.begin(), list.end());
}

std::uint64_t hash_of(const uuid& id) noexcept {
    return checksum(id.octets, 0);
}

} // namespace

growing_index::growing_index(
    std::shared_ptr<const segment_index> before, const index_summary& summary
)
    : segment_index{before->first()}
    , sparse_{nullptr}
    , before_{
          .index = before,
          .events = before->event_count(),
          .frames = before->frame_count(),
          .streams = before->stream_count(),
          .types = before->type_count(),
          .tags = before->tag_count()}
    , covered_{before_.events}
    , summary_{summary}
    , by_stream_{before_.streams}
    , by_type_{before_.types}
    , by_tag_{before_.tags} {
    for (std::uint32_t i = 0; i < before_.types; ++i) {
        const auto type = before->type(i);
        static_cast<void>(types_.intern(type.name, type.version, type.format));
    }
}

std::optional<std::uint32_t> growing_index::find_stream(std::string_view name) const {
    if (const auto here = streams_.find(name))
        return before_.streams + *here;
    return before_.streams == 0 ? std::nullopt : before_.index->find_stream(name);
}

std::optional<std::uint32_t> growing_index::find_tag(std::string_view text) const {
    if (const auto here = tags_.find(text))
        return before_.tags + *here;
    return before_.tags == 0 ? std::nullopt : before_.index->find_tag(text);
}

std::vector<std::uint32_t> growing_index::find_streams_with(std::string_view prefix) const {
    std::vector<std::uint32_t> out;
    if (before_.streams > 0)
        out = before_.index->find_streams_with(prefix);
    for (std::uint32_t i = 0; i < streams_.size(); ++i) {
        if (streams_.text(i).starts_with(prefix))
            out.push_back(before_.streams + i);
    }
    return out;
}

std::uint32_t growing_index::count_of_stream(std::uint32_t number) const {
    const auto before = number < before_.streams ? before_.index->count_of_stream(number) : 0;
    return before + static_cast<std::uint32_t>(by_stream_[number].size());
}

std::uint32_t growing_index::count_of_type(std::uint32_t number) const {
    const auto before = number < before_.types ? before_.index->count_of_type(number) : 0;
    return before + static_cast<std::uint32_t>(by_type_[number].size());
}

std::uint32_t growing_index::count_of_tag(std::uint32_t number) const {
    const auto before = number < before_.tags ? before_.index->count_of_tag(number) : 0;
    return before + static_cast<std::uint32_t>(by_tag_[number].size());
}

std::uint32_t growing_index::ordinal_in_stream(std::uint32_t number, std::uint32_t i) const {
    if (number >= before_.streams)
        return by_stream_[number][i];
    const auto before = before_.index->count_of_stream(number);
    return i < before ? before_.index->ordinal_in_stream(number, i)
                      : by_stream_[number][i - before];
}

std::uint32_t growing_index::count_of_stream_before(std::uint32_t number, std::uint32_t end) const {
    if (end < before_.events)
        return segment_index::count_of_stream_before(number, end);
    const auto here = by_stream_[number];
    const auto behind = here.end() - std::ranges::lower_bound(here, end);
    return count_of_stream(number) - static_cast<std::uint32_t>(behind);
}

void growing_index::append_stream(std::uint32_t number, ordinal_list& out) const {
    if (number < before_.streams)
        before_.index->append_stream(number, out);
    append(by_stream_[number], out);
}

void growing_index::append_type(std::uint32_t number, ordinal_list& out) const {
    if (number < before_.types)
        before_.index->append_type(number, out);
    append(by_type_[number], out);
}

void growing_index::append_tag(std::uint32_t number, ordinal_list& out) const {
    if (number < before_.tags)
        before_.index->append_tag(number, out);
    append(by_tag_[number], out);
}

std::span<const std::uint32_t> growing_index::tail(
    list_of kind, std::uint32_t number, std::uint32_t from, ordinal_list& buffer
) const {
    if (from < before_.events)
        return segment_index::tail(kind, number, from, buffer);
    const auto list = kind == list_of::stream ? by_stream_[number]
                      : kind == list_of::type ? by_type_[number]
                                              : by_tag_[number];
    const auto begin = std::ranges::lower_bound(list, from) - list.begin();
    return list.subspan(static_cast<std::size_t>(begin));
}

std::optional<std::uint32_t> growing_index::find_append(const uuid& id) const {
    const auto found =
        appends_by_id_.find(hash_of(id), [&](std::uint32_t i) { return appends_[i].id == id; });
    if (found)
        return appends_[*found].frame;
    return before_.index == nullptr ? std::nullopt : before_.index->find_append(id);
}

std::vector<append_entry> growing_index::appends() const {
    auto out = before_.index == nullptr ? std::vector<append_entry>{} : before_.index->appends();
    out.insert(out.end(), appends_.begin(), appends_.end());
    std::ranges::sort(out, {}, &append_entry::id);
    return out;
}

const char* growing_index::add(const frame_view& frame, std::uint64_t chain_after) {
    const bool is_batch = frame.header.kind == frame_kind::batch;
    if (is_batch && frame.body.size() < append_id_size)
        return "a batch is too short for its append id";
    frame_entry entry{
        .at_8 = static_cast<std::uint32_t>(frame.at.value() / 8),
        .first_ordinal = event_count(),
        .recorded_last_ns = frame.header.recorded_ns,
        .occurred_min_ns = std::numeric_limits<std::int64_t>::max(),
        .occurred_max_ns = std::numeric_limits<std::int64_t>::min(),
        .chain_after = chain_after};
    std::vector<removed_run> runs;
    if (!is_batch) {
        auto left = sparse_ == nullptr ? std::nullopt : decode_remains(frame);
        if (!left)
            return "what remains of a batch is not well-formed";
        runs = std::move(left->runs);
    }
    places_left places{runs};
    auto rest = records_of(frame);
    look_ahead(rest);
    event_record event;
    names_record names;
    while (!rest.empty()) {
        const auto at = frame.end().value() - frame_trailer_size - rest.size();
        const auto kind = take_record(rest, frame.header.recorded_ns, event, names);
        if (kind == record_kind::malformed)
            return "a record is not well-formed";
        if (kind == record_kind::names) {
            if (const auto* fault = add_names(names))
                return fault;
            continue;
        }
        const auto offset = places.next();
        if (offset >= frame.header.event_count)
            return "a batch has not as many events as its header says";
        if (const auto* fault = add_event(event, byte_offset{at}, covered_ + offset))
            return fault;
        entry.occurred_min_ns = std::min(entry.occurred_min_ns, nearest_ns(event.occurred_at));
        entry.occurred_max_ns = std::max(entry.occurred_max_ns, nearest_ns(event.occurred_at));
    }
    if (places.end() != frame.header.event_count)
        return "a batch has not as many events as its header says";
    if (frame.header.event_count == 0)
        return nullptr;
    covered_ += frame.header.event_count;
    if (covered_ > std::numeric_limits<std::uint32_t>::max())
        return "a segment holds more events than any can";
    if (sparse_ != nullptr &&
        !sparse_->positions.add(event_count(), static_cast<std::uint32_t>(covered_)))
        return "a segment holds more events than it has positions";
    if (const auto id = append_id_of(frame); !id.is_nil() && !find_append(id)) {
        appends_by_id_.add(hash_of(id), static_cast<std::uint32_t>(appends_.size()));
        appends_.push_back({id, static_cast<std::uint32_t>(frame_count())});
    }
    frames_.push_back(entry);
    summary_.occurred_min_ns = std::min(summary_.occurred_min_ns, entry.occurred_min_ns);
    summary_.occurred_max_ns = std::max(summary_.occurred_max_ns, entry.occurred_max_ns);
    return nullptr;
}

void growing_index::look_ahead(bytes_view records) const noexcept {
    if (sparse_ != nullptr)
        return; // its numbers are others
    // Each step of all streams together: one after the other, each would be waited for.
    glance_at_streams(records, [&](std::uint32_t number) { by_stream_.prefetch_list(number); });
    glance_at_streams(records, [&](std::uint32_t number) { by_stream_.prefetch_end(number); });
    glance_at_streams(records, [&](std::uint32_t number) {
        if (const auto last = by_stream_.last(number))
            prefetch(&offsets_8_[*last - before_.events]);
    });
}

std::optional<std::uint32_t> growing_index::next_number(
    std::uint32_t in_record, std::uint32_t count, std::vector<std::uint32_t> sparse_numbers::*names
) {
    if (sparse_ == nullptr)
        return in_record == count ? std::optional{count} : std::nullopt;
    // Those that nobody needs any more are left out.
    auto& numbers = sparse_->*names;
    if (!numbers.empty() && in_record <= numbers.back())
        return {};
    numbers.push_back(in_record);
    return count;
}

std::optional<std::uint32_t> growing_index::number_of(
    std::uint32_t in_record,
    std::uint32_t count,
    const std::vector<std::uint32_t> sparse_numbers::*names
) const {
    if (sparse_ != nullptr)
        return sparse_numbers::find(sparse_->*names, in_record);
    return in_record < count ? std::optional{in_record} : std::nullopt;
}

const char* growing_index::add_names(const names_record& record) {
    // The index's number for the name, where that is the one that the record gives.
    const auto add_to = [&](name_table& names,
                            std::uint32_t before,
                            grown_lists& lists,
                            std::vector<std::uint32_t> sparse_numbers::*sparse) {
        const auto number = next_number(record.number, before + names.size(), sparse);
        if (!number || names.find(record.name))
            return false;
        lists.add(); // before the name: where memory runs out, no name is without its list
        static_cast<void>(names.intern(record.name));
        return true;
    };
    if (!is_utf8(record.name))
        return "a name is not UTF-8";
    switch (record.kind) {
    case name_kind::stream:
        if (before_.streams > 0 && before_.index->find_stream(record.name))
            return "a stream's number is not the next one";
        bases_.push_back(record.base);
        if (!add_to(streams_, before_.streams, by_stream_, &sparse_numbers::streams))
            return "a stream's number is not the next one";
        summary_.has_own_streams =
            summary_.has_own_streams || record.name.starts_with(own_stream_prefix);
        return nullptr;
    case name_kind::type: {
        if (record.base != static_cast<std::uint64_t>(payload_format::cbor))
            return "a payload is in an unknown format";
        const auto number = next_number(record.number, types_.size(), &sparse_numbers::types);
        if (record.number >= names_record_mark || !number ||
            types_.find(record.name, record.version, payload_format::cbor))
            return "a type's number is not the next one";
        by_type_.add();
        static_cast<void>(types_.intern(record.name, record.version, payload_format::cbor));
        return nullptr;
    }
    case name_kind::tag:
        if ((before_.tags > 0 && before_.index->find_tag(record.name)) ||
            !add_to(tags_, before_.tags, by_tag_, &sparse_numbers::tags))
            return "a tag's number is not the next one";
        return nullptr;
    }
    return "a name is of an unknown kind";
}

const char*
growing_index::add_event(const event_record& event, byte_offset at, std::uint64_t original) {
    const auto stream = number_of(event.stream, stream_count(), &sparse_numbers::streams);
    const auto type = number_of(event.type, type_count(), &sparse_numbers::types);
    if (!stream || !type)
        return "an event has a stream or type that has no name";
    const auto ordinal = event_count();
    const auto count = count_of_stream(*stream);
    if (sparse_ == nullptr) {
        if (event.revision_in_segment != count)
            return "a stream's revisions have a gap";
        const auto before = count == 0 ? at : offset_of(ordinal_in_stream(*stream, count - 1));
        if (std::uint64_t{event.back_link} * 8 != at - before)
            return "an event's back link does not lead to the one before it in its stream";
    } else {
        const auto dense = count;
        const auto known = sparse_->revisions.find(*stream);
        const auto removed = known == sparse_->revisions.end() ? 0 : known->second.removed();
        const auto next = std::uint64_t{dense} + removed;
        if (event.revision_in_segment < next)
            return "a stream's revisions run backwards";
        if (event.revision_in_segment > next &&
            !sparse_->revisions[*stream].add(dense, event.revision_in_segment))
            return "a stream's revisions run backwards";
        if (!sparse_->positions.add(ordinal, static_cast<std::uint32_t>(original)))
            return "a segment holds more events than it has positions";
    }
    for (std::size_t i = 0; i < event.tag_count(); ++i) {
        const auto tag = number_of(event.tag(i), tag_count(), &sparse_numbers::tags);
        if (!tag)
            return "an event has a tag that has no name";
        const auto of_tag = by_tag_[*tag];
        if (of_tag.empty() || of_tag.back() != ordinal)
            by_tag_.push_back(*tag, ordinal);
    }
    by_stream_.push_back(*stream, ordinal);
    by_type_.push_back(*type, ordinal);
    offsets_8_.push_back(static_cast<std::uint32_t>(at.value() / 8));
    return nullptr;
}

} // namespace everfold::log
