// SPDX-License-Identifier: MIT
// repair: a new log of what is intact.

#include <everfold/base/bytes.hpp>
#include <everfold/cli/commands.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/store/tools.hpp>

#include <algorithm>

namespace everfold::cli {

namespace {

/// More of them are in the file.
constexpr std::size_t shown_max = 20;

std::string range_of(const position_range& r) {
    return r.count() == 1 ? fmt::format("{}", r.first.value())
                          : fmt::format("{} to {}", r.first.value(), r.end.value() - 1);
}

template <class List, class Line>
void print_list(output& out, const List& list, const Line& line_of) {
    for (std::size_t i = 0; i < std::min(list.size(), shown_max); ++i)
        out.write("  " + line_of(list[i]) + "\n");
    if (list.size() > shown_max)
        out.print("  and {} more\n", list.size() - shown_max);
}

std::string revisions_of(const missing_revisions& s) {
    const auto last = s.end.value() - 1;
    return s.first.value() == last
               ? fmt::format("{}: revision {}", printable(s.stream), last)
               : fmt::format("{}: revisions {} to {}", printable(s.stream), s.first.value(), last);
}

void print_removed(const repair_report& report, output& out) {
    if (!report.removed.empty())
        out.print(
            "removed on purpose before, and not lost: {}, at positions\n",
            counted(report.removed_events(), "event")
        );
    print_list(out, report.removed, [](const position_range& r) { return range_of(r); });
    if (!report.removed_of_streams.empty())
        out.write("removed, of streams:\n");
    print_list(out, report.removed_of_streams, revisions_of);
    if (!report.removals.empty())
        out.write("records of removals:\n");
    print_list(out, report.removals, [](const recorded_removal& r) {
        return fmt::format(
            "{}  {} from {}: {}",
            r.at.to_string(),
            counted(r.events, "event"),
            printable(r.file),
            printable(r.why)
        );
    });
}

void print_report(const repair_report& report, const arguments& args, output& out) {
    out.print(
        "{}  {} in {}, now in {}\n",
        report.is_complete() ? out.in(colour::green, "complete") : out.in(colour::yellow, "saved"),
        counted(report.events, "event"),
        counted(report.batches, "append"),
        printable(args.directory)
    );
    if (!report.damage.empty())
        out.write("damage:\n");
    print_list(out, report.damage, [](const damaged_place& d) {
        return fmt::format("{}, byte {}: {}", printable(d.file), d.at.value(), printable(d.what));
    });
    if (!report.lost.empty())
        out.print("lost: {}, at positions\n", counted(report.lost_events(), "event"));
    print_list(out, report.lost, [](const lost_range& l) {
        return fmt::format("{}: {}", range_of(l.positions), printable(l.why));
    });
    if (!report.is_end_known)
        out.print(
            "more may be lost, from position {} on: the head mark, which would say so, is "
            "damaged\n",
            report.end.value()
        );
    if (!report.streams.empty())
        out.write("lost, of streams:\n");
    print_list(out, report.streams, [](const missing_revisions& s) {
        return revisions_of(s) + (s.may_be_removed ? ", or some of them were removed before" : "");
    });
    print_removed(report, out);
    if (report.from != report.into && !report.kept.empty()) {
        out.write("positions:\n");
        print_list(out, report.kept, [](const kept_range& k) {
            return fmt::format("{}, now from {} on", range_of(k.positions), k.now.value());
        });
    }
}

} // namespace

void repair_log(const arguments& args, output& out) {
    const auto report = [&] {
        progress bar{"repairing", 0};
        return repair(args.log, args.directory, [&](std::uint64_t n) { bar.update(n, n); });
    }();
    say_notes(program_name, report.notes);
    if (args.as_json)
        out.write_json_line(to_json(report));
    else
        print_report(report, args, out);
    if (report.is_complete())
        return;
    out.flush();
    throw already_reported{exit_code::damaged};
}

} // namespace everfold::cli
