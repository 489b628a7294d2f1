// SPDX-License-Identifier: MIT
#pragma once
// What makes a value a state: a list of events and one apply() for each of them, seen to by the
// compiler.

#include <everfold/event/event_info.hpp>
#include <everfold/event/event_type.hpp>

#include <type_traits>

namespace everfold {

namespace detail {

// The exact function is asked for and not whether a call would do: an apply() of another event that
// this one converts to must not count.
template <class S, class E>
concept applies_alone = requires {
    static_cast<void (S::*)(const E&)>(&S::apply);
};

template <class S, class E>
concept applies_with_info = requires {
    static_cast<void (S::*)(const E&, const event_info&)>(&S::apply);
};

} // namespace detail

/// S has `void apply(const E&)` or `void apply(const E&, const event_info&)`, for exactly this E.
template <class S, class E>
concept applies = detail::applies_alone<S, E> || detail::applies_with_info<S, E>;

namespace detail {

template <class S, class E>
concept is_called_alone = requires(S& state, const E& e) {
    state.apply(e);
};

template <class S, class E>
concept is_called_with_info = requires(S& state, const E& e, const event_info& info) {
    state.apply(e, info);
};

/// Whether S applies E; where it does not, the sentence that says so.
template <class S, class E>
constexpr bool explain_apply() noexcept {
    static_assert(
        applies<S, E>,
        "everfold: this state lists an event in `events` that it does not apply; add a public "
        "`void "
        "apply(const E&)` or `void apply(const E&, const everfold::event_info&)` for exactly that "
        "event"
    );
    if constexpr (applies<S, E>)
        static_assert(
            is_called_alone<S, E> || is_called_with_info<S, E>,
            "everfold: this state applies an event in more than one way: a call of its apply() is "
            "ambiguous; keep `void apply(const E&)` only"
        );
    return applies<S, E>;
}

template <class S, class List>
struct fold_check;

template <class S, class... Es>
struct fold_check<S, events<Es...>> {
    static constexpr bool holds =
        events<Es...>::size == sizeof...(Es) && (explain_apply<S, Es>() && ... && true);
};

template <class T>
inline constexpr bool is_events = false;
template <class... Es>
inline constexpr bool is_events<events<Es...>> = true;

} // namespace detail

/// A state: `using events = everfold::events<…>`. That it applies each of them is said by
/// explain_fold().
template <class S>
concept fold_state = requires {
    typename S::events;
}
&&detail::is_events<typename S::events>;

/// Whether S is a state that applies all its events; where it is not, the sentence that says why.
template <class S>
constexpr bool explain_fold() noexcept {
    static_assert(
        fold_state<S>,
        "everfold: a state lists what it folds; add `using events = everfold::events<...>;`"
    );
    if constexpr (fold_state<S>)
        return detail::fold_check<S, typename S::events>::holds;
    else
        return false;
}

/// Calls the apply() of S for exactly E; the one with the event_info where there are both.
template <class S, class E>
constexpr void apply_event(S& state, const E& e, const event_info& info) {
    if constexpr (detail::applies_with_info<S, E>)
        state.apply(e, info);
    else if constexpr (detail::explain_apply<S, E>())
        state.apply(e);
}

} // namespace everfold
