// SPDX-License-Identifier: MIT
#pragma once
// What a pure decision answers: what has happened, or why nothing has.

#include <everfold/base/check.hpp>
#include <everfold/event/event.hpp>

#include <concepts>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace everfold {

namespace detail {

template <class List>
struct variant_of;

template <class... Es>
struct variant_of<events<Es...>> {
    using type = std::variant<Es...>;
};

} // namespace detail

/// Any of the events that a state lists.
template <class State>
using any_event_of = typename detail::variant_of<typename State::events>::type;

/// Made by refuse().
template <class Refusal>
struct refusal_of {
    Refusal why;
};

/// `return everfold::refuse("there are only 5");`
template <class Refusal>
[[nodiscard]] refusal_of<std::decay_t<Refusal>> refuse(Refusal&& why) {
    return {std::forward<Refusal>(why)};
}

/// Events of `State`, maybe none, or a refusal. A decision says `return deposited{5};`,
/// `return {opened{}, deposited{5}};`, `return {};` where nothing is to be done, or
/// `return everfold::refuse(…);`. A value: comparing it is the test of the decision.
template <class State, class Refusal>
class [[nodiscard]] outcome {
    template <class E>
    static constexpr bool is_listed = State::events::template contains<std::remove_cvref_t<E>>;

public:
    using any_event = any_event_of<State>;
    using refusal_type = Refusal;

    /// Accepted; nothing has happened.
    outcome() = default;

    template <class... Es>
    requires(sizeof...(Es) > 0 && (is_listed<Es> && ...)) outcome(Es&&... happened) {
        events_.reserve(sizeof...(Es));
        (events_.emplace_back(std::forward<Es>(happened)), ...);
    }

    outcome(std::vector<any_event> happened) // NOLINT(google-explicit-constructor): is one
        : events_{std::move(happened)} {}

    template <class Why>
    requires std::constructible_from<Refusal, Why> outcome(refusal_of<Why> refused)
        : refusal_{Refusal(std::move(refused.why))} {}

    [[nodiscard]] bool is_accepted() const noexcept { return !refusal_.has_value(); }

    explicit operator bool() const noexcept { return is_accepted(); }

    /// In order; none where it was refused.
    [[nodiscard]] std::span<const any_event> events() const noexcept { return events_; }

    /// Null where it was accepted.
    [[nodiscard]] const Refusal* refusal_or_null() const noexcept {
        return refusal_ ? &*refusal_ : nullptr;
    }

    /// Only of one that was refused.
    [[nodiscard]] const Refusal& refusal() const noexcept {
        check(refusal_.has_value(), "only what was refused has a refusal");
        return *refusal_;
    }

    friend bool operator==(const outcome&, const outcome&) = default;

private:
    std::vector<any_event> events_{};
    std::optional<Refusal> refusal_{};
};

namespace detail {

template <class T, class State>
inline constexpr bool is_outcome_of = false;
template <class State, class Refusal>
inline constexpr bool is_outcome_of<outcome<State, Refusal>, State> = true;

} // namespace detail
} // namespace everfold
