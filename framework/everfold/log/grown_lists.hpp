// SPDX-License-Identifier: MIT
#pragma once
// The lists of a growing index.

#include <everfold/base/prefetch.hpp>
#include <everfold/log/short_list.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace everfold::log {

/// Ordinals by number. The first numbers may be those of another index: of their lists only what
/// came since is here, and there is nothing for those to which nothing came.
class grown_lists {
public:
    explicit grown_lists(std::uint32_t known_before = 0) noexcept
        : known_before_{known_before} {}

    /// The next number has a list, too.
    void add() { own_.emplace_back(); }

    void push_back(std::uint32_t number, std::uint32_t ordinal) {
        if (number < known_before_)
            of_others_[number].push_back(ordinal);
        else
            own_[number - known_before_].push_back(ordinal);
    }

    [[nodiscard]] std::span<const std::uint32_t> operator[](std::uint32_t number) const {
        if (number >= known_before_)
            return own_[number - known_before_].view();
        const auto found = of_others_.find(number);
        return found == of_others_.end() ? std::span<const std::uint32_t>{} : found->second.view();
    }

    /// Has the processor fetch the list, and then its end. Any number will do.
    void prefetch_list(std::uint32_t number) const noexcept {
        if (number >= known_before_ && number - known_before_ < own_.size())
            prefetch(&own_[number - known_before_]);
    }

    void prefetch_end(std::uint32_t number) const noexcept {
        if (number < known_before_ || number - known_before_ >= own_.size())
            return;
        if (const auto list = own_[number - known_before_].view(); !list.empty())
            prefetch(&list.back());
    }

    /// The last one of a list that was added here, if it has any.
    [[nodiscard]] std::optional<std::uint32_t> last(std::uint32_t number) const noexcept {
        if (number < known_before_ || number - known_before_ >= own_.size() ||
            own_[number - known_before_].empty())
            return {};
        return own_[number - known_before_].back();
    }

private:
    std::uint32_t known_before_;
    std::unordered_map<std::uint32_t, short_list> of_others_{};
    std::vector<short_list> own_{};
};

} // namespace everfold::log
