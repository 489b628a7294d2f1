// SPDX-License-Identifier: MIT
#pragma once
// The layout of a state's snapshots in words: what layout_fingerprint() hashes, for people who have
// to see what has changed.

#include <everfold/aggregate/repository.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/event/fingerprint.hpp>
#include <everfold/event/reflect.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace everfold::testing::detail {

/// "0x" and 16 digits.
[[nodiscard]] std::string in_hex(std::uint64_t number);

template <class T>
[[nodiscard]] std::string number_name() {
    std::string out = std::is_floating_point_v<T> ? "float" : std::is_signed_v<T> ? "int" : "uint";
    return out + std::to_string(sizeof(T) * 8);
}

template <class T, class... Outer>
void add_layout(std::string& out, const std::string& path);

/// One line for a type that holds no others; empty for one that does.
template <class T>
[[nodiscard]] std::string simple_name() {
    constexpr auto kind = everfold::detail::kind_of<T>;
    using everfold::detail::wire_kind;
    if constexpr (kind == wire_kind::custom)
        return "as " + std::string{codec<T>::wire};
    else if constexpr (kind == wire_kind::boolean)
        return "bool";
    else if constexpr (kind == wire_kind::integer || kind == wire_kind::floating)
        return number_name<T>();
    else if constexpr (kind == wire_kind::enumeration)
        return "enum " + number_name<std::underlying_type_t<T>>();
    else if constexpr (kind == wire_kind::named_enumeration) {
        std::string out = "one of";
        for (const auto& each : describe<T>::names)
            out.append(" ").append(each.name);
        return out;
    } else if constexpr (kind == wire_kind::text)
        return "text";
    else if constexpr (kind == wire_kind::bytes)
        return "bytes";
    else if constexpr (kind == wire_kind::fixed_bytes)
        return std::to_string(sizeof(T)) + " bytes";
    else if constexpr (kind == wire_kind::uuid)
        return "uuid";
    else if constexpr (kind == wire_kind::timestamp || kind == wire_kind::time_point)
        return "time";
    else if constexpr (kind == wire_kind::duration)
        return "duration of " + std::to_string(T::period::num) + "/" +
               std::to_string(T::period::den) + " s, " + number_name<typename T::rep>();
    else if constexpr (kind == wire_kind::ordinal)
        return "ordinal";
    else if constexpr (kind == wire_kind::unknown_fields)
        return "unknown fields";
    else if constexpr (kind == wire_kind::bit_sequence)
        return "array of bool";
    else
        return {};
}

template <class T, class... Outer>
void add_fields_layout(std::string& out, const std::string& path) {
    const auto add = [&]<
        std::size_t... I,
        class... M>(std::index_sequence<I...>, everfold::detail::type_list<M...>) {
        (add_layout<M, T, Outer...>(out, path + "/" + std::string{field_names_of<T>[I]}), ...);
    };
    add(std::make_index_sequence<field_count_of<T>>{}, everfold::detail::field_types_of<T>{});
}

template <class T, class... Outer>
void add_layout_within(std::string& out, const std::string& path) {
    constexpr auto kind = everfold::detail::kind_of<T>;
    using everfold::detail::wire_kind;
    if constexpr (kind == wire_kind::structure) {
        out += (std::is_same_v<T, Outer> || ...) ? "struct, as above\n" : "struct\n";
        if constexpr (!(std::is_same_v<T, Outer> || ...))
            add_fields_layout<T, Outer...>(out, path);
    } else if constexpr (kind == wire_kind::map) {
        out += "map by " + simple_name<typename T::key_type>() + "\n";
        add_layout<typename T::mapped_type, Outer...>(out, path + "/*");
    } else if constexpr (kind == wire_kind::set) {
        out += "set\n";
        add_layout<typename T::key_type, Outer...>(out, path + "/*");
    } else if constexpr (kind == wire_kind::tuple) {
        out += "tuple\n";
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (add_layout<std::tuple_element_t<I, T>, Outer...>(out, path + "/" + std::to_string(I)),
             ...);
        }
        (std::make_index_sequence<std::tuple_size_v<T>>{});
    } else if constexpr (kind == wire_kind::fixed_sequence) {
        using element = std::remove_cvref_t<decltype(*std::begin(std::declval<T&>()))>;
        out += "array of " + std::to_string(sizeof(T) / sizeof(element)) + "\n";
        add_layout<element, Outer...>(out, path + "/*");
    } else {
        static_assert(
            kind == wire_kind::sequence || kind == wire_kind::optional || kind == wire_kind::patch
        );
        out += kind == wire_kind::sequence   ? "array\n"
               : kind == wire_kind::optional ? "optional\n"
                                             : "patch\n";
        add_layout<typename T::value_type, Outer...>(out, path + "/*");
    }
}

template <class T, class... Outer>
void add_layout(std::string& out, const std::string& path) {
    out += (path.empty() ? "/" : path) + "  ";
    if (const auto name = simple_name<T>(); !name.empty()) {
        out += name + "\n";
    } else {
        using everfold::detail::wire_kind;
        constexpr auto kind = everfold::detail::kind_of<T>;
        if constexpr (kind == wire_kind::structure || kind == wire_kind::map || kind == wire_kind::set || kind == wire_kind::tuple || kind == wire_kind::fixed_sequence || kind == wire_kind::sequence || kind == wire_kind::optional || kind == wire_kind::patch)
            add_layout_within<T, Outer...>(out, path);
    }
}

/// What a golden file holds.
template <class State>
[[nodiscard]] std::string layout_text() {
    const auto stamped = everfold::detail::functions_of<State>();
    std::string out = "fold  ";
    out.append(stamped.fold_name).append("\n");
    out += "fold_version  " + std::to_string(stamped.fold_version) + "\n";
    out += "layout  " + in_hex(stamped.layout) + "\n";
    add_layout<State>(out, {});
    return out;
}

} // namespace everfold::testing::detail
