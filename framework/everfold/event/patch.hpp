// SPDX-License-Identifier: MIT
#pragma once
// A field of an update: absent (leave it), null (clear it) or a value (set it).

#include <everfold/base/check.hpp>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace everfold {

template <class T>
class patch;

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_patch = false;
template <class T>
inline constexpr bool is_patch<patch<T>> = true;

/// What a patch takes as its value: what makes a T, and neither null nor another patch.
template <class U, class T>
concept makes_patch_of =
    !is_patch<std::remove_cvref_t<U>> && !std::is_null_pointer_v<std::remove_cvref_t<U>> &&
    std::is_constructible_v<T, U&&>;

} // namespace detail

/// Absent, null or a value of T. An absent patch is not written, so that a reader can tell "left as
/// it is" from "cleared". Made absent; set by assigning a value or nullptr.
template <class T>
class patch {
    static_assert(
        !detail::is_optional<T> && !detail::is_patch<T>,
        "everfold: a patch says null by itself; write patch<T> instead of patch<optional<T>>"
    );

public:
    using value_type = T;

    constexpr patch() = default;

    constexpr patch( // NOLINT(google-explicit-constructor): reads as JSON does
        std::nullptr_t
    ) noexcept
        : is_null_{true} {}

    template <detail::makes_patch_of<T> U = T>
    constexpr explicit(!std::is_convertible_v<U, T>) patch(U&& value)
        : value_{std::in_place, std::forward<U>(value)} {}

    /// Back to absent.
    constexpr void reset() noexcept {
        value_.reset();
        is_null_ = false;
    }

    constexpr void set_null() noexcept {
        value_.reset();
        is_null_ = true;
    }

    /// A value to be written to: the one that is there, or a new one.
    constexpr T& make_value() {
        is_null_ = false;
        return value_ ? *value_ : value_.emplace();
    }

    [[nodiscard]] constexpr bool is_absent() const noexcept { return !value_ && !is_null_; }

    [[nodiscard]] constexpr bool is_null() const noexcept { return is_null_; }

    [[nodiscard]] constexpr bool has_value() const noexcept { return value_.has_value(); }

    /// has_value() holds.
    [[nodiscard]] constexpr const T& value() const {
        check(has_value(), "a patch whose value is asked for has one");
        return *value_;
    }

    [[nodiscard]] constexpr T& value() {
        check(has_value(), "a patch whose value is asked for has one");
        return *value_;
    }

    [[nodiscard]] constexpr const T& operator*() const { return value(); }

    [[nodiscard]] constexpr T& operator*() { return value(); }

    [[nodiscard]] constexpr const T* operator->() const { return &value(); }

    [[nodiscard]] constexpr T* operator->() { return &value(); }

    /// Leaves the target, clears it or sets it.
    constexpr void apply_to(std::optional<T>& target) const {
        if (value_)
            target = *value_;
        else if (is_null_)
            target.reset();
    }

    /// Leaves the target, sets it to T{} for null, or sets it.
    constexpr void apply_to(T& target) const {
        if (value_)
            target = *value_;
        else if (is_null_)
            target = T{};
    }

    friend constexpr bool operator==(const patch&, const patch&) = default;

private:
    std::optional<T> value_{};
    bool is_null_{}; // never beside a value
};

} // namespace everfold
