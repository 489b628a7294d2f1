// SPDX-License-Identifier: MIT
#pragma once
// Threads of which one runs at a time, and a choice of who goes on at every point where another
// could: the same choices give the same run. Mutexes and condition variables of the program know of
// it, so that a thread that waits for another lets it run.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace everfold::proof::schedule {

/// Whether the program's mutexes know. With the thread sanitizer they are its own, and the threads
/// run as they like.
[[nodiscard]] bool is_controlled() noexcept;

/// Who goes on, of so many: less than `runnable`.
using chooser = std::function<std::size_t(std::size_t runnable)>;

enum class points : std::uint8_t {
    calls,          ///< where point() says so
    calls_and_locks ///< and before each lock
};

struct result {
    std::size_t steps{};   ///< points at which several could go on
    bool has_deadlock{};   ///< nobody could go on: they are left where they are
    std::string waiting{}; ///< then: who waited for what
};

/// Runs all of `threads` to their end. They must not throw.
[[nodiscard]] result
run(const std::vector<std::function<void()>>& threads, points where, const chooser& choose);

/// Another thread may go on here. Nothing outside of run().
void point();

} // namespace everfold::proof::schedule
