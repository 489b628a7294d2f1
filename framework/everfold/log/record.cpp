// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/log/record.hpp>

#include <algorithm>
#include <array>

namespace everfold::log {

namespace {

enum class time_form : unsigned { from_frame = 0, one = 1, occurred = 2, both = 3 };

constexpr unsigned padding_bits = 0x07;
constexpr unsigned time_shift = 3;
constexpr unsigned time_bits = 0x03;
constexpr unsigned id_bit = 0x20;
constexpr unsigned causality_bit = 0x40;
constexpr unsigned metadata_bit = 0x80;

time_form form_of(const event_record& event, std::int64_t frame_recorded_ns) {
    const auto occurred = event.occurred_at.to_nanoseconds();
    if (occurred == event.recorded_ns)
        return event.recorded_ns == frame_recorded_ns ? time_form::from_frame : time_form::one;
    if (occurred && event.recorded_ns == frame_recorded_ns)
        return time_form::occurred;
    return time_form::both;
}

void append_time(byte_buffer& out, const event_record& event, time_form form) {
    switch (form) {
    case time_form::from_frame:
        return;
    case time_form::one:
        append_le(out, event.recorded_ns);
        return;
    case time_form::occurred:
        append_le(out, *event.occurred_at.to_nanoseconds());
        return;
    case time_form::both:
        append_le(out, event.recorded_ns);
        append_le(out, event.occurred_at.seconds());
        append_le(out, event.occurred_at.nanoseconds());
        return;
    }
}

/// Pads the record that began at `start` and writes its length and padding.
void finish_record(byte_buffer& out, std::size_t start, unsigned flags) {
    const auto size = out.size() - start;
    const auto padded = aligned_8(size);
    out.resize(start + padded);
    store_le(out.data() + start, static_cast<std::uint32_t>(padded));
    out[start + 6] = static_cast<std::byte>(flags | static_cast<unsigned>(padded - size));
}

/// Takes fields off the front of a record; remembers if one was cut short.
class field_reader {
public:
    explicit field_reader(bytes_view fields) noexcept
        : rest_{fields} {}

    template <class T>
    T number() noexcept {
        const auto at = take(sizeof(T));
        return at.empty() ? T{} : load_le<T>(at.data());
    }

    uuid id() noexcept {
        uuid out;
        const auto at = take(out.octets.size());
        std::copy(at.begin(), at.end(), out.octets.begin());
        return out;
    }

    bytes_view take(std::size_t size) noexcept {
        if (size > rest_.size()) {
            is_short_ = true;
            return {};
        }
        const auto out = rest_.first(size);
        rest_ = rest_.subspan(size);
        return out;
    }

    [[nodiscard]] bool is_short() const noexcept { return is_short_; }

