// SPDX-License-Identifier: MIT
#pragma once
// Which form of docs/event_encoding.md a C++ type has. Containers are known by what they can do, so
// that <map> and its kin are included by those who use them.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/event/patch.hpp>
#include <everfold/event/reflect.hpp>
#include <everfold/event/unknown_fields.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace everfold {

/// To be specialised for a type whose form on disk is not one of ours:
///
///   template <> struct everfold::codec<money> {
///       static constexpr std::string_view wire = "money/text";   // changes when the form changes
///       static void encode(const money& value, cbor_writer& out);   // writes one item
///       static void decode(cbor_reader& in, money& into);           // reads one, assigns all of
///       it
///   };
template <class T>
struct codec {};

namespace detail {

enum class wire_kind : std::uint8_t {
    unsupported,
    custom,
    boolean,
    integer,
    floating,
    enumeration,
    named_enumeration,
    text,
    bytes,
    fixed_bytes,
    uuid,
    timestamp,
    time_point,
    duration,
    ordinal,
    optional,
    patch,
    unknown_fields,
    sequence,
    bit_sequence,
    fixed_sequence,
    tuple,
    set,
    map,
    structure,
};

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t N>
inline constexpr bool is_std_array<std::array<T, N>> = true;

template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;

template <class T>
inline constexpr bool is_ordinal = false;
template <class Axis>
inline constexpr bool is_ordinal<ordinal<Axis>> = true;

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = std::is_arithmetic_v<Rep>;

/// Whole ticks of a period that a timestamp holds exactly.
template <class Rep, class Period>
inline constexpr bool is_exact_period = std::is_integral_v<Rep> &&
                                        (Period::den == 1 ||
                                         (Period::num == 1 && 1'000'000'000 % Period::den == 0));

template <class T>
inline constexpr bool is_time_point = false;
template <class Rep, class Period>
inline constexpr bool is_time_point<
    std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<Rep, Period>>> =
    is_exact_period<Rep, Period>;

/// Text of one character set or another, not a number.
template <class T>
concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

template <class T>
concept has_codec = requires {
    codec<T>::wire;
};

template <class T>
concept map_like = requires(T& c, typename T::key_type key, typename T::mapped_type value) {
    c.emplace(std::move(key), std::move(value)).second;
    c.clear();
};

template <class T>
concept set_like = !requires {
    typename T::mapped_type;
}
&&requires(T& c, typename T::key_type key) {
    c.emplace(std::move(key)).second;
    c.clear();
};

template <class T>
concept sequence_like = !requires {
    typename T::key_type;
}
&&requires(T& c) {
    typename T::value_type;
    c.emplace_back();
    c.pop_back();
    c.erase(c.begin(), c.end());
};

/// Has no order of its own; is written sorted.
template <class T>
concept unordered = requires {
    typename T::hasher;
};

template <class T>
consteval wire_kind scalar_kind_of() noexcept {
    if constexpr (std::same_as<T, bool>)
        return wire_kind::boolean;
    else if constexpr (std::integral<T> && !character<T>)
        return wire_kind::integer;
    else if constexpr (std::same_as<T, float> || std::same_as<T, double>)
        return wire_kind::floating;
    else if constexpr (described_enum<T>)
        return wire_kind::named_enumeration;
    else if constexpr (std::is_enum_v<T>)
        return wire_kind::enumeration;
    else
        return wire_kind::unsupported;
}

template <class T>
consteval wire_kind array_kind_of() noexcept {
    if constexpr (std::is_bounded_array_v<T>)
        return wire_kind::fixed_sequence;
    else if constexpr (is_std_array<T>)
        return std::same_as<typename T::value_type, std::byte> ? wire_kind::fixed_bytes
                                                               : wire_kind::fixed_sequence;
    else if constexpr (std::same_as<T, byte_buffer>)
        return wire_kind::bytes;
    else if constexpr (std::same_as<T, std::vector<bool>>)
        return wire_kind::bit_sequence;
    else
        return wire_kind::unsupported;
}

template <class T>
consteval wire_kind class_kind_of() noexcept {
    if constexpr (std::same_as<T, std::string>)
        return wire_kind::text;
    else if constexpr (is_optional<T>)
        return wire_kind::optional;
    else if constexpr (is_patch<T>)
        return wire_kind::patch;
    else if constexpr (std::same_as<T, uuid>)
        return wire_kind::uuid;
    else if constexpr (std::same_as<T, timestamp>)
        return wire_kind::timestamp;
    else if constexpr (is_time_point<T>)
        return wire_kind::time_point;
    else if constexpr (is_duration<T>)
        return wire_kind::duration;
    else if constexpr (is_ordinal<T>)
        return wire_kind::ordinal;
    else if constexpr (std::same_as<T, unknown_fields>)
        return wire_kind::unknown_fields;
    else if constexpr (is_tuple<T>)
        return wire_kind::tuple;
    else if constexpr (described<T> || std::is_aggregate_v<T>)
        return wire_kind::structure;
    else if constexpr (map_like<T>)
        return wire_kind::map;
    else if constexpr (set_like<T>)
        return wire_kind::set;
    else if constexpr (sequence_like<T>)
        return wire_kind::sequence;
    else
        return wire_kind::unsupported;
}

template <class T>
consteval wire_kind find_kind_of() noexcept {
    if constexpr (has_codec<T>)
        return wire_kind::custom;
    else if constexpr (scalar_kind_of<T>() != wire_kind::unsupported)
        return scalar_kind_of<T>();
    else if constexpr (array_kind_of<T>() != wire_kind::unsupported)
        return array_kind_of<T>();
    else if constexpr (std::is_class_v<T>)
        return class_kind_of<T>();
    else
        return wire_kind::unsupported;
}

template <class T>
inline constexpr wire_kind kind_of = find_kind_of<T>();

template <class K>
inline constexpr bool is_key =
    std::is_enum_v<K> || kind_of<K> == wire_kind::text || kind_of<K> == wire_kind::integer ||
    kind_of<K> == wire_kind::uuid || kind_of<K> == wire_kind::timestamp ||
    kind_of<K> == wire_kind::time_point || kind_of<K> == wire_kind::ordinal;

template <class T>
consteval bool find_encodable() noexcept;

template <class T>
inline constexpr bool is_encodable_element =
    !std::is_const_v<T> && kind_of<T> != wire_kind::patch &&
    kind_of<T> != wire_kind::unknown_fields && find_encodable<T>();

template <class T, std::size_t... I>
consteval bool are_elements_encodable(std::index_sequence<I...>) noexcept {
    return (is_encodable_element<std::tuple_element_t<I, T>> && ...);
}

template <class T>
consteval bool find_encodable() noexcept {
    constexpr auto kind = kind_of<T>;
    if constexpr (kind == wire_kind::optional)
        return !is_optional<typename T::value_type> && is_encodable_element<typename T::value_type>;
    else if constexpr (kind == wire_kind::patch || kind == wire_kind::sequence)
        return is_encodable_element<typename T::value_type>;
    else if constexpr (kind == wire_kind::fixed_sequence)
        return is_encodable_element<std::remove_cvref_t<decltype(*std::begin(std::declval<T&>()))>>;
    else if constexpr (kind == wire_kind::tuple)
        return are_elements_encodable<T>(std::make_index_sequence<std::tuple_size_v<T>>{});
    else if constexpr (kind == wire_kind::set)
        return is_encodable_element<typename T::key_type>;
    else if constexpr (kind == wire_kind::map)
        return is_key<typename T::key_type> && is_encodable_element<typename T::mapped_type>;
    else
        return kind != wire_kind::unsupported;
}

} // namespace detail

/// A type with a form on disk. What the fields of a struct are is said, in one sentence each, when
/// it is encoded.
template <class T>
concept encodable = detail::find_encodable<std::remove_cv_t<T>>();

} // namespace everfold
