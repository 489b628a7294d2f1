// SPDX-License-Identifier: MIT
// truncate, tombstone and retain: a rule for one stream. docs/rewriting/retention.md.

#include <everfold/base/bytes.hpp>
#include <everfold/cli/commands.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/cli/words.hpp>

namespace everfold::cli {

namespace {

[[noreturn]] void refuse(const append_conflict& lost, const std::string& log) {
    if (!lost.actual)
        throw complaint{
            fmt::format("'{}' has no stream '{}'", log, lost.stream),
            "nothing was changed",
            fmt::format("look at the names: {} streams LOG", program_name)};
    throw complaint{
        lost.to_string(), "nothing was changed", "look at what came meanwhile, and decide again"};
}

void answer(
    const arguments& args, const append_result& result, std::string_view says, output& out
) {
    if (const auto* lost = result.conflict_or_null())
        refuse(*lost, args.log);
    out.print("{}: {}. Rule at position {}\n", printable(args.ruled), says, result->first.value());
}

std::string bounds_of(const retention& kept) {
    const auto count = kept.max_count == 0
                           ? std::string{}
                           : fmt::format("at most the last {}", counted(kept.max_count, "event"));
    if (kept.max_age.count() == 0)
        return count.empty() ? "no bound" : count;
    return fmt::format(
        "{}none older than {}", count.empty() ? "" : count + ", ", duration_text(kept.max_age)
    );
}

} // namespace

void truncate_stream(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::existing);
    const auto result = log.truncate(args.ruled, args.begin, args.expected);
    answer(args, result, fmt::format("begins at revision {}", args.begin.value()), out);
    log.close();
}

void tombstone_stream(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::existing);
    answer(args, log.tombstone(args.ruled, args.expected, args.why), "has ended for ever", out);
    log.close();
}

void retain_stream(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::existing);
    answer(args, log.retain(args.ruled, args.kept), bounds_of(args.kept), out);
    if (!log.last_revision(args.ruled))
        say_notes(
            program_name,
            {"there is no stream '" + args.ruled + "' yet; the rule holds once there is"}
        );
    log.close();
}

} // namespace everfold::cli
