// SPDX-License-Identifier: MIT
// The command line: everfold COMMAND LOG [OPTIONS].

#include <everfold/cli/arguments.hpp>
#include <everfold/cli/commands.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/output.hpp>
#include <everfold/cli/process.hpp>

#include <unistd.h>

#include <cstddef>

namespace {

using namespace everfold::cli;

void run(const arguments& args, output& out) {
    switch (args.command) {
    case verb::append:
        return append_events(args, out);
    case verb::import_events:
        return import_events(args, out);
    case verb::export_events:
        return export_events(args, out);
    case verb::copy:
        return copy_events(args, out);
    case verb::read:
        return read_events(args, out);
    case verb::streams:
        return list_streams(args, out);
    case verb::categories:
        return list_categories(args, out);
    case verb::about:
        return show_stream(args, out);
    case verb::describe:
        return describe_stream(args, out);
    case verb::types:
        return list_types(args, out);
    case verb::schema:
        return show_schema(args, out);
    case verb::stats:
        return show_stats(args, out);
    case verb::verify:
        return verify_log(args, out);
    case verb::backup:
        return back_up_log(args, out);
    case verb::repair:
        return repair_log(args, out);
    case verb::truncate:
        return truncate_stream(args, out);
    case verb::tombstone:
        return tombstone_stream(args, out);
    case verb::retain:
        return retain_stream(args, out);
    case verb::scavenge:
        return scavenge_log(args, out);
    case verb::removals:
        return list_removals(args, out);
    }
}

} // namespace

int main(int argc, char** argv) {
    prepare_process();
    try {
        const auto args = parse_arguments({argv, static_cast<std::size_t>(argc)});
        if (args) {
            output out{STDOUT_FILENO, "standard output"};
            run(*args, out);
            out.flush();
        }
        return static_cast<int>(exit_code::done);
    } catch (...) {
        return static_cast<int>(report_current_exception(program_name));
    }
}
