// SPDX-License-Identifier: MIT
#pragma once
// The process around a command: its standard streams and its signals.

#include <chrono>
#include <memory>

namespace everfold::cli {

/// To be called first. A standard descriptor that the parent closed is held by a placeholder, so
/// that no file of a log gets its number; a reader that goes away, or a file that may not grow, is
/// an error of write() and not a signal.
void prepare_process();

/// From here on an interrupt (control-C) waits to be asked for, instead of ending the process.
/// In a program with one thread; once in the life of a process.
class interrupts {
public:
    interrupts();
    interrupts(const interrupts&) = delete;
    interrupts& operator=(const interrupts&) = delete;
    interrupts(interrupts&&) = delete;
    interrupts& operator=(interrupts&&) = delete;
    ~interrupts();

    /// Waits at most so long for one; whether it came.
    [[nodiscard]] bool wait(std::chrono::milliseconds timeout);

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace everfold::cli
