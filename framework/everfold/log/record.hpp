// SPDX-License-Identifier: MIT
#pragma once
// The records in a batch: events, and the names that they refer to by number.
// docs/log_format.md, "Records".

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace everfold::log {

inline constexpr std::size_t event_record_header_size = 20;
inline constexpr std::size_t names_record_header_size = 20;
inline constexpr std::size_t name_bytes_max = 255;
inline constexpr std::size_t tags_max = 255;
/// Of the streams in which the log keeps its own events.
inline constexpr std::string_view own_stream_prefix = "$";
inline constexpr std::uint16_t names_record_mark = 0xFFFF;

/// How a payload is encoded.
enum class payload_format : std::uint8_t { cbor = 0 };

enum class name_kind : std::uint8_t { stream = 1, type = 2, tag = 3 };

/// An event in the numbers of its segment. As a result of decoding, a view into the frame.
struct event_record {
    std::uint16_t type{};
    std::uint32_t stream{};
    std::uint32_t revision_in_segment{};
    /// In units of 8 bytes; 0: none.
    std::uint32_t back_link{};
    /// Little-endian u32 each.
    bytes_view tags{};
    /// Nanoseconds since 1970.
    std::int64_t recorded_ns{};
    timestamp occurred_at{};
    uuid id{};
    uuid correlation_id{};
    uuid causation_id{};
    bytes_view metadata{};
    bytes_view payload{};

    [[nodiscard]] std::size_t tag_count() const noexcept { return tags.size() / 4; }

    [[nodiscard]] std::uint32_t tag(std::size_t i) const noexcept {
        return load_le<std::uint32_t>(tags.data() + 4 * i);
    }
};

/// Gives a number a name, from here to the end of the segment.
struct names_record {
    name_kind kind{name_kind::stream};
    std::uint32_t number{};
    std::uint32_t version{};
    /// Base revision of a stream, payload format of a type.
    std::uint64_t base{};
    std::string_view name{};
};

/// Appends the record. `frame_recorded_ns` is what the frame's header will say.
void append_record(byte_buffer& out, const event_record& event, std::int64_t frame_recorded_ns);
void append_record(byte_buffer& out, const names_record& names);

/// Bytes that append_record may add at most.
[[nodiscard]] std::uint64_t
record_size_max(std::size_t tags, std::size_t metadata, std::size_t payload) noexcept;

/// What is at the front of some bytes.
enum class record_kind : std::uint8_t {
    malformed, ///< in a frame that checks, only a writer's bug or a newer format
    event,
    names,
};

/// Decodes the record at the front of `rest` into that of the two which is its kind, and takes it
/// off.
[[nodiscard]] record_kind take_record(
    bytes_view& rest, std::int64_t frame_recorded_ns, event_record& event, names_record& names
) noexcept;

/// The size of the record at the front of `rest` where it is an event with a payload, maybe a time
/// of its own, and nothing else, as most are. Its names, revision, link, occurred_at and payload
/// are then in `event`, of which nothing more is touched. Otherwise 0, and take_record() says what
/// it is.
[[nodiscard]] inline std::size_t
peek_plain_event(bytes_view rest, timestamp frame_recorded, event_record& event) noexcept {
    constexpr std::uint32_t padding_max = 7;
    constexpr std::uint32_t occurred = 2U << 3U; // when it happened is behind the header
    if (rest.size() < 24)
        return 0;
    const auto size = load_le<std::uint32_t>(rest.data());
    const auto form = load_le<std::uint32_t>(rest.data() + 4); // type, flags, count of tags
    const auto flags = form >> 16U;
    const bool has_time = (flags & ~padding_max) == occurred;
    const std::size_t used = size - (flags & padding_max);
    const std::size_t begin = event_record_header_size + (has_time ? sizeof(std::int64_t) : 0);
    event.type = static_cast<std::uint16_t>(form & 0xFFFFU);
    if (size < 24 || size % 8 != 0 || size > rest.size() || (flags > padding_max && !has_time) ||
        event.type == names_record_mark || used < begin)
        return 0;
    event.stream = load_le<std::uint32_t>(rest.data() + 8);
    event.revision_in_segment = load_le<std::uint32_t>(rest.data() + 12);
    event.back_link = load_le<std::uint32_t>(rest.data() + 16);
    event.occurred_at = has_time ? timestamp::from_nanoseconds(
                                       load_le<std::int64_t>(rest.data() + event_record_header_size)
                                   )
                                 : frame_recorded;
    event.payload = rest.subspan(begin, used - begin);
    return size;
}

/// Calls `use` with the stream of each event among the records, in the segment's numbers. Only for
/// a look ahead: nothing is checked, and it ends where the records are not well-formed.
template <class Use>
void glance_at_streams(bytes_view records, const Use& use) {
    while (records.size() >= event_record_header_size) {
        const auto size = load_le<std::uint32_t>(records.data());
        if (size < event_record_header_size || size > records.size())
            return;
        if (load_le<std::uint16_t>(records.data() + 4) != names_record_mark)
            use(load_le<std::uint32_t>(records.data() + 8));
        records = records.subspan(size);
    }
}

using any_record = std::variant<event_record, names_record>;

/// The same for whoever is in no hurry; nothing where it is malformed.
[[nodiscard]] std::optional<any_record>
take_record(bytes_view& rest, std::int64_t frame_recorded_ns) noexcept;

} // namespace everfold::log
