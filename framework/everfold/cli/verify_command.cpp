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
#include <everfold/log/verification.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace everfold::cli {

namespace {

struct verified {
    std::uint64_t events{};
    std::uint64_t payload_bytes{};
    log::verification segments{};
};

// Which file an event is in, for a message.
corruption malformed(const log::log_event& event, const char* what, const encoding_error& why) {
    const auto ordinal = static_cast<std::uint32_t>(event.at - event.in->entry->first);
    corruption out{
        event.in->source->file_name(),
        event.in->index->offset_of(ordinal),
        fmt::format("the {} of this event is not well-formed: {}", what, why.message())};
    out.first_lost = event.at;
    return out;
}

// Every frame of every segment first: checksums, links, seals, streams. Then each event, as a
// reader would get it, through the indexes, with a look into its data.
verified read_again(const log::log_index& index) {
    verified out;
    progress bar{"verifying", 2 * index.end().value()};
    out.segments =
        log::verify_segments(index, [&](std::uint64_t events) { bar.update(events, events); });
    const auto walked = index.end().value();
    log::log_cursor cursor{index, {.items = {log::selection_item{}}}};
    position next{};
    try {
        while (const auto* event = cursor.next()) {
            const auto check_item = [&](const char* what, bytes_view item) {
                try {
                    validate(item);
                } catch (const encoding_error& e) {
                    throw malformed(*event, what, e);
                }
            };
            check_item("data", event->record.payload);
            if (!event->record.metadata.empty())
                check_item("metadata", event->record.metadata);
            out.payload_bytes += event->record.payload.size();
            ++out.events;
            next = event->at.next();
            bar.update(walked + out.events, out.events);
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
    say_notes(program_name, found.segments.notes);
    if (args.as_json)
        return out.write_json_line(fmt::format(
            R"({{"intact":true,"events":{},"segments":{},"archived_segments":{},"bytes":{},)"
            R"("stored_bytes":{},"payload_bytes":{},"torn_bytes":{},"seconds":{:.6f}}})",
            found.events,
            found.segments.segments,
            found.segments.archived_segments,
            found.segments.written_bytes,
            found.segments.stored_bytes,
            found.payload_bytes,
            torn,
            seconds
        ));
    out.print(
        "{}  {} in {}, {}",
        out.in(colour::green, "intact"),
        counted(found.events, "event"),
        counted(found.segments.segments, "segment"),
        in_units(found.segments.written_bytes)
    );
    if (found.segments.archived_segments != 0)
        out.print(" ({} in the archive's files)", in_units(found.segments.stored_bytes));
    out.print(": every checksum, link and payload holds. {:.2f} s\n", seconds);
}

} // namespace everfold::cli
