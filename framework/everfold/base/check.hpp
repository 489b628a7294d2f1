// SPDX-License-Identifier: MIT
#pragma once
// Always-on checks for bugs: a broken precondition is never an exception and never caught.

#include <source_location>

namespace everfold {

/// Prints the sentence and the place to standard error and aborts.
[[noreturn]] void fail_check(const char* sentence, const std::source_location& where) noexcept;

/// Aborts unless `holds`. `sentence` says what must be true, as a claim: "a batch is not empty".
/// For our own mistakes and the caller's broken preconditions only; bad input is an error.
constexpr void check(
    bool holds,
    const char* sentence,
    const std::source_location& where = std::source_location::current()
) noexcept {
    if (!holds) [[unlikely]]
        fail_check(sentence, where);
}

} // namespace everfold
