// SPDX-License-Identifier: MIT
#pragma once
// What an event type is: a plain struct in the past tense with a name on disk, and lists of them.

#include <everfold/event/reflect.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace everfold {

/// A struct with `static constexpr std::string_view event_type` whose fields are known. The name is
/// what is on disk, for ever; the struct may be renamed. What each field can be is said, in one
/// sentence, when it is encoded.
template <class E>
concept event = std::is_class_v<E> && reflected<E> && requires {
    std::string_view{E::event_type};
};

namespace detail {

template <class E>
constexpr bool has_event_type = requires {
    std::string_view{E::event_type};
};

/// Whether E is an event; where it is not, the sentence that says why.
template <class E>
constexpr bool explain_event() noexcept {
    static_assert(
        has_event_type<E>,
        "everfold: this event has no name; add `static constexpr std::string_view event_type = "
        "\"...\";`"
    );
    if constexpr (!described<E>)
        static_cast<void>(is_readable<E>);
    if constexpr (event<E>) {
        static_assert(
            !std::string_view{E::event_type}.empty(),
            "everfold: the event_type of an event is not empty"
        );
        return true;
    }
    return false;
}

} // namespace detail

/// The name of the type on disk.
template <class E>
requires event<E>
inline constexpr std::string_view event_type_of = E::event_type;

namespace detail {

template <class E>
constexpr std::uint32_t version_of() noexcept {
    if constexpr (requires { E::event_version; }) {
        static_assert(
            E::event_version >= 1 && E::event_version <= 0xFFFF'FFFFU,
            "everfold: an event_version is at least 1"
        );
        return static_cast<std::uint32_t>(E::event_version);
    } else {
        return 1;
    }
}

} // namespace detail

/// The version of the type on disk: `static constexpr std::uint32_t event_version`, or 1.
template <class E>
requires event<E>
inline constexpr std::uint32_t event_version_of = detail::version_of<E>();

namespace detail {

template <class... Es>
constexpr bool are_types_distinct() noexcept {
    if constexpr ((event<Es> && ...)) {
        constexpr std::size_t count = sizeof...(Es);
        constexpr std::array<std::string_view, count> names{std::string_view{Es::event_type}...};
        for (std::size_t i = 0; i < count; ++i)
            for (std::size_t k = 0; k < i; ++k)
                if (names[i] == names[k])
                    return false;
    }
    return true;
}

} // namespace detail

/// A list of event types: what a state folds, a projection sees, a log may contain.
template <class... Es>
struct events {
    static_assert(
        (detail::explain_event<Es>() && ... && true),
        "everfold: events<...> lists something that is not an event"
    );
    static_assert(
        detail::are_types_distinct<Es...>(),
        "everfold: two events in events<...> have the same event_type; each name on disk belongs "
        "to "
        "one struct"
    );

    static constexpr std::size_t size = sizeof...(Es);

    template <class E>
    static constexpr bool contains = (std::is_same_v<E, Es> || ...);

    /// The place of E in the list; size if it is not there.
    template <class E>
    static constexpr std::size_t index_of = [] {
        std::size_t index = 0;
        static_cast<void>(((std::is_same_v<E, Es> || (++index, false)) || ...));
        return index;
    }();

    template <std::size_t I>
    using at = std::tuple_element_t<I, std::tuple<Es...>>;

    /// Calls f(std::type_identity<E>{}) for each event type in the order of the list.
    template <class F>
    static constexpr void for_each(F&& f) {
        (static_cast<void>(f(std::type_identity<Es>{})), ...);
    }
};

} // namespace everfold
