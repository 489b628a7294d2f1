// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/growing_index.hpp>
#include <everfold/log/remains.hpp>

#include <algorithm>
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

std::vector<std::uint32_t> growing_index::find_streams_with(std::string_view prefix) const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < streams_.size(); ++i) {
        if (streams_.text(i).starts_with(prefix))
            out.push_back(i);
    }
    return out;
}

void growing_index::append_stream(std::uint32_t number, ordinal_list& out) const {
    append(by_stream_[number].view(), out);
}

void growing_index::append_type(std::uint32_t number, ordinal_list& out) const {
    append(by_type_[number], out);
}

void growing_index::append_tag(std::uint32_t number, ordinal_list& out) const {
    append(by_tag_[number].view(), out);
}

std::span<const std::uint32_t> growing_index::tail(
    list_of kind, std::uint32_t number, std::uint32_t from, ordinal_list& /*buffer*/
) const {
    const auto list = kind == list_of::stream ? by_stream_[number].view()
                      : kind == list_of::type ? std::span<const std::uint32_t>{by_type_[number]}
                                              : by_tag_[number].view();
    const auto begin = std::ranges::lower_bound(list, from) - list.begin();
    return list.subspan(static_cast<std::size_t>(begin));
}

std::optional<std::uint32_t> growing_index::find_append(const uuid& id) const {
    const auto found =
        appends_by_id_.find(hash_of(id), [&](std::uint32_t i) { return appends_[i].id == id; });
    return found ? std::optional{appends_[*found].frame} : std::nullopt;
}

std::vector<append_entry> growing_index::appends() const {
    auto out = appends_;
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
    while (!rest.empty()) {
        const auto at = frame.end().value() - frame_trailer_size - rest.size();
        const auto record = take_record(rest, frame.header.recorded_ns);
        if (!record)
            return "a record is not well-formed";
        if (const auto* names = std::get_if<names_record>(&*record)) {
            if (const auto* fault = add_names(*names))
                return fault;
            continue;
        }
        const auto& event = std::get<event_record>(*record);
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
        appends_.push_back({id, static_cast<std::uint32_t>(frames_.size())});
    }
    frames_.push_back(entry);
    occurred_min_ns_ = std::min(occurred_min_ns_, entry.occurred_min_ns);
    occurred_max_ns_ = std::max(occurred_max_ns_, entry.occurred_max_ns);
    return nullptr;
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
    const auto add_to = [&](name_table& names,
                            std::vector<short_list>& lists,
                            std::vector<std::uint32_t> sparse_numbers::*sparse) {
        const auto number = next_number(record.number, names.size(), sparse);
        if (!number || names.intern(record.name) != *number)
            return false;
        lists.emplace_back();
        return true;
    };
    if (!is_utf8(record.name))
        return "a name is not UTF-8";
    switch (record.kind) {
    case name_kind::stream:
        if (!add_to(streams_, by_stream_, &sparse_numbers::streams))
            return "a stream's number is not the next one";
        bases_.push_back(record.base);
        has_own_streams_ = has_own_streams_ || record.name.starts_with(own_stream_prefix);
        return nullptr;
    case name_kind::type: {
        if (record.base != static_cast<std::uint64_t>(payload_format::cbor))
            return "a payload is in an unknown format";
        const auto number = next_number(record.number, types_.size(), &sparse_numbers::types);
        if (record.number >= names_record_mark || !number ||
            types_.intern(record.name, record.version, payload_format::cbor) != *number)
            return "a type's number is not the next one";
        by_type_.emplace_back();
        return nullptr;
    }
    case name_kind::tag:
        return add_to(tags_, by_tag_, &sparse_numbers::tags) ? nullptr
                                                             : "a tag's number is not the next one";
    }
    return "a name is of an unknown kind";
}

const char*
growing_index::add_event(const event_record& event, byte_offset at, std::uint64_t original) {
    const auto stream = number_of(event.stream, stream_count(), &sparse_numbers::streams);
    const auto type = number_of(event.type, type_count(), &sparse_numbers::types);
    if (!stream || !type)
        return "an event has a stream or type that has no name";
    auto& of_stream = by_stream_[*stream];
    const auto ordinal = event_count();
    if (sparse_ == nullptr) {
        if (event.revision_in_segment != of_stream.size())
            return "a stream's revisions have a gap";
        const auto before = of_stream.empty() ? at : offset_of(of_stream.back());
        if (std::uint64_t{event.back_link} * 8 != at - before)
            return "an event's back link does not lead to the one before it in its stream";
    } else {
        const auto dense = static_cast<std::uint32_t>(of_stream.size());
        const auto known = sparse_->revisions.find(*stream);
        const auto removed = known == sparse_->revisions.end() ? 0 : known->second.removed();
        if (event.revision_in_segment < dense + removed)
            return "a stream's revisions run backwards";
        if (event.revision_in_segment > dense + removed &&
            !sparse_->revisions[*stream].add(dense, event.revision_in_segment))
            return "a stream's revisions run backwards";
        if (!sparse_->positions.add(ordinal, static_cast<std::uint32_t>(original)))
            return "a segment holds more events than it has positions";
    }
    for (std::size_t i = 0; i < event.tag_count(); ++i) {
        const auto tag = number_of(event.tag(i), tag_count(), &sparse_numbers::tags);
        if (!tag)
            return "an event has a tag that has no name";
        auto& of_tag = by_tag_[*tag];
        if (of_tag.empty() || of_tag.back() != ordinal)
            of_tag.push_back(ordinal);
    }
    of_stream.push_back(ordinal);
    by_type_[*type].push_back(ordinal);
    offsets_8_.push_back(static_cast<std::uint32_t>(at.value() / 8));
    return nullptr;
}

} // namespace everfold::log
