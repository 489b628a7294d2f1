// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/batch_framer.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

namespace everfold::log {

namespace {

std::uint64_t names_size(std::string_view name) {
    return aligned_8(names_record_header_size + name.size());
}

void require_name(std::string_view name, const char* what) {
    if (name.empty() || name.size() > name_bytes_max)
        throw error{
            errc::invalid,
            std::string{what} + " has 1 to 255 bytes; this one has " + std::to_string(name.size())};
    if (!is_printable(name))
        throw error{
            errc::invalid,
            std::string{what} + " is UTF-8 without control characters; '" + printable(name) +
                "' is not"};
}

std::size_t count_types(std::span<const draft> events) {
    std::set<std::pair<std::string_view, std::uint32_t>> types;
    for (const auto& event : events)
        types.emplace(event.type, event.version);
    return types.size();
}

} // namespace

std::uint64_t weigh(std::span<const draft> events, const size_limits& limits) {
    std::uint64_t batch = frame_overhead + append_id_size;
    for (const auto& event : events) {
        require_name(event.stream, "a stream's name");
        require_name(event.type, "an event type");
        batch += names_size(event.stream) + names_size(event.type);
        if (event.tags.size() > tags_max)
            throw error{errc::limit, "an event has at most 255 tags"};
        for (const auto& tag : event.tags) {
            require_name(tag, "a tag");
            batch += names_size(tag);
        }
        const auto size =
            record_size_max(event.tags.size(), event.metadata.size(), event.payload.size());
        if (size > limits.event_bytes_max)
            throw error{
                errc::limit,
                "an event of type '" + printable(event.type) + "' takes " + std::to_string(size) +
                    " bytes; this log allows " + std::to_string(limits.event_bytes_max)};
        batch += size;
    }
    if (events.size() >= names_record_mark && count_types(events) >= names_record_mark)
        throw error{errc::limit, "an append has at most 65,534 event types"};
    if (batch > limits.batch_bytes_max)
        throw error{
            errc::limit,
            "an append of " + std::to_string(events.size()) + " events may take " +
                std::to_string(batch) + " bytes; this log allows " +
                std::to_string(limits.batch_bytes_max) + " at once"};
    return batch;
}

batch_framer::batch_framer(
    const log_index& index, const segment_entry& active, const walk_state& at
)
    : index_{&index}
    , seed_{header_seed(index.log_id(), active.id)}
    , here_{at} {
    index.ask_active([&](const growing_index& here) {
        gathering_->restart(here.stream_count(), here.tag_count());
        for (std::uint32_t i = 0; i < here.type_count(); ++i) {
            const auto type = here.type(i);
            static_cast<void>(types_here_.intern(type.name, type.version, type.format));
        }
    });
    taken_->restart(gathering_->next_stream(), gathering_->next_tag());
}

void batch_framer::begin_segment(const segment_entry& active) {
    seed_ = header_seed(index_->log_id(), active.id);
    here_.at = byte_offset{segment_header_size};
    here_.frame_count = 0;
    here_.last_frame = {};
    here_.watermark = {};
    gathering_->restart(0, 0);
    taken_->restart(0, 0);
    types_here_ = {};
    appends_here_.clear();
    elsewhere_.clear();
}

void batch_framer::take(byte_buffer& into) {
    into.clear();
    gathered_.swap(into);
    taken_.swap(gathering_);
    gathering_->restart(taken_->next_stream(), taken_->next_tag());
}

std::optional<std::uint32_t>
batch_framer::find_stream(const growing_index& here, std::string_view name) const {
    for (const auto* names : {gathering_.get(), taken_.get()}) {
        if (const auto number = names->find_stream(name))
            return number;
    }
    return here.find_stream(name);
}

std::optional<std::uint32_t>
batch_framer::find_tag(const growing_index& here, std::string_view text) const {
    for (const auto* names : {gathering_.get(), taken_.get()}) {
        if (const auto number = names->find_tag(text))
            return number;
    }
    return here.find_tag(text);
}

stream_head batch_framer::head_of(const growing_index& here, std::uint32_t stream) const {
    for (const auto* names : {gathering_.get(), taken_.get()}) {
        if (const auto* head = names->head(stream))
            return *head;
    }
    // No event of it is on its way.
    const auto count = here.count_of_stream(stream);
    const auto last =
        count == 0 ? byte_offset{} : here.offset_of(here.ordinal_in_stream(stream, count - 1));
    return {here.stream(stream).base + count, count, last.value()};
}

std::string_view batch_framer::name_of_stream(std::uint32_t number) const {
    for (const auto* names : {gathering_.get(), taken_.get()}) {
        if (const auto name = names->stream(number))
            return *name;
    }
    return index_->active().stream(number).name;
}

std::string_view batch_framer::name_of_tag(std::uint32_t number) const {
    for (const auto* names : {gathering_.get(), taken_.get()}) {
        if (const auto text = names->tag(number))
            return *text;
    }
    return index_->active().tag(number);
}

void batch_framer::look_up(std::span<const draft> events) {
    looked_up_ = events;
    next_asked_ = 0;
    streams_looked_up_.clear();
    tags_looked_up_.clear();
    next_tag_ = 0;
    std::vector<std::string_view> unknown;
    index_->ask_active([&](const growing_index& here) {
        for (const auto& event : events) {
            const auto stream = find_stream(here, event.stream);
            streams_looked_up_.push_back(stream);
            if (!stream) {
                unknown.push_back(event.stream);
            } else if (gathering_->head(*stream) == nullptr) {
                const auto head = head_of(here, *stream);
                gathering_->head_of(*stream) = head;
            }
            for (const auto& tag : event.tags)
                tags_looked_up_.push_back(find_tag(here, tag));
        }
    });
    for (const auto stream : unknown) {
        std::string name{stream};
        if (!elsewhere_.contains(name)) {
            const auto next = index_->next_revision(name).value_or(0);
            elsewhere_.emplace(std::move(name), next);
        }
    }
}

void batch_framer::forget_look_up() {
    looked_up_ = {};
    elsewhere_.clear();
    // Without frames it holds nothing but where the batch's streams stand.
    if (gathered_.empty())
        gathering_->restart(gathering_->next_stream(), gathering_->next_tag());
}

std::optional<std::uint64_t> batch_framer::looked_up_revision(std::string_view stream) const {
    for (; next_asked_ < looked_up_.size(); ++next_asked_) {
        const auto known = looked_up_[next_asked_].stream;
        if (known.data() != stream.data() || known.size() != stream.size())
            continue;
        if (const auto number = streams_looked_up_[next_asked_])
            return gathering_->head(*number)->next_revision;
        return elsewhere_.find(std::string{known})->second;
    }
    return {};
}

std::optional<revision> batch_framer::last_revision(std::string_view stream) const {
    auto next = looked_up_revision(stream);
    if (!next)
        next = index_->ask_active([&](const growing_index& here) -> std::optional<std::uint64_t> {
            const auto number = find_stream(here, stream);
            if (!number)
                return {};
            for (const auto* names : {gathering_.get(), taken_.get()}) {
                if (const auto* head = names->head(*number))
                    return head->next_revision;
            }
            return here.stream(*number).base + here.count_of_stream(*number);
        });
    if (!next) {
        const auto known = elsewhere_.find(std::string{stream});
        next =
            known == elsewhere_.end() ? index_->next_revision(stream).value_or(0) : known->second;
    }
    return *next == 0 ? std::nullopt : std::optional{revision{*next - 1}};
}

bool batch_framer::has_numbers_for(std::span<const draft> events) const {
    if (types_here_.size() + events.size() < names_record_mark)
        return true;
    return types_here_.size() + count_types(events) < names_record_mark;
}

std::vector<std::int64_t>
batch_framer::recorded_times(std::span<const draft> events, timestamp now) const {
    // recorded_at never falls; an import keeps its place in time, as far as that lies between.
    constexpr auto ns_max = std::numeric_limits<std::int64_t>::max();
    const auto latest = std::max(here_.recorded_ns, now.to_nanoseconds().value_or(0));
    std::vector<std::int64_t> out;
    out.reserve(events.size());
    auto last = here_.recorded_ns;
    for (const auto& event : events) {
        auto wanted = latest;
        if (const auto& original = event.originally_recorded_at)
            wanted = original->to_nanoseconds().value_or(original->seconds() < 0 ? 0 : ns_max);
        last = std::clamp(wanted, last, latest);
        out.push_back(last);
    }
    return out;
}

std::uint32_t
batch_framer::number_of_stream(std::string_view name, std::optional<std::uint32_t> looked_up) {
    if (looked_up)
        return *looked_up;
    if (const auto from_this_batch = gathering_->find_stream(name))
        return *from_this_batch;
    const auto elsewhere = elsewhere_.find(std::string{name});
    check(elsewhere != elsewhere_.end(), "a batch's streams are looked up before");
    const auto number = gathering_->add_stream(name);
    gathering_->head_of(number).next_revision = elsewhere->second;
    append_record(
        gathered_,
        names_record{
            .kind = name_kind::stream, .number = number, .base = elsewhere->second, .name = name}
    );
    elsewhere_.erase(elsewhere);
    return number;
}

std::uint16_t batch_framer::number_of_type(const draft& event) {
    const auto count = types_here_.size();
    const auto number = types_here_.intern(event.type, event.version, event.format);
    check(number < names_record_mark, "a segment can number the types of its batches");
    if (number == count)
        append_record(
            gathered_,
            names_record{
                .kind = name_kind::type,
                .number = number,
                .version = event.version,
                .base = static_cast<std::uint64_t>(event.format),
                .name = event.type}
        );
    return static_cast<std::uint16_t>(number);
}

std::uint32_t
batch_framer::number_of_tag(std::string_view text, std::optional<std::uint32_t> looked_up) {
    if (looked_up)
        return *looked_up;
    if (const auto from_this_batch = gathering_->find_tag(text))
        return *from_this_batch;
    const auto number = gathering_->add_tag(text);
    append_record(gathered_, names_record{.kind = name_kind::tag, .number = number, .name = text});
    return number;
}

void batch_framer::add_event(
    const draft& event,
    std::optional<std::uint32_t> looked_up,
    std::int64_t recorded_ns,
    std::int64_t frame_ns,
    std::uint64_t buffer_at,
    placed& out
) {
    // Names first: each brings its own record.
    const auto number = number_of_stream(event.stream, looked_up);
    const auto type = number_of_type(event);
    tags_.clear();
    for (const auto& tag : event.tags)
        append_le(tags_, number_of_tag(tag, tags_looked_up_[next_tag_++]));

    auto& stream = gathering_->head_of(number);
    const auto at = buffer_at + gathered_.size();
    const auto link = stream.last_record_at == 0 ? 0 : (at - stream.last_record_at) / 8;
    append_record(
        gathered_,
        event_record{
            .type = type,
            .stream = number,
            .revision_in_segment = stream.next_in_segment,
            .back_link = static_cast<std::uint32_t>(link),
            .tags = tags_,
            .recorded_ns = recorded_ns,
            .occurred_at = event.occurred_at.value_or(timestamp::from_nanoseconds(recorded_ns)),
            .id = event.id,
            .correlation_id = event.correlation_id,
            .causation_id = event.causation_id,
            .metadata = event.metadata,
            .payload = event.payload},
        frame_ns
    );
    stream.last_record_at = at;
    ++stream.next_in_segment;
    out.revisions.push_back(revision{stream.next_revision++});
}

placed batch_framer::add_batch(
    std::span<const draft> events, const uuid& append_id, timestamp now, byte_offset durable
) {
    check(
        events.data() == looked_up_.data() && events.size() == looked_up_.size(),
        "a batch is looked up before, and once"
    );
    looked_up_ = {};
    const auto recorded = recorded_times(events, now);
    const auto start = gathered_.size();
    const auto buffer_at = here_.at.value() - start;
    placed out{.first = here_.next};
    out.revisions.reserve(events.size());
    gathered_.resize(start + frame_header_size);
    append_bytes(gathered_, append_id.octets);
    if (!append_id.is_nil())
        appends_here_.insert(append_id);
    for (std::size_t i = 0; i < events.size(); ++i)
        add_event(events[i], streams_looked_up_[i], recorded[i], recorded.back(), buffer_at, out);
    here_.recorded_ns = recorded.back();
    finish_frame(
        start,
        {.kind = frame_kind::batch,
         .event_count = static_cast<std::uint32_t>(events.size()),
         .first = here_.next},
        durable
    );
    here_.next = here_.next.advanced(events.size());
    return out;
}

void batch_framer::add_control(frame_kind kind, bytes_view body, byte_offset durable) {
    const auto start = gathered_.size();
    gathered_.resize(start + frame_header_size);
    append_bytes(gathered_, body);
    finish_frame(start, {.kind = kind, .first = here_.next}, durable);
}

void batch_framer::finish_frame(std::size_t start, frame_header header, byte_offset durable) {
    const auto body = bytes_view{gathered_}.subspan(start + frame_header_size);
    header.body_length = static_cast<std::uint32_t>(body.size());
    header.epoch = here_.epoch;
    header.chain_low = static_cast<std::uint32_t>(here_.chain);
    header.watermark = durable;
    header.recorded_ns = here_.recorded_ns;
    header.body_checksum = checksum(body, header.first.value());
    gathered_.resize(gathered_.size() + frame_trailer_size);
    encode_frame_header(gathered_.data() + start, header, seed_, here_.at);
    encode_frame_trailer(
        gathered_.data() + gathered_.size() - frame_trailer_size, header.frame_size()
    );
    if (header.kind == frame_kind::batch)
        here_.chain = chain_after(here_.chain, header.body_checksum);
    here_.watermark = durable;
    here_.last_frame = here_.at;
    here_.at = here_.at.advanced(header.frame_size());
    ++here_.frame_count;
}

} // namespace everfold::log
