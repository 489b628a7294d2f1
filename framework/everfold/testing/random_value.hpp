// SPDX-License-Identifier: MIT
#pragma once
// Random values of any type that can be encoded, by reflection.

#include <everfold/event/codec.hpp>
#include <everfold/event/reflect.hpp>
#include <everfold/testing/value_source.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <limits>
#include <ratio>
#include <tuple>
#include <type_traits>
#include <utility>

namespace everfold::testing {

/// To be specialised where not every value that a type can hold is a valid one:
///
///   template <> struct everfold::testing::any_value<bank::deposited> {
///       static bank::deposited make(everfold::testing::value_source& from) {
///           return {.amount = from.between<std::int64_t>(1, 1'000'000)};
///       }
///   };
template <class T>
struct any_value {};

/// A value of T: any that its fields can hold, or what any_value<T> makes. One of a type with an
/// everfold::codec of its own, and without an any_value, is T{}.
template <class T>
[[nodiscard]] T random_value(value_source& from);

namespace detail {

template <class T>
concept has_any_value = requires(value_source& from) {
    { any_value<T>::make(from) } -> std::convertible_to<T>;
};

template <class T>
void fill(value_source& from, T& into);

template <class T>
[[nodiscard]] T random_time_point(value_source& from) {
    using period = typename T::period;
    using rep = typename T::rep;
    // 285 years to each side: what the finest of them holds.
    constexpr auto seconds = std::int64_t{9'000'000'000};
    constexpr auto ticks = period::num == 1
                               ? (period::den > 1'000'000'000 ? seconds : seconds * period::den)
                               : seconds / period::num;
    constexpr auto most = std::min<std::int64_t>(
        ticks,
        static_cast<std::int64_t>(std::min<std::uintmax_t>(
            static_cast<std::uintmax_t>(std::numeric_limits<rep>::max()),
            std::numeric_limits<std::int64_t>::max()
        ))
    );
    return T{typename T::duration{
        static_cast<rep>(from.between<std::int64_t>(std::is_signed_v<rep> ? -most : 0, most))}};
}

template <class T>
[[nodiscard]] T random_enumerator(value_source& from) {
    if constexpr (described_enum<T>) {
        return describe<T>::names[from.below(describe<T>::names.size())].value;
    } else {
        // Which values it has is not known; the first few are valid in most.
        using number = std::underlying_type_t<T>;
        return static_cast<T>(static_cast<number>(from.below(std::same_as<number, bool> ? 2 : 3)));
    }
}

template <class T>
void fill_elements(value_source& from, T& into) {
    constexpr auto kind = everfold::detail::kind_of<T>;
    using everfold::detail::wire_kind;
    into.clear();
    for (auto left = from.length(); left > 0; --left) {
        if constexpr (kind == wire_kind::map)
            into.emplace(
                random_value<typename T::key_type>(from),
                random_value<typename T::mapped_type>(from)
            );
        else if constexpr (kind == wire_kind::set)
            into.emplace(random_value<typename T::key_type>(from));
        else
            into.emplace_back(random_value<typename T::value_type>(from));
    }
}

template <class T>
void fill_class(value_source& from, T& into) {
    constexpr auto kind = everfold::detail::kind_of<T>;
    using everfold::detail::wire_kind;
    if constexpr (kind == wire_kind::optional) {
        if (from.is_deep() || from.one_in(3))
            into.reset();
        else
            into = random_value<typename T::value_type>(from);
    } else if constexpr (kind == wire_kind::patch) {
        if (from.one_in(3))
            into.reset();
        else if (from.is_deep() || from.one_in(3))
            into.set_null();
        else
            into = random_value<typename T::value_type>(from);
    } else if constexpr (kind == wire_kind::tuple) {
        std::apply([&](auto&... each) { (fill(from, each), ...); }, into);
    } else if constexpr (kind == wire_kind::structure) {
        for_each_field(into, [&](std::string_view, auto& member) { fill(from, member); });
    } else {
        fill_elements(from, into);
    }
}

template <class T>
void fill_scalar(value_source& from, T& into) {
    constexpr auto kind = everfold::detail::kind_of<T>;
    using everfold::detail::wire_kind;
    if constexpr (kind == wire_kind::boolean)
        into = from.one_in(2);
    else if constexpr (kind == wire_kind::integer)
        into = from.integer<T>();
    else if constexpr (std::same_as<T, float>)
        into = std::clamp(
            static_cast<float>(std::clamp(from.floating(), -1e38, 1e38)),
            std::numeric_limits<float>::lowest(),
            std::numeric_limits<float>::max()
        );
    else if constexpr (kind == wire_kind::floating)
        into = from.floating();
    else if constexpr (std::is_enum_v<T>)
        into = random_enumerator<T>(from);
    else if constexpr (kind == wire_kind::text)
        into = from.text();
    else if constexpr (kind == wire_kind::uuid)
        into = from.id();
    else if constexpr (kind == wire_kind::timestamp)
        into = from.time();
    else if constexpr (kind == wire_kind::time_point)
        into = random_time_point<T>(from);
    else if constexpr (kind == wire_kind::duration)
        into = T{random_value<typename T::rep>(from)};
    else if constexpr (kind == wire_kind::ordinal)
        into = T{from.integer<std::uint64_t>()};
    else if constexpr (kind == wire_kind::unknown_fields)
        from.fill(into);
    else
        static_assert(kind == wire_kind::custom);
}

template <class T>
void fill(value_source& from, T& into) {
    constexpr auto kind = everfold::detail::kind_of<T>;
    using everfold::detail::wire_kind;
    from.enter();
    if constexpr (has_any_value<T>) {
        into = any_value<T>::make(from);
    } else if constexpr (kind == wire_kind::custom) {
        into = T{};
    } else if constexpr (kind == wire_kind::bytes) {
        into.resize(from.length());
        for (auto& each : into)
            each = static_cast<std::byte>(from.below(256));
    } else if constexpr (kind == wire_kind::fixed_bytes) {
        for (auto& each : into)
            each = static_cast<std::byte>(from.below(256));
    } else if constexpr (kind == wire_kind::fixed_sequence) {
        for (auto& each : into)
            fill(from, each);
    } else if constexpr (kind == wire_kind::optional || kind == wire_kind::patch || kind == wire_kind::tuple || kind == wire_kind::structure || kind == wire_kind::sequence || kind == wire_kind::set || kind == wire_kind::map || kind == wire_kind::bit_sequence) {
        fill_class(from, into);
    } else {
        fill_scalar(from, into);
    }
    from.leave();
}

} // namespace detail

template <class T>
T random_value(value_source& from) {
    static_assert(
        encodable<T>, "everfold: only a type that can be encoded has random values by reflection"
    );
    T out{};
    detail::fill(from, out);
    return out;
}

} // namespace everfold::testing
