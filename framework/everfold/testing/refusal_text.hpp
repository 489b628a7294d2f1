// SPDX-License-Identifier: MIT
#pragma once
// Any refusal in words, as well as its type allows.

#include <everfold/event/codec.hpp>
#include <everfold/event/json_text.hpp>

#include <concepts>
#include <exception>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
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

/// A struct is printed as JSON only where it is described: looking into any other might not
/// compile.
template <class T>
concept shown_as_json = !std::is_class_v<T> || described<T> || !std::is_aggregate_v<T>;

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
    } else if constexpr (encodable<T> && shown_as_json<T>) {
        byte_buffer bytes;
        encode(value, bytes);
        return json_text_from_cbor(bytes);
    } else {
        return "a refusal that has no operator<<";
    }
}

} // namespace everfold::testing::detail
