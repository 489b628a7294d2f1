// SPDX-License-Identifier: MIT
#pragma once
// What a program can read for each field of a struct: to compare with what a log holds.

#include <everfold/event/codec.hpp>
#include <everfold/event/fingerprint.hpp>
#include <everfold/event/value_kind.hpp>
#include <everfold/event/wire.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace everfold {

/// A value as a program reads it.
struct value_shape {
    std::string name{}; ///< of the field; empty for what has none
    value_kinds kinds{};
    bool may_be_absent{};              ///< optional or patch
    bool is_open{};                    ///< what lies inside is not known: a codec, JSON, a tuple
    bool keeps_unknown{};              ///< has unknown_fields
    std::vector<value_shape> fields{}; ///< of a struct
    std::vector<value_shape> inside{}; ///< one: of each element of an array, each value of a map
};

namespace detail {

// Outer is the structs that T lies in: one that holds itself is open from there on.
template <class T, class... Outer>
value_shape shape_of_value(std::string_view name);

template <class T, class... Outer, std::size_t... I, class... M>
void add_field_shapes(value_shape& out, std::index_sequence<I...>, type_list<M...>) {
    [[maybe_unused]] const auto add = [&]<std::size_t Index, class Member>() {
        if constexpr (kind_of<Member> == wire_kind::unknown_fields)
            out.keeps_unknown = true;
        else
            out.fields.push_back(shape_of_value<Member, T, Outer...>(field_names_of<T>[Index]));
    };
    out.fields.reserve(sizeof...(I));
    (add.template operator()<I, M>(), ...);
}

template <class T>
constexpr value_kinds scalar_kinds_of() noexcept {
    constexpr auto kind = kind_of<T>;
    if constexpr (kind == wire_kind::boolean)
        return {value_kind::boolean};
    else if constexpr (kind == wire_kind::integer || kind == wire_kind::enumeration || kind == wire_kind::ordinal)
        return {value_kind::integer};
    else if constexpr (kind == wire_kind::floating)
        return {value_kind::floating, value_kind::integer};
    else if constexpr (kind == wire_kind::bytes || kind == wire_kind::fixed_bytes)
        return {value_kind::bytes, value_kind::text};
    else
        return {value_kind::text};
}

template <class T, class... Outer>
value_shape shape_of_value(std::string_view name) {
    constexpr auto kind = kind_of<T>;
    value_shape out{.name = std::string{name}};
    if constexpr (kind == wire_kind::optional || kind == wire_kind::patch) {
        out = shape_of_value<typename T::value_type, Outer...>(name);
        out.kinds.add(value_kind::null);
        out.may_be_absent = true;
    } else if constexpr (kind == wire_kind::structure) {
        out.kinds = {value_kind::map};
        if constexpr ((std::is_same_v<T, Outer> || ...))
            out.is_open = true;
        else
            add_field_shapes<T, Outer...>(
                out, std::make_index_sequence<field_count_of<T>>{}, field_types_of<T>{}
            );
    } else if constexpr (kind == wire_kind::sequence) {
        out.kinds = {value_kind::array};
        out.inside.push_back(shape_of_value<typename T::value_type, Outer...>({}));
    } else if constexpr (kind == wire_kind::fixed_sequence) {
        using element = std::remove_cvref_t<decltype(*std::begin(std::declval<T&>()))>;
        out.kinds = {value_kind::array};
        out.inside.push_back(shape_of_value<element, Outer...>({}));
    } else if constexpr (kind == wire_kind::set) {
        out.kinds = {value_kind::array};
        out.inside.push_back(shape_of_value<typename T::key_type, Outer...>({}));
    } else if constexpr (kind == wire_kind::map) {
        out.kinds = {value_kind::map};
        out.inside.push_back(shape_of_value<typename T::mapped_type, Outer...>({}));
    } else if constexpr (kind == wire_kind::bit_sequence) {
        out.kinds = {value_kind::array};
        out.inside.push_back(shape_of_value<bool>({}));
    } else if constexpr (kind == wire_kind::tuple) {
        out.kinds = {value_kind::array};
        out.is_open = true;
    } else if constexpr (kind == wire_kind::duration) {
        out.kinds = scalar_kinds_of<typename T::rep>();
    } else if constexpr (kind == wire_kind::custom || kind == wire_kind::unknown_fields) {
        out.kinds = value_kinds::any();
        out.is_open = true;
    } else {
        out.kinds = scalar_kinds_of<T>();
    }
    return out;
}

} // namespace detail

/// What is read into a T.
template <class T>
[[nodiscard]] value_shape shape_of() {
    return detail::shape_of_value<T>({});
}

} // namespace everfold
