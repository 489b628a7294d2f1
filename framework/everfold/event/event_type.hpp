// SPDX-License-Identifier: MIT
#pragma once
// What an event type is: a plain struct in the past tense with a name on disk, and lists of them.

#include <everfold/event/reflect.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
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

template <class... Es>
struct events;

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

// How an event says what it was once. docs/guide/evolution.md.

template <class E>
concept has_previous = requires {
    typename E::previous;
};

template <class E>
concept has_parts_of = requires {
    typename E::parts_of;
};

template <class E>
concept has_upcast = requires {
    &E::upcast;
}
&&std::is_function_v<std::remove_pointer_t<decltype(&E::upcast)>>;

template <class E>
concept has_former_names = requires {
    typename std::integral_constant<std::size_t, E::former_names.size()>;
};

template <class E>
concept has_oldest_version = requires {
    typename std::integral_constant<std::uint32_t, E::oldest_version>;
};

template <class E>
constexpr std::uint32_t oldest_version_of() noexcept {
    if constexpr (has_oldest_version<E>)
        return E::oldest_version;
    else
        return 1;
}

/// Whether versions above the struct's own only added fields.
template <class E>
constexpr bool reads_newer() noexcept {
    if constexpr (requires { typename std::bool_constant<E::newer_is_additive>; })
        return E::newer_is_additive;
    else
        return false;
}

template <class E>
constexpr std::size_t name_count() noexcept {
    if constexpr (has_former_names<E>)
        return 1 + E::former_names.size();
    else
        return 1;
}

/// The names on disk that are this struct's own; first the one that is written.
template <class E>
constexpr std::array<std::string_view, name_count<E>()> names_of() noexcept {
    std::array<std::string_view, name_count<E>()> out{std::string_view{E::event_type}};
    if constexpr (has_former_names<E>)
        for (std::size_t i = 0; i < E::former_names.size(); ++i)
            out[i + 1] = E::former_names[i];
    return out;
}

// The exact function is asked for: a from() of something that Old converts to must not count.
template <class E, class Old>
concept is_made_always = requires {
    static_cast<E (*)(const Old&)>(&E::from);
};

template <class E, class Old>
concept is_made_sometimes = requires {
    static_cast<std::optional<E> (*)(const Old&)>(&E::from);
};

template <class E, class Old>
constexpr bool explain_from() noexcept {
    static_assert(
        is_made_always<E, Old> || is_made_sometimes<E, Old>,
        "everfold: this event names an older struct and is not made from it; add `static E "
        "from(const Old&)` or `static std::optional<E> from(const Old&)` for exactly that struct"
    );
    return is_made_always<E, Old> || is_made_sometimes<E, Old>;
}

template <class E, class Parts>
struct parts_check {
    static_assert(!std::is_same_v<E, E>, "everfold: `parts_of` is a list, everfold::events<...>");
    static constexpr bool holds = false;
};

template <class E>
constexpr bool explain_evolution() noexcept;

template <class E, class... Old>
struct parts_check<E, events<Old...>> {
    static constexpr bool holds =
        ((explain_event<Old>() && explain_evolution<Old>() && explain_from<E, Old>()) && ... && true
        );
};

/// Whether every version of E from its oldest one on can be read; where not, the sentence that
/// says why.
template <class E>
constexpr bool explain_evolution() noexcept {
    static_assert(
        !(has_previous<E> && has_upcast<E>),
        "everfold: an event has either a `previous` struct or an upcast(); let the previous struct "
        "have the upcast()"
    );
    constexpr auto version = version_of<E>();
    if constexpr (has_previous<E>) {
        using previous = typename E::previous;
        if constexpr (explain_event<previous>()) {
            static_assert(
                version_of<previous>() + 1 == version,
                "everfold: hole in the upcast chain: the event_version of `previous` is to be one "
                "less than that of this event"
            );
            static_cast<void>(explain_from<E, previous>());
            static_cast<void>(explain_evolution<previous>());
        }
    } else if constexpr (!has_upcast<E>) {
        static_assert(
            version == oldest_version_of<E>(),
            "everfold: hole in the upcast chain: older versions of this event can't be read; add "
            "`using previous = ...;` or upcast(), or say with oldest_version that there are none"
        );
    } else {
        static_assert(
            oldest_version_of<E>() >= 1 && oldest_version_of<E>() <= version,
            "everfold: the oldest_version of an event is from 1 to its event_version"
        );
    }
    if constexpr (has_parts_of<E>)
        return parts_check<E, typename E::parts_of>::holds;
    return true;
}

template <class... Es>
constexpr bool are_types_distinct() noexcept {
    if constexpr ((event<Es> && ...)) {
        std::array<std::string_view, (name_count<Es>() + ... + 0)> names{};
        std::size_t count = 0;
        const auto add = [&](std::string_view name) {
            for (std::size_t i = 0; i < count; ++i)
                if (names[i] == name)
                    return false;
            names[count++] = name;
            return true;
        };
        const auto add_all = [&](const auto& of_one) {
            for (const auto name : of_one)
                if (!add(name))
                    return false;
            return true;
        };
        return (add_all(names_of<Es>()) && ... && true);
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
        (detail::explain_evolution<Es>() && ... && true),
        "everfold: events<...> lists an event whose older versions can't be read"
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
