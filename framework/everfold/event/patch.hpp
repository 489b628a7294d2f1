// SPDX-License-Identifier: MIT
#pragma once
// A field of an update: absent (leave it), null (clear it) or a value (set it).

#include <everfold/base/check.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
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
///
/// Owns: the value; one that was reset or set to null keeps its memory for the next, so that a
///       replay into one and the same event allocates nothing. Copies do not take that along.
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
        : content_{content::null} {}

    template <detail::makes_patch_of<T> U = T>
    constexpr explicit(!std::is_convertible_v<U, T>) patch(U&& value)
        : value_{std::in_place, std::forward<U>(value)}
        , content_{content::value} {}

    constexpr patch(const patch& other)
        : value_{other.has_value() ? other.value_ : std::nullopt}
        , content_{other.content_} {}
    constexpr patch(patch&&) = default;
    constexpr patch& operator=(const patch& other) {
        if (other.has_value())
            value_ = other.value_;
        content_ = other.content_;
        return *this;
    }
    constexpr patch& operator=(patch&&) = default;
    ~patch() = default;

    /// Back to absent.
    constexpr void reset() noexcept { content_ = content::absent; }

    constexpr void set_null() noexcept { content_ = content::null; }

    /// A value to be written to, all of it: it may hold what it held before.
    constexpr T& make_value() {
        if (!value_)
            value_.emplace();
        content_ = content::value;
        return *value_;
    }

    [[nodiscard]] constexpr bool is_absent() const noexcept { return content_ == content::absent; }

    [[nodiscard]] constexpr bool is_null() const noexcept { return content_ == content::null; }

    [[nodiscard]] constexpr bool has_value() const noexcept { return content_ == content::value; }

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
        if (has_value())
            target = *value_;
        else if (is_null())
            target.reset();
    }

    /// Leaves the target, sets it to T{} for null, or sets it.
    constexpr void apply_to(T& target) const {
        if (has_value())
            target = *value_;
        else if (is_null())
            target = T{};
    }

    friend constexpr bool
    operator==(const patch& a, const patch& b) requires std::equality_comparable<T> {
        return a.content_ == b.content_ && (!a.has_value() || *a.value_ == *b.value_);
    }

private:
    enum class content : std::uint8_t { absent, null, value };

    std::optional<T> value_{}; // where there is none, maybe memory for the next
    content content_{content::absent};
};

} // namespace everfold
