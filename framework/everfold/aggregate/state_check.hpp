// SPDX-License-Identifier: MIT
#pragma once
// What comparing a stream's snapshots, and what is kept of it in memory, with its events found.

#include <everfold/aggregate/diff.hpp>
#include <everfold/base/ids.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace everfold {

/// A state that is not what the events say. Its `first` difference leads from what the events say
/// to what the state holds.
struct wrong_state {
    enum class place : std::uint8_t { snapshot, memory };

    place where{};
    revision at{};
    state_change first{};
    std::size_t differences{};
    /// Instead of a difference: why it can't be compared.
    std::string unreadable{};

    friend bool operator==(const wrong_state&, const wrong_state&) = default;
};

struct [[nodiscard]] state_check {
    std::string stream{};
    /// That were folded.
    std::uint64_t events{};
    /// That were compared; and those that no loading uses, because layout or fold_version are other
    /// ones now.
    std::uint64_t snapshots{};
    std::uint64_t snapshots_passed_over{};
    /// Whether something was kept in memory, and compared.
    bool has_kept{};
    std::vector<wrong_state> wrong{};

    [[nodiscard]] bool is_good() const noexcept { return wrong.empty(); }

    /// For people: a sentence, and a line for each wrong state.
    [[nodiscard]] std::string to_string() const;
};

} // namespace everfold
