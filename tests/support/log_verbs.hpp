// SPDX-License-Identifier: MIT
#pragma once
// What tests of the log say: append these texts to that stream, read everything back.

#include <everfold/base/bytes.hpp>
#include <everfold/io/simulated.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/verification.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::testing {

/// One event as tests compare it.
struct seen_event {
    std::uint64_t at{};
    std::string stream{};
    std::uint64_t revision{};
    std::string type{};
    std::string payload{};

    friend bool operator==(const seen_event&, const seen_event&) = default;
};

inline log::log_options
small_log(log::access mode = log::access::create, std::uint64_t segment_bytes = 1U << 20U) {
    return {
        .mode = mode,
        .limits =
            {.segment_bytes_max = segment_bytes,
             .event_bytes_max = 16U << 10U,
             .batch_bytes_max = 64U << 10U},
        .compress_sealed = false,
        .allow_unsafe_file_system = false};
}

/// Where the frames of an active segment end: zeros may lie ahead of them.
inline std::size_t end_of_frames(const byte_buffer& segment) {
    auto end = segment.size();
    while (end > 0 && segment[end - 1] == std::byte{0})
        --end;
    return static_cast<std::size_t>(aligned_8(end));
}

/// Appends each text as an event of type "noted", as one batch; returns the first position.
inline position append_texts(
    log::event_log& to,
    const std::string& stream,
    const std::vector<std::string>& texts,
    const std::vector<std::string>& tags = {},
    const std::optional<durability>& wanted = {}
) {
    std::vector<log::draft> drafts;
    for (const auto& text : texts)
        drafts.push_back(
            {.stream = stream, .type = "noted", .tags = tags, .payload = as_bytes(text)}
        );
    const auto placed = to.append(
        drafts, {}, [](const log::stream_heads&) { return true; }, wanted
    );
    return placed->first;
}

inline std::vector<seen_event> read_all(log::event_log& from, log::selection wanted = {}) {
    if (wanted.items.empty())
        wanted.items.emplace_back();
    const auto& index = from.index();
    log::log_cursor cursor{index, std::move(wanted)};
    std::vector<seen_event> out;
    while (const auto* event = cursor.next())
        out.push_back(
            {event->at.value(),
             std::string{event->stream},
             event->stream_revision.value(),
             index.type(event->type).name,
             std::string{as_text(event->record.payload)}}
        );
    return out;
}

/// Reads all of a log again.
inline verification verified(const io::machine& machine, const std::string& directory) {
    return log::verify_log(
        machine,
        directory,
        [](const log::event_record&) { return std::string{}; },
        [](std::uint64_t) {}
    );
}

/// Whether that finds nothing to say.
inline bool is_clean(const io::machine& machine, const std::string& directory) {
    const auto found = verified(machine, directory);
    return found.is_intact() && found.notes.empty();
}

} // namespace everfold::testing
