// SPDX-License-Identifier: MIT
// verify: every byte that matters, read again.

#include <everfold/base/error.hpp>
#include <everfold/cli/commands.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/event/cbor.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace everfold::cli {

namespace {

struct verified {
    std::uint64_t events{};
    std::uint64_t payload_bytes{};
    std::uint64_t segments{};
    std::uint64_t archived_segments{};
    std::uint64_t written_bytes{}; ///< of the segments as they were written
    std::uint64_t stored_bytes{};  ///< of the files that hold them
};

// Which file an event is in, for a message.
corruption malformed(
    const std::vector<log::segment_view>& segments,
    const log::log_event& event,
    const char* what,
    const encoding_error& why
) {
    std::string file;
    for (const auto& s : segments)
        if (&s.of->index == event.index)
            file = s.source->file_name();
    const auto ordinal = static_cast<std::uint32_t>(event.at - event.index->first());
    corruption out{
        file,
        event.index->offset_of(ordinal),
        fmt::format("the {} of this event is not well-formed: {}", what, why.message())};
    out.first_lost = event.at;
    return out;
}

// Opening walked every frame of every segment: checksums, links, seals. This reads them again,
// event by event, as a reader would, and looks into each.
verified read_again(const log::log_index& index) {
    const auto segments = index.segments();
    verified out;
    for (const auto& s : segments) {
        ++out.segments;
        out.archived_segments += s.source->file_name().ends_with(".evz") ? 1U : 0U;
        out.written_bytes += s.source->size();
        out.stored_bytes += s.source->stored_size();
    }
    progress bar{"verifying", index.end().value()};
    log::log_cursor cursor{index, {.items = {log::selection_item{}}}};
    position next{};
    try {
        while (const auto* event = cursor.next()) {
            const auto check_item = [&](const char* what, bytes_view item) {
                try {
                    validate(item);
                } catch (const encoding_error& e) {
                    throw malformed(segments, *event, what, e);
                }
            };
            check_item("data", event->record.payload);
            if (!event->record.metadata.empty())
                check_item("metadata", event->record.metadata);
            out.payload_bytes += event->record.payload.size();
            ++out.events;
            next = event->at.next();
            bar.update(out.events, out.events);
        }
    } catch (corruption& e) {
        if (!e.first_lost)
            e.first_lost = next;
        throw;
    }
    return out;
}

void print_damage(const corruption& damage, output& out) {
    out.write_json_line(fmt::format(
        R"({{"intact":false,"file":{},"offset":{},"first_lost":{},"error":{}}})",
        quoted_json(damage.file()),
        damage.at().value(),
        damage.first_lost ? std::to_string(damage.first_lost->value()) : "null",
        quoted_json(damage.what())
    ));
    out.flush();
}

} // namespace

void verify_log(const arguments& args, output& out) {
    using clock = std::chrono::steady_clock;
    const auto started = clock::now();
    verified found;
    std::uint64_t torn = 0;
    try {
        const auto log = open_event_log(program_name, args.log, log::access::read_only);
        found = read_again(log->index());
        torn = log->notes().torn_bytes;
    } catch (corruption& damage) {
        damage.add(fmt::format(
            "verifying '{}'; the first position that is lost: {}",
            args.log,
            damage.first_lost ? std::to_string(damage.first_lost->value())
                              : "unknown, since this file says where the events are"
        ));
        if (args.as_json)
            print_damage(damage, out);
        throw;
    }
    const auto seconds = std::chrono::duration<double>(clock::now() - started).count();
    if (args.as_json)
        return out.write_json_line(fmt::format(
            R"({{"intact":true,"events":{},"segments":{},"archived_segments":{},"bytes":{},)"
            R"("stored_bytes":{},"payload_bytes":{},"torn_bytes":{},"seconds":{:.6f}}})",
            found.events,
            found.segments,
            found.archived_segments,
            found.written_bytes,
            found.stored_bytes,
            found.payload_bytes,
            torn,
            seconds
        ));
    out.print(
        "{}  {} in {}, {}",
        out.in(colour::green, "intact"),
        counted(found.events, "event"),
        counted(found.segments, "segment"),
        in_units(found.written_bytes)
    );
    if (found.archived_segments != 0)
        out.print(" ({} in the archive's files)", in_units(found.stored_bytes));
    out.print(": every checksum, link and payload holds. {:.2f} s\n", seconds);
}

} // namespace everfold::cli