    [[nodiscard]] bytes_view rest() const noexcept { return rest_; }

private:
    bytes_view rest_;
    bool is_short_{};
};

std::optional<names_record> decode_names(bytes_view record) noexcept {
    if (record.size() < names_record_header_size)
        return {};
    const auto kind = std::to_integer<unsigned>(record[7]);
    if (kind < 1 || kind > 3)
        return {};
    const auto name = record.subspan(names_record_header_size);
    if (name.empty() || name.size() > name_bytes_max)
        return {};
    names_record out{
        .kind = static_cast<name_kind>(kind),
        .number = load_le<std::uint32_t>(record.data() + 8),
        .name = as_text(name)};
    if (out.kind == name_kind::type) {
        out.version = load_le<std::uint32_t>(record.data() + 12);
        out.base = load_le<std::uint32_t>(record.data() + 16);
    } else {
        out.base = load_le<std::uint64_t>(record.data() + 12);
    }
    return out;
}

bool decode_event(
    bytes_view record, unsigned flags, std::int64_t frame_recorded_ns, event_record& event
) noexcept {
    event.type = load_le<std::uint16_t>(record.data() + 4);
    event.stream = load_le<std::uint32_t>(record.data() + 8);
    event.revision_in_segment = load_le<std::uint32_t>(record.data() + 12);
    event.back_link = load_le<std::uint32_t>(record.data() + 16);
    event.recorded_ns = frame_recorded_ns;
    event.id = {};
    event.correlation_id = {};
    event.causation_id = {};
    event.metadata = {};
    field_reader in{record.subspan(event_record_header_size)};
    event.tags = in.take(4 * std::to_integer<std::size_t>(record[7]));
    switch (static_cast<time_form>((flags >> time_shift) & time_bits)) {
    case time_form::from_frame:
        event.occurred_at = timestamp::from_nanoseconds(frame_recorded_ns);
        break;
    case time_form::one:
        event.recorded_ns = in.number<std::int64_t>();
        event.occurred_at = timestamp::from_nanoseconds(event.recorded_ns);
        break;
    case time_form::occurred:
        event.occurred_at = timestamp::from_nanoseconds(in.number<std::int64_t>());
        break;
    case time_form::both: {
        event.recorded_ns = in.number<std::int64_t>();
        const auto seconds = in.number<std::int64_t>();
        const auto nanoseconds = in.number<std::uint32_t>();
        if (nanoseconds >= 1'000'000'000)
            return false;
        event.occurred_at = timestamp{seconds, nanoseconds};
        break;
    }
    }
    if ((flags & id_bit) != 0)
        event.id = in.id();
    if ((flags & causality_bit) != 0) {
        event.correlation_id = in.id();
        event.causation_id = in.id();
    }
    if ((flags & metadata_bit) != 0)
        event.metadata = in.take(in.number<std::uint32_t>());
    event.payload = in.rest();
    return !in.is_short();
}

} // namespace

void append_record(byte_buffer& out, const event_record& event, std::int64_t frame_recorded_ns) {
    check(event.type != names_record_mark, "an event's type number is not the mark of names");
    check(event.tag_count() <= tags_max, "an event has at most 255 tags");
    const auto start = out.size();
    const auto form = form_of(event, frame_recorded_ns);
    const bool has_causality = !event.correlation_id.is_nil() || !event.causation_id.is_nil();
    out.resize(start + event_record_header_size);
    store_le(out.data() + start + 4, event.type);
    out[start + 7] = static_cast<std::byte>(event.tag_count());
    store_le(out.data() + start + 8, event.stream);
    store_le(out.data() + start + 12, event.revision_in_segment);
    store_le(out.data() + start + 16, event.back_link);
    append_bytes(out, event.tags);
    append_time(out, event, form);
    if (!event.id.is_nil())
        append_bytes(out, event.id.octets);
    if (has_causality) {
        append_bytes(out, event.correlation_id.octets);
        append_bytes(out, event.causation_id.octets);
    }
    if (!event.metadata.empty()) {
        append_le(out, static_cast<std::uint32_t>(event.metadata.size()));
        append_bytes(out, event.metadata);
    }
    append_bytes(out, event.payload);
    finish_record(
        out,
        start,
        (static_cast<unsigned>(form) << time_shift) | (event.id.is_nil() ? 0U : id_bit) |
            (has_causality ? causality_bit : 0U) | (event.metadata.empty() ? 0U : metadata_bit)
    );
}

void append_record(byte_buffer& out, const names_record& names) {
    check(!names.name.empty() && names.name.size() <= name_bytes_max, "a name has 1 to 255 bytes");
    const auto start = out.size();
    out.resize(start + names_record_header_size);
    store_le(out.data() + start + 4, names_record_mark);
    out[start + 7] = static_cast<std::byte>(names.kind);
    store_le(out.data() + start + 8, names.number);
    if (names.kind == name_kind::type) {
        store_le(out.data() + start + 12, names.version);
        store_le(out.data() + start + 16, static_cast<std::uint32_t>(names.base));
    } else {
        store_le(out.data() + start + 12, names.base);
    }
    append_bytes(out, as_bytes(names.name));
    finish_record(out, start, 0);
}

std::uint64_t
record_size_max(std::size_t tags, std::size_t metadata, std::size_t payload) noexcept {
    constexpr std::uint64_t time_size_max = 8 + 8 + 4;
    constexpr std::uint64_t ids_size_max = std::uint64_t{3} * 16;
    return aligned_8(
        event_record_header_size + 4 * tags + time_size_max + ids_size_max + 4 + metadata + payload
    );
}

record_kind take_record(
    bytes_view& rest, std::int64_t frame_recorded_ns, event_record& event, names_record& names
) noexcept {
    if (rest.size() < 24)
        return record_kind::malformed;
    const auto size = load_le<std::uint32_t>(rest.data());
    if (size < 24 || size % 8 != 0 || size > rest.size())
        return record_kind::malformed;
    const auto flags = std::to_integer<unsigned>(rest[6]);
    const auto record = rest.first(size - (flags & padding_bits));
    rest = rest.subspan(size);
    if (record.size() < event_record_header_size)
        return record_kind::malformed;
    if (load_le<std::uint16_t>(record.data() + 4) == names_record_mark) {
        const auto found = decode_names(record);
        if (!found)
            return record_kind::malformed;
        names = *found;
        return record_kind::names;
    }
    return decode_event(record, flags, frame_recorded_ns, event) ? record_kind::event
                                                                 : record_kind::malformed;
}

std::optional<any_record> take_record(bytes_view& rest, std::int64_t frame_recorded_ns) noexcept {
    event_record event;
    names_record names;
    switch (take_record(rest, frame_recorded_ns, event, names)) {
    case record_kind::malformed:
        break;
    case record_kind::event:
        return event;
    case record_kind::names:
        return names;
    }
    return {};
}

} // namespace everfold::log
