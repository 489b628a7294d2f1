// SPDX-License-Identifier: MIT
#include <everfold/cli/process.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

namespace everfold::cli {

void prepare_process() {
    for (const auto descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(descriptor, F_GETFD) == -1)
            static_cast<void>(::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
            );
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

// A blocked signal is kept by the system until it is asked for: no handler, no global flag.
struct interrupts::state {
    sigset_t waited_for{};
    sigset_t before{};
};

interrupts::interrupts()
    : state_{std::make_unique<state>()} {
    sigemptyset(&state_->waited_for);
    sigaddset(&state_->waited_for, SIGINT);
    sigprocmask(SIG_BLOCK, &state_->waited_for, &state_->before);
}

interrupts::~interrupts() {
    sigprocmask(SIG_SETMASK, &state_->before, nullptr);
}

bool interrupts::wait(std::chrono::milliseconds timeout) {
    const timespec limit{
        static_cast<time_t>(timeout.count() / 1000),
        static_cast<long>(timeout.count() % 1000 * 1'000'000)};
    return sigtimedwait(&state_->waited_for, nullptr, &limit) == SIGINT;
}

} // namespace everfold::cli
