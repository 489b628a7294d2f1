// SPDX-License-Identifier: MIT
// The command line: web_server_log LOG [ACCESS_LOG] [--json].

#include "../import.hpp"
#include "../traffic.hpp"
#include "answers.hpp"

#include <everfold/aggregate/fold.hpp>
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/process.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/user_file.hpp>
#include <everfold/store/open.hpp>

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace web_server {

namespace {

namespace cli = everfold::cli;
using cli::exit_code;

constexpr std::string_view usage = "usage: web_server_log LOG [ACCESS_LOG] [--json]";
constexpr std::uint64_t unparsed_said = 20;

/// What can't be done as asked, though every file is as it should be.
class refused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct arguments {
    std::string log{};
    std::optional<std::string> access_log{};
    bool as_json{};
};

void say(const std::string& text) {
    cli::say("web_server_log", text);
}

void print_help() {
    output out{STDOUT_FILENO, "standard output"};
    out.print("What a web server did, out of its access log, as events.\n\n{}\n\n", usage);
    out.write("  LOG         a directory: the log of events\n"
              "  ACCESS_LOG  in Apache's combined format, plain or compressed with zstd, or - for\n"
              "              standard input: is read into LOG, which must be new. Without it LOG\n"
              "              answers for itself, and is only read.\n"
              "  --json      the answers as one JSON object\n\n"
              "Without any, the tour: the sample's own access log, into the build directory.\n\n"
              "Exit code: 0 done, 1 refused, 2 usage, 3 not a log, 4 damaged, 5 in use by another\n"
              "writer, 6 input or output error. A line that does not parse is reported with its\n"
              "number, kept in LOG and counted.\n");
    out.flush();
}

// Nothing where help was asked for and given.
std::optional<arguments> parse_arguments(std::span<const char* const> argv) {
    std::vector<std::string> places;
    arguments out;
    for (const std::string_view word : argv.subspan(argv.empty() ? 0 : 1)) {
        if (word == "--help" || word == "-h") {
            print_help();
            return {};
        }
        if (word == "--json")
            out.as_json = true;
        else if (word.size() > 1 && word.starts_with('-'))
            throw cli::usage_error{
                "there is no option " + everfold::printable(word), std::string{usage}};
        else if (word.empty())
            throw cli::usage_error{"an empty name names no file", std::string{usage}};
        else
            places.emplace_back(word);
    }
    if (places.empty() || places.size() > 2)
        throw cli::usage_error{
            places.empty() ? "which log?" : "too many names", std::string{usage}};
    out.log = places[0];
    if (places.size() == 2)
        out.access_log = places[1];
    return out;
}

// The whole sample in one go: for who starts the program where it was built, and says nothing.
// Returns only where the tour can't be started.
void start_tour(const char* program) {
    constexpr const char* tour = WEB_SERVER_LOG_TOUR; // where the sources are
    if (std::string_view{program}.find('/') != std::string_view::npos)
        static_cast<void>(::execl(tour, tour, program, static_cast<char*>(nullptr)));
}

everfold::store open_new_log(const std::string& path) {
    auto store = cli::open_log("web_server_log", path, everfold::open_mode::create);
    if (const auto end = store.end(); end != everfold::position{})
        throw refused{fmt::format(
            "'{}' holds {} already: ask it without an access log, or give another directory",
            path,
            cli::counted(end.value(), "event")
        )};
    return store;
}

import_report import_into(const arguments& args) {
    cli::input_file file{*args.access_log};
    access_log_lines lines{[&](char* to, std::size_t size) { return file.read(to, size); }};
    import_report report;
    std::vector<std::string> unparsed;
    const auto say_unparsed = [&] {
        for (const auto& each : unparsed)
            say(each);
        if (report.unparsed > unparsed.size())
            say(fmt::format("and {} more lines did not parse", report.unparsed - unparsed.size()));
        unparsed.clear();
    };
    try {
        cli::progress bar{"reading", file.size()};
        import_access_log(
            lines,
            [&] { return open_new_log(args.log); },
            {.on_unparsed =
                 [&](std::uint64_t line, std::string_view reason) {
                     if (unparsed.size() < unparsed_said)
                         unparsed.push_back(
                             fmt::format("{}, line {}: {}", file.name(), line, reason)
                         );
                 },
             .on_progress = [&](const import_report& now
                            ) { bar.update(lines.bytes_read(), now.events); }},
            report
        );
    } catch (const not_an_access_log& e) {
        throw cli::input_output_error{
            fmt::format("{}: {}; nothing was recorded", file.name(), e.what())};
    } catch (const damaged_file& e) {
        say_unparsed();
        const auto recorded =
            report.events == 0
                ? std::string{"nothing was recorded"}
                : fmt::format(
                      "{} before that are in the log, which is incomplete: mend the file and read "
                      "it into a new log",
                      cli::counted(report.events, "event")
                  );
        throw cli::input_output_error{fmt::format("{} {}; {}", file.name(), e.what(), recorded)};
    } catch (everfold::error& e) {
        e.add(fmt::format(
            "reading {}; {} recorded before", file.name(), cli::counted(report.events, "event")
        ));
        throw;
    }
    say_unparsed();
    return report;
}

// Returns how many events it folded.
std::uint64_t fold_into(traffic& state, const std::string& log) {
    auto store = cli::open_log("web_server_log", log, everfold::open_mode::read_only);
    everfold::folder<traffic> fold{everfold::unknown_events::skip};
    std::uint64_t events = 0;
    for (const auto& e : store.read()) {
        fold.apply(state, e);
        ++events;
    }
    return events;
}

void run(const arguments& args, output& out) {
    using clock = std::chrono::steady_clock;
    const auto print_time = [&](const std::string& what, std::uint64_t events, auto started) {
        const auto seconds = std::chrono::duration<double>(clock::now() - started).count();
        const auto rate = seconds > 0 ? static_cast<double>(events) / seconds : 0.0;
        out.print(
            "{}\n",
            out.in(
                cli::colour::dim,
                fmt::format(
                    "{} in {:.2f} s ({}/s)",
                    what,
                    seconds,
                    cli::with_thousands(static_cast<std::uint64_t>(rate))
                )
            )
        );
    };
    if (args.access_log) {
        const auto started = clock::now();
        const auto report = import_into(args);
        if (!args.as_json)
            print_time(
                fmt::format(
                    "Recorded {} as {}",
                    cli::counted(report.lines, "line"),
                    cli::counted(report.events, "event")
                ),
                report.events,
                started
            );
    }
    const auto started = clock::now();
    traffic state;
    const auto events = fold_into(state, args.log);
    if (!state.lines && state.requests + state.unparsed != 0)
        say("note: the access log was not read to its end; the answers are about what was read");
    if (args.as_json)
        return out.write_json_line(json_answers(state));
    print_time(fmt::format("Folded {}", cli::counted(events, "event")), events, started);
    out.write("\n");
    print_answers(state, out);
}

exit_code report_current_exception() noexcept {
    try {
        throw;
    } catch (const refused& e) {
        say(everfold::printable(e.what()));
        return exit_code::refused;
    } catch (...) {
        return cli::report_current_exception("web_server_log");
    }
}

} // namespace

} // namespace web_server

int main(int argc, char** argv) {
    if (argc == 1)
        web_server::start_tour(argv[0]);
    everfold::cli::prepare_process();
    try {
        const auto args = web_server::parse_arguments({argv, static_cast<std::size_t>(argc)});
        if (args) {
            web_server::output out{STDOUT_FILENO, "standard output"};
            web_server::run(*args, out);
            out.flush();
        }
        return static_cast<int>(everfold::cli::exit_code::done);
    } catch (...) {
        return static_cast<int>(web_server::report_current_exception());
    }
}
