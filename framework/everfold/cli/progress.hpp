// SPDX-License-Identifier: MIT
#pragma once
// How far something long is, for who waits at a terminal.

#include <cstdint>
#include <string>

namespace everfold::cli {

/// A line on standard error that shows how far something is, how fast it goes and how long it will
/// take; nothing where that is no terminal.
class progress {
public:
    /// `total` in the unit of update()'s `done`; 0: unknown.
    progress(std::string what, std::uint64_t total);
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    progress(progress&&) = delete;
    progress& operator=(progress&&) = delete;
    ~progress();

    void update(std::uint64_t done, std::uint64_t events);

private:
    std::string what_;
    std::uint64_t total_;
    bool is_shown_;
    std::int64_t started_;
    std::int64_t drawn_{};
};

} // namespace everfold::cli
