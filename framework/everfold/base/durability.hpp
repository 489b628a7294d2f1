// SPDX-License-Identifier: MIT
#pragma once
// What an acknowledged append survives. docs/log_format.md, "Durability".

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace everfold {

/// A level of durability, by name. Whatever the level, what survives is a prefix of what was
/// appended, by whole appends.
class durability {
public:
    /// From the weakest to the strongest.
    enum class level : std::uint8_t { unsafe_none, os, interval, commit };

    constexpr durability() noexcept = default; // commit

    /// Acknowledged once it is on the disk: survives a power cut.
    [[nodiscard]] static constexpr durability commit() noexcept { return {}; }

    /// Acknowledged once the operating system has it: survives the end of the process. It is on the
    /// disk `period` later, or once `bytes` wait for that, and the time of one sync.
    [[nodiscard]] static constexpr durability interval(
        std::chrono::milliseconds period, std::uint64_t bytes = std::uint64_t{1} << 20U
    ) noexcept {
        return {level::interval, period, bytes};
    }

    /// Acknowledged once the operating system has it: survives the end of the process. It is on the
    /// disk once the segment is full, the store closed, or somebody has waited for that.
    [[nodiscard]] static constexpr durability os() noexcept { return {level::os, {}, {}}; }

    /// Acknowledged at once, and written when about 1 MiB has gathered, or when somebody reads. The
    /// end of the process, or a full disk, takes it. For imports that can be repeated.
    [[nodiscard]] static constexpr durability unsafe_none() noexcept {
        return {level::unsafe_none, {}, {}};
    }

    [[nodiscard]] constexpr level what() const noexcept { return level_; }

    /// Of interval(); else 0.
    [[nodiscard]] constexpr std::chrono::milliseconds period() const noexcept { return period_; }

    /// Of interval(); else 0.
    [[nodiscard]] constexpr std::uint64_t bytes() const noexcept { return bytes_; }

    /// Both `a` and `b`: the stronger level, and of two intervals the shorter period and the fewer
    /// bytes.
    [[nodiscard]] friend constexpr durability stronger(durability a, durability b) noexcept {
        if (a.level_ != b.level_)
            return a.level_ > b.level_ ? a : b;
        return {a.level_, std::min(a.period_, b.period_), std::min(a.bytes_, b.bytes_)};
    }

    friend constexpr bool operator==(durability, durability) noexcept = default;

private:
    constexpr durability(level what, std::chrono::milliseconds period, std::uint64_t bytes) noexcept
        : level_{what}
        , period_{period}
        , bytes_{bytes} {}

    level level_{level::commit};
    std::chrono::milliseconds period_{};
    std::uint64_t bytes_{};
};

} // namespace everfold
