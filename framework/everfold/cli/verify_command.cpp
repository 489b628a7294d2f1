// SPDX-License-Identifier: MIT
// verify: every byte that matters, read again.

#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/cli/commands.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/store/tools.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace everfold::cli {

namespace {

std::string number_or_null(const std::optional<position>& p) {
    return p ? std::to_string(p->value()) : "null";
}

std::string damage_as_json(const verification& found) {
    std::string out;
    for (const auto& d : found.damage) {
        if (!out.empty())
            out += ',';
        out += fmt::format(
            R"({{"file":{},"offset":{},"first_lost":{},"next_intact":{},"intact_behind":{},"error":{}}})",
            quoted_json(d.file),
            d.at.value(),
            number_or_null(d.first_lost),
            number_or_null(d.next_intact),
            d.intact_behind,
            quoted_json(d.what)
        );
    }
    return out;
}

std::string removals_as_json(const verification& found) {
    std::string out;
    for (const auto& r : found.removals) {
        if (!out.empty())
            out += ',';
        out += fmt::format(
            R"({{"file":{},"at":{},"events":{},"why":{}}})",
            quoted_json(r.file),
            quoted_json(r.at.to_string()),
            r.events,
            quoted_json(r.why)
        );
    }
    return out;
}

void print_json(const verification& found, double seconds, output& out) {
    std::string notes;
    for (const auto& note : found.notes)
        notes += (notes.empty() ? "" : ",") + quoted_json(note);
    out.write_json_line(fmt::format(
        R"({{"intact":{},"events":{},"segments":{},"archived_segments":{},"bytes":{},)"
        R"("stored_bytes":{},"payload_bytes":{},"torn_bytes":{},"removed_events":{},)"
        R"("removals":[{}],"damage":[{}],"notes":[{}],"seconds":{:.6f}}})",
        found.is_intact(),
        found.events,
        found.segments,
        found.archived_segments,
        found.written_bytes,
        found.stored_bytes,
        found.payload_bytes,
        found.torn_bytes,
        found.removed_events,
        removals_as_json(found),
        damage_as_json(found),
        notes,
        seconds
    ));
}

void print_damage(const verification& found, output& out) {
    for (const auto& d : found.damage) {
        out.print(
            "{}  {}, byte {}: {}\n",
            out.in(colour::red, "damaged"),
            printable(d.file),
            d.at.value(),
            printable(d.what)
        );
        if (d.first_lost)
            out.print("         lost from position {} on", d.first_lost->value());
        else
            out.write("         no event is lost by it alone");
        if (d.next_intact)
            out.print(
                "; intact again from position {}: {}\n",
                d.next_intact->value(),
                counted(d.intact_behind, "event")
            );
        else
            out.write(d.first_lost ? "; nothing behind it in this file is intact\n" : "\n");
    }
    out.print(
        "{} intact. {} repair LOG --into DIRECTORY saves what can be saved.\n",
        found.events == 1 ? "1 event is" : counted(found.events, "event") + " are",
        program_name
    );
}

void print_removals(const verification& found, output& out) {
    if (found.removals.empty())
        return;
    out.print("removed on purpose: {}\n", counted(found.removed_events, "event"));
    for (const auto& r : found.removals)
        out.print(
            "  {}  {} from {}: {}\n",
            r.at.to_string(),
            counted(r.events, "event"),
            printable(r.file),
            printable(r.why)
        );
}

// For the exit code, and for who reads standard error only.
[[noreturn]] void fail(const verification& found, const std::string& log) {
    const auto& first = found.damage.front();
    corruption damage{first.file, first.at, first.what};
    damage.first_lost = first.first_lost;
    damage.add(fmt::format(
        "verifying '{}'; the first position that is lost: {}",
        log,
        first.first_lost ? std::to_string(first.first_lost->value())
                         : "none, or none that this file would tell"
    ));
    if (found.damage.size() > 1)
        damage.add(fmt::format("the first of {} damaged places", found.damage.size()));
    throw corruption{damage};
}

} // namespace

void verify_log(const arguments& args, output& out) {
    using clock = std::chrono::steady_clock;
    const auto started = clock::now();
    const auto found = [&] {
        progress bar{"verifying", 0};
        return verify(args.log, [&](std::uint64_t n) { bar.update(n, n); });
    }();
    const auto seconds = std::chrono::duration<double>(clock::now() - started).count();
    say_notes(program_name, found.notes);
    if (args.as_json)
        print_json(found, seconds, out);
    if (!found.is_intact()) {
        if (!args.as_json) {
            print_damage(found, out);
            print_removals(found, out);
        }
        out.flush();
        fail(found, args.log);
    }
    if (args.as_json)
        return;
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
    print_removals(found, out);
}

} // namespace everfold::cli
