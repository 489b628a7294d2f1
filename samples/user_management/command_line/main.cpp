// SPDX-License-Identifier: MIT
// The command line: user_management LOG COMMAND [ARGUMENTS].

#include "arguments.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <span>

namespace {

// A descriptor that the parent closed would be given to the next file opened, and an answer for
// standard output would land in the log. A placeholder takes its number; using it fails cleanly.
void hold_standard_descriptors() {
    for (const auto descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(descriptor, F_GETFD) == -1)
            static_cast<void>(::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
            );
}

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
    hold_standard_descriptors();
    // A reader that goes away and a file that may not grow are errors of write(), with an exit
    // code, and not signals.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
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
