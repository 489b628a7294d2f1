// SPDX-License-Identifier: MIT
#pragma once
// Counting what is left of a segment from which events were removed. docs/log_format.md, "Remains".

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <vector>

namespace everfold::log {

/// A dense count of what is left, and the count that it had when everything was there.
class gap_list {
public:
    /// Before the thing that is `at` in the dense count, `removed` are missing in all.
    struct gap {
        std::uint32_t at{};
        std::uint32_t removed{};

        friend bool operator==(const gap&, const gap&) = default;
    };

    /// The next thing is `dense` now and was `original`. False where that is less than before.
    [[nodiscard]] bool add(std::uint32_t dense, std::uint32_t original) {
        if (original < dense || original - dense < removed())
            return false;
        if (original - dense == removed())
            return true;
        if (gaps_.empty() || gaps_.back().at != dense)
            gaps_.push_back({.at = dense});
        gaps_.back().removed = original - dense;
        return true;
    }

    /// As it was read: false where it is none that add() makes.
    [[nodiscard]] bool add(gap g) {
        if (g.removed <= removed() || (!gaps_.empty() && g.at <= gaps_.back().at))
            return false;
        gaps_.push_back(g);
        return true;
    }

    [[nodiscard]] std::uint32_t original(std::uint32_t dense) const noexcept {
        const auto after = std::ranges::upper_bound(gaps_, dense, {}, &gap::at);
        return after == gaps_.begin() ? dense : dense + std::prev(after)->removed;
    }

    /// The first one left that was `original` or comes after it.
    [[nodiscard]] std::uint32_t dense_from(std::uint32_t original) const noexcept {
        // The first gap behind it; what lies before is shifted by the gap before.
        const auto after = std::ranges::upper_bound(gaps_, original, {}, [](const gap& g) {
            return std::uint64_t{g.at} + g.removed;
        });
        const auto removed = after == gaps_.begin() ? 0 : std::prev(after)->removed;
        const auto dense = original - removed;
        return after == gaps_.end() ? dense : std::min(dense, after->at);
    }

    [[nodiscard]] std::uint32_t removed() const noexcept {
        return gaps_.empty() ? 0 : gaps_.back().removed;
    }

    [[nodiscard]] const std::vector<gap>& gaps() const noexcept { return gaps_; }

    friend bool operator==(const gap_list&, const gap_list&) = default;

private:
    std::vector<gap> gaps_{}; // both numbers ascend
};

/// How a rewritten segment counts. An ordinary one needs none of it.
struct sparse_numbers {
    gap_list positions{};
    /// Of the streams that have gaps, by the index's number.
    std::map<std::uint32_t, gap_list> revisions{};
    /// What the records call the index's streams, types and tags: ascending.
    std::vector<std::uint32_t> streams{};
    std::vector<std::uint32_t> types{};
    std::vector<std::uint32_t> tags{};

    /// The index's number of what a record calls `in_record`.
    [[nodiscard]] static std::optional<std::uint32_t>
    find(const std::vector<std::uint32_t>& numbers, std::uint32_t in_record) noexcept {
        const auto found = std::ranges::lower_bound(numbers, in_record);
        if (found == numbers.end() || *found != in_record)
            return {};
        return static_cast<std::uint32_t>(found - numbers.begin());
    }

    friend bool operator==(const sparse_numbers&, const sparse_numbers&) = default;
};

} // namespace everfold::log
