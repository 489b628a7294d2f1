// SPDX-License-Identifier: MIT
#pragma once
// A moment in a history, named on one of its three axes.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>

#include <variant>

namespace everfold {

/// "As it was just after this": the event at the position or revision is included, and so is every
/// event that was recorded at the time. A moment that has not come yet means now.
class as_of {
public:
    /// A place in the whole log.
    constexpr explicit as_of(position p) noexcept
        : moment_{p} {}

    /// A place in the stream.
    constexpr explicit as_of(revision r) noexcept
        : moment_{r} {}

    /// A time of the log's own clock (`recorded_at`), not of `occurred_at`.
    constexpr explicit as_of(timestamp recorded_at) noexcept
        : moment_{recorded_at} {}

    [[nodiscard]] constexpr const std::variant<position, revision, timestamp>&
    moment() const noexcept {
        return moment_;
    }

private:
    std::variant<position, revision, timestamp> moment_;
};

} // namespace everfold
