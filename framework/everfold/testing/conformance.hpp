// SPDX-License-Identifier: MIT
#pragma once
// What every store must do, as a suite that runs on any: who writes a store of their own runs it
// from whatever test framework they have.
//
//     const auto found = everfold::conformance::run({.open_empty = [] { return my_store(); }});
//     CHECK_MESSAGE(found.holds(), found.to_string());

#include <everfold/store/store.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::conformance {

/// The store to look at.
struct subject {
    /// A new store without events, each time.
    std::function<store()> open_empty{};
    /// Closes it and opens the same events again. Without it the cases that need it are skipped.
    std::function<store(store)> reopen{};
    /// Of each race.
    int rounds{50};
};

enum class verdict : std::uint8_t { holds, fails, skipped };

struct outcome {
    std::string name{}; ///< a sentence that could be wrong
    verdict what{};
    /// Each check that failed, a line each; or why it was skipped.
    std::string why{};
    std::uint64_t checks{};
};

struct report {
    std::vector<outcome> cases{};

    /// Whether no case failed, and one held.
    [[nodiscard]] bool holds() const noexcept;
    [[nodiscard]] std::uint64_t checks() const noexcept;
    /// A line for each case, what failed below it, and a last line with the counts.
    [[nodiscard]] std::string to_string() const;
};

/// Runs the cases whose names contain `only`, each on stores of its own. What a store throws fails
/// the case, and the next one goes on.
[[nodiscard]] report run(const subject& s, std::string_view only = {});

} // namespace everfold::conformance
