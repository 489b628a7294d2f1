// SPDX-License-Identifier: MIT
// The command line: user_management LOG COMMAND [ARGUMENTS].

#include "arguments.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "output.hpp"

#include <everfold/cli/process.hpp>

#include <unistd.h>

#include <cstddef>
#include <span>

namespace {

void run(const users::arguments& args, users::output& out) {
    using users::verb;
    switch (args.command) {
    case verb::create:
        return users::create_user(args, out);
    case verb::update:
        return users::update_user(args, out);
    case verb::remove:
        return users::delete_user(args, out);
    case verb::show:
        return users::show_user(args, out);
    case verb::list:
        return users::list_users(args, out);
    case verb::history:
        return users::show_history(args, out);
    case verb::at:
        return users::show_at(args, out);
    case verb::diff:
        return users::show_diff(args, out);
    case verb::replay:
        return users::replay_log(args, out);
    case verb::snapshot:
        return users::take_snapshot(args, out);
    case verb::compact:
        return users::compact_log(args, out);
    case verb::import_events:
        return users::import_events(args, out);
    case verb::export_events:
        return users::export_events(args, out);
    case verb::demo:
        return users::run_demo(args, out);
    }
}

} // namespace

int main(int argc, char** argv) {
    everfold::cli::prepare_process();
    try {
        const auto args = users::parse_arguments({argv, static_cast<std::size_t>(argc)});
        if (args) {
            users::output out{STDOUT_FILENO, "standard output"};
            run(*args, out);
            out.flush();
        }
        return static_cast<int>(users::exit_code::done);
    } catch (...) {
        return static_cast<int>(users::report_current_exception());
    }
}
