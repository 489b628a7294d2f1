// SPDX-License-Identifier: MIT
#pragma once
// A number for the layout of a type on disk. A snapshot is stamped with that of its state, so that
// one of another layout is never read. Made of names and wire forms only, never of a compiler's
// text.

#include <everfold/event/codec_common.hpp>
#include <everfold/event/wire.hpp>

#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace everfold {

namespace detail {

/// FNV-1a, 64 bits.
class layout_hash {
public:
    constexpr layout_hash& add(std::string_view text) noexcept {
        for (const char c : text)
            add_byte(static_cast<unsigned char>(c));
        return *this;
    }

    constexpr layout_hash& add(std::uint64_t number) noexcept {
        for (unsigned i = 0; i < 8; ++i)
            add_byte(static_cast<unsigned char>((number >> (8U * i)) & 0xFFU));
        return *this;
    }

    /// With its length, so that neighbouring texts can't run into each other.
    constexpr layout_hash& add_name(std::string_view name) noexcept {
        return add(name.size()).add(name);
    }

    [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

private:
    constexpr void add_byte(unsigned char byte) noexcept {
        value_ = (value_ ^ byte) * 0x0000'0100'0000'01B3U;
    }

    std::uint64_t value_{0xCBF2'9CE4'8422'2325U};
};

template <class... T>
struct type_list {};

struct to_type_list {
    template <class... M>
    constexpr type_list<std::remove_const_t<M>...> operator()(M&...) const noexcept {
        return {};
    }
};

template <class T>
using field_types_of =
    decltype(with_fields(std::declval<T&>(), std::declval<const to_type_list&>()));

// Outer is the structs that T lies in, from the innermost outwards: a struct that holds itself is
// named by its distance.
template <class T, class... Outer>
constexpr void add_layout(layout_hash& hash) noexcept;

template <class T>
constexpr void add_integer(layout_hash& hash) noexcept {
    if constexpr (std::is_same_v<T, bool>)
        hash.add("bool");
    else
        hash.add(std::is_signed_v<T> ? "i" : "u").add(sizeof(T) * 8);
}

template <class T, class... Outer, std::size_t... I, class... M>
constexpr void add_fields(layout_hash& hash, std::index_sequence<I...>, type_list<M...>) noexcept {
    ((hash.add_name(field_names_of<T>[I]), add_layout<M, T, Outer...>(hash)), ...);
}

template <class T, class... Outer>
constexpr void add_struct(layout_hash& hash) noexcept {
    if constexpr ((std::is_same_v<T, Outer> || ...)) {
        std::uint64_t distance = 1;
        static_cast<void>(((std::is_same_v<T, Outer> || (++distance, false)) || ...));
        hash.add("outer").add(distance);
    } else {
        hash.add("struct").add(field_count_of<T>);
        add_fields<T, Outer...>(
            hash, std::make_index_sequence<field_count_of<T>>{}, field_types_of<T>{}
        );
    }
}

template <class T, class... Outer, std::size_t... I>
constexpr void add_elements(layout_hash& hash, std::index_sequence<I...>) noexcept {
    (add_layout<std::tuple_element_t<I, T>, Outer...>(hash), ...);
}

template <class T, class... Outer>
constexpr void add_container(layout_hash& hash) noexcept {
    constexpr auto kind = kind_of<T>;
    if constexpr (kind == wire_kind::optional) {
        add_layout<typename T::value_type, Outer...>(hash.add("optional"));
    } else if constexpr (kind == wire_kind::patch) {
        add_layout<typename T::value_type, Outer...>(hash.add("patch"));
    } else if constexpr (kind == wire_kind::sequence) {
        add_layout<typename T::value_type, Outer...>(hash.add("array"));
    } else if constexpr (kind == wire_kind::bit_sequence) {
        hash.add("array").add("bool");
    } else if constexpr (kind == wire_kind::fixed_sequence) {
        using element = std::remove_cvref_t<decltype(*std::begin(std::declval<T&>()))>;
        constexpr auto count = sizeof(T) / sizeof(element);
        add_layout<element, Outer...>(hash.add("fixed array").add(count));
    } else if constexpr (kind == wire_kind::tuple) {
        hash.add("tuple").add(std::tuple_size_v<T>);
        add_elements<T, Outer...>(hash, std::make_index_sequence<std::tuple_size_v<T>>{});
    } else if constexpr (kind == wire_kind::set) {
        add_layout<typename T::key_type, Outer...>(hash.add("set"));
    } else if constexpr (kind == wire_kind::map) {
        add_layout<typename T::key_type, Outer...>(hash.add("map"));
        add_layout<typename T::mapped_type, Outer...>(hash);
    } else {
        static_assert(kind == wire_kind::structure);
        add_struct<T, Outer...>(hash);
    }
}

template <class T, class... Outer>
constexpr void add_layout(layout_hash& hash) noexcept {
    constexpr auto kind = kind_of<T>;
    if constexpr (kind == wire_kind::custom) {
        hash.add("codec").add_name(codec<T>::wire);
    } else if constexpr (kind == wire_kind::boolean || kind == wire_kind::integer) {
        add_integer<T>(hash);
    } else if constexpr (kind == wire_kind::floating) {
        hash.add("f").add(sizeof(T) * 8);
    } else if constexpr (kind == wire_kind::enumeration) {
        add_integer<std::underlying_type_t<T>>(hash.add("enum"));
    } else if constexpr (kind == wire_kind::named_enumeration) {
        hash.add("named enum").add(describe<T>::names.size());
        for (const auto& each : describe<T>::names)
            hash.add_name(each.name);
    } else if constexpr (kind == wire_kind::text) {
        hash.add("text");
    } else if constexpr (kind == wire_kind::bytes) {
        hash.add("bytes");
    } else if constexpr (kind == wire_kind::fixed_bytes) {
        hash.add("fixed bytes").add(sizeof(T));
    } else if constexpr (kind == wire_kind::uuid) {
        hash.add("uuid");
    } else if constexpr (kind == wire_kind::timestamp || kind == wire_kind::time_point) {
        hash.add("time");
    } else if constexpr (kind == wire_kind::duration) {
        hash.add("duration").add(static_cast<std::uint64_t>(T::period::num));
        hash.add(static_cast<std::uint64_t>(T::period::den));
        add_layout<typename T::rep>(hash);
    } else if constexpr (kind == wire_kind::ordinal) {
        hash.add("ordinal");
    } else if constexpr (kind == wire_kind::unknown_fields) {
        hash.add("unknown fields");
    } else {
        add_container<T, Outer...>(hash);
    }
}

} // namespace detail

/// A hash of the names and wire forms of T and of all it holds, in order.
template <class T>
[[nodiscard]] consteval std::uint64_t layout_fingerprint() noexcept {
    static_assert(encodable<T>, "everfold: only a type that can be encoded has a layout");
    detail::layout_hash hash;
    detail::add_layout<T>(hash);
    return hash.value();
}

} // namespace everfold
