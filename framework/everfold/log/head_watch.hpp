// SPDX-License-Identifier: MIT
#pragma once
// How a reader sleeps until the writer, in whatever process, has written a newer head mark.

#include <everfold/io/file_system.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace everfold::log {

/// Says when it is worth reading the head mark again, and nothing about what it will hold: who
/// missed a wake-up, or sleeps on a file that is no longer the head mark, looks again all the same.
///
/// Threads: any.
class head_watch {
public:
    /// How the sleeps ended.
    struct counts {
        std::uint64_t woken{};
        std::uint64_t timed_out{};
        std::uint64_t not_possible{}; // then it was a short sleep without anybody to end it
    };

    /// `look_again`: the longest sleep that nobody ends.
    head_watch(io::machine machine, std::string directory, std::chrono::milliseconds look_again);

    /// Sleeps while the head mark is the one that was read with `word`, at most for `timeout`. May
    /// return early.
    void wait(std::optional<std::uint32_t> word, std::chrono::nanoseconds timeout);

    [[nodiscard]] counts count() const;

private:
    [[nodiscard]] std::shared_ptr<io::wait_word> current_word();

    io::machine machine_;
    std::string directory_;
    std::chrono::milliseconds look_again_;
    mutable std::mutex mutex_{};
    std::shared_ptr<io::wait_word> word_{}; // null: to be opened
    counts counts_{};
};

} // namespace everfold::log
