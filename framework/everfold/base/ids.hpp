// SPDX-License-Identifier: MIT
#pragma once
// Strong ordinals: one type per axis, so that a revision can't be passed where a position is meant.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>

namespace everfold {

/// A place on one axis, counted from 0. Converts to its number only by value(); the only
/// arithmetic is next() and the distance between two.
template <class Axis>
class ordinal {
public:
    constexpr ordinal() noexcept = default;
    constexpr explicit ordinal(std::uint64_t value) noexcept
        : value_{value} {}

    [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

    [[nodiscard]] constexpr ordinal next() const noexcept { return ordinal{value_ + 1}; }

    /// The place `distance` further on.
    [[nodiscard]] constexpr ordinal advanced(std::uint64_t distance) const noexcept {
        return ordinal{value_ + distance};
    }

    /// How many steps lead from `from` to `to`; `to` is not before `from`.
    friend constexpr std::uint64_t operator-(ordinal to, ordinal from) noexcept {
        return to.value_ - from.value_;
    }

    friend constexpr auto operator<=>(ordinal, ordinal) noexcept = default;

private:
    std::uint64_t value_{};
};

/// The place of an event in the whole log: dense, from 0, in commit order.
using position = ordinal<struct position_axis>;

/// The place of an event in its stream: dense, from 0.
using revision = ordinal<struct revision_axis>;

/// A place in one file, in bytes.
using byte_offset = ordinal<struct byte_offset_axis>;

std::ostream& operator<<(std::ostream& out, position p);
std::ostream& operator<<(std::ostream& out, revision r);
std::ostream& operator<<(std::ostream& out, byte_offset o);

inline namespace literals {

constexpr std::size_t operator""_KiB(unsigned long long n) noexcept {
    return static_cast<std::size_t>(n) << 10U;
}

constexpr std::size_t operator""_MiB(unsigned long long n) noexcept {
    return static_cast<std::size_t>(n) << 20U;
}

} // namespace literals

} // namespace everfold

template <class Axis>
struct std::hash<everfold::ordinal<Axis>> {
    std::size_t operator()(everfold::ordinal<Axis> o) const noexcept {
        return std::hash<std::uint64_t>{}(o.value());
    }
};
