// SPDX-License-Identifier: MIT
// scavenge and removals: what can't be reached goes, and what went. docs/rewriting/scavenge.md.

#include <everfold/cli/commands.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/table.hpp>
#include <everfold/cli/text.hpp>

namespace everfold::cli {

namespace {

void print_json(const scavenge_report& done, bool is_dry_run, output& out) {
    out.write_json_line(fmt::format(
        R"({{"dry_run":{},"events":{},"segments":{},"bytes_before":{},"bytes_after":{},"snapshots":{}}})",
        is_dry_run,
        done.events,
        done.segments,
        done.bytes_before,
        is_dry_run ? "null" : std::to_string(done.bytes_after),
        done.snapshots
    ));
}

} // namespace

void scavenge_log(const arguments& args, output& out) {
    auto log = open_log(
        program_name, args.log, args.is_dry_run ? open_mode::read_only : open_mode::existing
    );
    const auto done = log.scavenge({.is_dry_run = args.is_dry_run, .why = args.why});
    if (args.as_json) {
        print_json(done, args.is_dry_run, out);
    } else if (done.events == 0 && done.snapshots == 0) {
        out.print("{}\n", args.is_dry_run ? "would remove nothing" : "removed nothing");
    } else {
        out.print(
            "{} {} from {}{}: {} {}\n",
            args.is_dry_run ? "would remove" : "removed",
            counted(done.events, "event"),
            counted(done.segments, "segment"),
            done.snapshots == 0 ? "" : " and " + counted(done.snapshots, "snapshot"),
            in_units(done.bytes_before),
            args.is_dry_run
                ? "now"
                : fmt::format("before, {} after, not compressed yet", in_units(done.bytes_after))
        );
    }
    log.close();
}

void list_removals(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::read_only);
    const auto removals = log.removals();
    if (args.as_json) {
        for (const auto& r : removals)
            out.write_json_line(fmt::format(
                R"({{"removed_at":"{}","segment":{},"first_position":{},"events":{},)"
                R"("source_bytes":{},"why":{}}})",
                r.at.to_string(),
                r.segment,
                r.first.value(),
                r.events,
                r.source_bytes,
                quoted_json(r.why)
            ));
        return;
    }
    table rows{{
        {"REMOVED"},
        {"SEGMENT", table::align::right},
        {"FIRST POSITION", table::align::right},
        {"EVENTS", table::align::right},
        {"WHY"},
    }};
    std::uint64_t events = 0;
    for (const auto& r : removals) {
        events += r.events;
        rows.add({
            {in_milliseconds(r.at), colour::dim},
            {with_thousands(r.segment)},
            {with_thousands(r.first.value())},
            {with_thousands(r.events)},
            {r.why},
        });
    }
    if (!removals.empty())
        rows.print(out);
    out.print("{}, {}\n", counted(removals.size(), "removal"), counted(events, "event"));
}

} // namespace everfold::cli
