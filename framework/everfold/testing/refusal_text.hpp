// SPDX-License-Identifier: MIT
#pragma once
// Any refusal in words, as well as its type allows.

#include <everfold/event/codec.hpp>
#include <everfold/event/fingerprint.hpp>
#include <everfold/event/json_text.hpp>
#include <everfold/event/reflect.hpp>
#include <everfold/testing/texts.hpp>

#include <concepts>
#include <exception>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace everfold::testing::detail {

template <class T>
inline constexpr bool is_variant = false;
template <class... Ts>
inline constexpr bool is_variant<std::variant<Ts...>> = true;

template <class T>
concept printed = requires(std::ostream& out, const T& value) {
    out << value;
};

template <class T>
consteval bool is_shown() noexcept;

template <class... M>
consteval bool are_shown(everfold::detail::type_list<M...>) noexcept {
    return (is_shown<M>() && ... && true);
}

/// Whether reflection reads T: asked before, because what it can't read does not compile.
template <class T>
consteval bool is_shown_struct() noexcept {
    using namespace everfold::detail;
    if constexpr (described<T>) {
        return true;
    } else if constexpr (std::is_aggregate_v<T> && takes<T, 0> && !takes_a_base_first<T>) {
        constexpr auto count = initialiser_count<T>;
        if constexpr (count <= bound_fields_max)
            if constexpr (bound_fields<count>::template is_taken<T>)
                if constexpr (has_only_addressable<T, count>)
                    return are_shown(field_types_of<T>{});
        return false;
    } else {
        return false;
    }
}

/// Whether T is printed as JSON.
template <class T>
consteval bool is_shown() noexcept {
    using everfold::detail::wire_kind;
    constexpr auto kind = everfold::detail::kind_of<T>;
    if constexpr (kind == wire_kind::structure)
        return is_shown_struct<T>();
    else if constexpr (kind == wire_kind::optional || kind == wire_kind::patch || kind == wire_kind::sequence)
        return encodable<T> && is_shown<typename T::value_type>();
    else
        return encodable<T> && kind != wire_kind::map && kind != wire_kind::set &&
               kind != wire_kind::tuple && kind != wire_kind::fixed_sequence;
}

template <class T>
[[nodiscard]] std::string words_of(const T& value) {
    if constexpr (std::derived_from<T, std::exception>) {
        return value.what();
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        return std::string{std::string_view{value}};
    } else if constexpr (is_variant<T>) {
        return std::visit([](const auto& each) { return words_of(each); }, value);
    } else if constexpr (printed<T>) {
        std::ostringstream out;
        out << value;
        return std::move(out).str();
    } else if constexpr (is_shown<T>()) {
        byte_buffer bytes;
        encode(value, bytes);
        auto out = std::is_class_v<T> ? std::string{type_name<T>()} + " " : std::string{};
        return out + json_text_from_cbor(bytes);
    } else {
        return std::string{type_name<T>()} + ", which has no operator<<";
    }
}

} // namespace everfold::testing::detail
