// SPDX-License-Identifier: MIT
#pragma once
// A forked child of a test, and what it has to say.

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>

namespace everfold::testing {

/// Where a child writes numbers for its parent.
class numbers_out {
public:
    explicit numbers_out(int to)
        : to_{to} {}

    void put(std::uint64_t number) const {
        if (::write(to_, &number, sizeof number) != sizeof number)
            throw std::runtime_error{"the parent is gone"};
    }

private:
    int to_;
};

/// Runs `body(numbers_out)` in a child; its answer is the child's exit code, 99 where it throws.
/// Killed at the end, if it still runs.
class child_process {
public:
    template <class Body>
    explicit child_process(Body body) {
        int ends[2];
        if (::pipe(ends) != 0)
            throw std::runtime_error{"no pipe"};
        pid_ = ::fork();
        if (pid_ < 0)
            throw std::runtime_error{"no child"};
        if (pid_ == 0) {
            ::close(ends[0]);
            int answer = 99;
            try {
                answer = body(numbers_out{ends[1]});
            } catch (const std::exception& e) {
                std::fprintf(stderr, "a child process failed: %s\n", e.what());
            }
            ::_exit(answer);
        }
        ::close(ends[1]);
        from_ = ends[0];
    }

    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    child_process(child_process&&) = delete;
    child_process& operator=(child_process&&) = delete;

    ~child_process() {
        kill();
        ::close(from_);
    }

    [[nodiscard]] ::pid_t pid() const noexcept { return pid_; }

    /// The next number; nothing once it has ended.
    [[nodiscard]] std::optional<std::uint64_t> get() const {
        std::uint64_t number = 0;
        auto size = ::read(from_, &number, sizeof number);
        while (size == -1 && errno == EINTR)
            size = ::read(from_, &number, sizeof number);
        return size == sizeof number ? std::optional{number} : std::nullopt;
    }

    void signal(int number) const { static_cast<void>(::kill(pid_, number)); }

    /// SIGSTOP, and waits until it stands.
    void stop() const {
        signal(SIGSTOP);
        static_cast<void>(::waitpid(pid_, nullptr, WUNTRACED));
    }

    void kill() {
        if (pid_ <= 0)
            return;
        signal(SIGKILL);
        static_cast<void>(wait());
    }

    /// Its exit code; the negative number of the signal that ended it.
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) == -1 && errno == EINTR) {
        }
        pid_ = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

private:
    ::pid_t pid_{};
    int from_{};
};

} // namespace everfold::testing
