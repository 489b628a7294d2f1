// SPDX-License-Identifier: MIT
#pragma once
// Numbers, texts and lengths from a seed: the same ones on every machine.

#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/event/unknown_fields.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace everfold::testing {

/// Where random values come from. Often small and equal, so that events meet the same things in a
/// state; often at the limits of what a type holds.
class value_source {
public:
    explicit value_source(std::uint64_t seed) noexcept
        : state_{seed} {}

    /// Any 64 bits.
    [[nodiscard]] std::uint64_t bits() noexcept;

    /// `n` is at least 1.
    [[nodiscard]] std::uint64_t below(std::uint64_t n) noexcept { return bits() % n; }

    [[nodiscard]] bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }

    template <std::integral T>
    [[nodiscard]] T integer() noexcept {
        using limits = std::numeric_limits<T>;
        switch (below(8)) {
        case 0:
            return limits::max();
        case 1:
            return limits::min();
        case 2:
            return static_cast<T>(bits());
        case 3:
            return static_cast<T>(below(100));
        default:
            return static_cast<T>(below(4));
        }
    }

    template <std::integral T>
    [[nodiscard]] T between(T least, T most) noexcept {
        const auto span = static_cast<std::uint64_t>(most) - static_cast<std::uint64_t>(least);
        const auto step = span == ~std::uint64_t{0} ? bits() : below(span + 1);
        return static_cast<T>(static_cast<std::uint64_t>(least) + step);
    }

    /// Finite: no state has to compare equal with a NaN in it.
    [[nodiscard]] double floating() noexcept;

    /// UTF-8: empty, short, of many scripts, with characters that JSON escapes, or long.
    [[nodiscard]] std::string text();

    /// How many elements a container gets; none within containers within containers.
    [[nodiscard]] std::size_t length() noexcept;

    [[nodiscard]] timestamp time() noexcept;
    [[nodiscard]] uuid id() noexcept;
    /// A few fields that no struct names.
    void fill(unknown_fields& into);

    /// Between enter() and leave(), a value within a value.
    void enter() noexcept { ++depth_; }

    void leave() noexcept { --depth_; }

    [[nodiscard]] bool is_deep() const noexcept { return depth_ > 6; }

private:
    std::uint64_t state_;
    unsigned depth_{};
};

} // namespace everfold::testing
