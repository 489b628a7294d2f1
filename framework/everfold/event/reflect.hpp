// SPDX-License-Identifier: MIT
#pragma once
// The fields of a struct and their names, without a macro. Aggregates are read by the compiler: the
// number of fields by trying how many initialisers they take, the fields by a structured binding,
// the names from the text that the compiler has for a function over a member's address. Everything
// else says its fields in describe<T>. docs/event_encoding.md, "describe".

#include <everfold/event/bound_fields.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace everfold {

/// To be specialised for what reflection can't read: `fields`, a std::tuple of field(…), for a
/// class; `names`, a std::array of named(…), for an enumeration that is to be written by name.
template <class T>
struct describe {};

/// One field of a described class: its name on disk and where it is.
template <class Class, class Member>
struct described_field {
    std::string_view name;
    Member Class::*member;
};

template <class Class, class Member>
[[nodiscard]] constexpr described_field<Class, Member>
field(std::string_view name, Member Class::*member) noexcept {
    return {name, member};
}

/// One value of a described enumeration.
template <class Enum>
struct named_value {
    std::string_view name;
    Enum value;
};

template <class Enum>
[[nodiscard]] constexpr named_value<Enum> named(std::string_view name, Enum value) noexcept {
    static_assert(std::is_enum_v<Enum>, "everfold::named() is for the values of an enumeration");
    return {name, value};
}

/// A class whose fields are listed in describe<T>.
template <class T>
concept described = requires {
    describe<std::remove_cv_t<T>>::fields;
};

/// An enumeration whose values have names in describe<T>.
template <class T>
concept described_enum = std::is_enum_v<T> && requires {
    describe<std::remove_cv_t<T>>::names.size();
};

/// A class whose fields are known, by reflection or by description.
template <class T>
concept reflected = described<T> ||(std::is_class_v<T>&& std::is_aggregate_v<T>);

namespace detail {

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wmissing-field-initializers"
#pragma clang diagnostic ignored "-Wmissing-braces"
#pragma clang diagnostic ignored "-Wundefined-internal"
#pragma clang diagnostic ignored "-Wundefined-var-template"
#elif defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wmissing-braces"
#endif

/// Converts to whatever a field is. Never called: it is only asked whether it would do.
template <std::size_t>
struct any_field {
    template <class U>
    operator U() const noexcept { // NOLINT(google-explicit-constructor)
        __builtin_unreachable();
    }
};

/// Converts to the base classes of T only.
template <class T>
struct any_base_of {
    template <class U>
    requires(std::is_base_of_v<U, T> && !std::is_same_v<U, T>)
    operator U() const noexcept { // NOLINT(google-explicit-constructor)
        __builtin_unreachable();
    }
};

template <class T, std::size_t... I>
constexpr bool takes_initialisers(std::index_sequence<I...>) noexcept {
    return requires {
        T{any_field<I>{}...};
    };
}

template <class T>
concept takes_a_base_first = requires {
    T{any_base_of<T>{}};
};

template <class T, std::size_t Count>
constexpr bool takes = takes_initialisers<T>(std::make_index_sequence<Count>{});

// Which counts are taken has no gap where every field has a default value, so that halving finds
// the end.
template <class T, std::size_t Low, std::size_t High>
constexpr std::size_t count_between() noexcept {
    if constexpr (Low == High) {
        return Low;
    } else {
        constexpr auto middle = (Low + High + 1) / 2;
        if constexpr (takes<T, middle>)
            return count_between<T, middle, High>();
        else
            return count_between<T, Low, middle - 1>();
    }
}

/// How many initialisers an aggregate takes: its fields, if it has neither base nor array.
template <class T>
constexpr std::size_t initialiser_count = count_between<T, 0, bound_fields_max + 1>();

/// An object that is never made: only its members' addresses are used.
template <class T>
struct holder {
    T value;
};

template <class T>
extern const holder<T> never_made;

struct is_addressable {
    template <class M>
    static constexpr bool touch(const M& member) noexcept {
        return std::addressof(member) != nullptr;
    }

    template <class... M>
    constexpr bool operator()(const M&... members) const noexcept {
        return (touch(members) && ... && true);
    }
};

/// A list of addresses; std::tuple would do and costs compile time.
template <std::size_t I, class P>
struct pointer_leaf {
    P pointer;
};

template <class Indices, class... P>
struct pointer_list;

template <std::size_t... I, class... P>
struct pointer_list<std::index_sequence<I...>, P...> : pointer_leaf<I, P>... {};

template <std::size_t I, class P>
constexpr pointer_leaf<I, P> leaf_at(const pointer_leaf<I, P>& leaf) noexcept {
    return leaf;
}

struct to_addresses {
    template <class... M>
    constexpr auto operator()(const M&... members) const noexcept {
        return pointer_list<std::index_sequence_for<M...>, const M*...>{
            {std::addressof(members)}...};
    }
};

template <class T, std::size_t Count>
consteval auto addresses() noexcept {
    return bound_fields<Count>::pass(never_made<T>.value, to_addresses{});
}

// A bare pointer as a template argument is refused by some compilers, in a struct it is not.
template <auto Leaf>
consteval const char* text_of_address() noexcept {
    return __PRETTY_FUNCTION__;
}

/// GCC ends with `…::user_id)}]`, Clang with `….user_id}]`.
constexpr std::string_view name_in(std::string_view text) noexcept {
    const auto is_of_name = [](char c) {
        return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
               (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80 || c == '$';
    };
    auto end = text.rfind('}');
    if (end != 0 && text[end - 1] == ')')
        --end;
    auto begin = end;
    while (begin > 0 && is_of_name(text[begin - 1]))
        --begin;
    return text.substr(begin, end - begin);
}

template <class T, std::size_t... I>
constexpr std::array<std::string_view, sizeof...(I)>
reflected_names(std::index_sequence<I...>) noexcept {
    return {name_in(text_of_address<leaf_at<I>(addresses<T, sizeof...(I)>())>())...};
}

template <class... Field>
constexpr std::array<std::string_view, sizeof...(Field)>
described_names(const std::tuple<Field...>& fields) noexcept {
    return std::apply(
        [](const auto&... each) {
            return std::array<std::string_view, sizeof...(Field)>{each.name...};
        },
        fields
    );
}

/// A bit-field is the one kind of member that a reference does not reach: reading it is no
/// constant.
template <class T, std::size_t Count>
concept has_only_addressable = requires {
    typename std::bool_constant<bound_fields<Count>::pass(never_made<T>.value, is_addressable{})>;
};

/// Says in one sentence why reflection can't read T. The value is whether it can.
template <class T>
constexpr bool explain_reflection() noexcept {
    static_assert(
        !std::is_union_v<T> && std::is_class_v<T>,
        "everfold: only a struct or class has fields; for another type of your own specialise "
        "everfold::codec<T>"
    );
    static_assert(
        !std::is_class_v<T> || std::is_aggregate_v<T>,
        "everfold: the fields of this class can't be read by reflection because it has private "
        "members, a constructor or virtual functions; list them in everfold::describe<T>"
    );
    if constexpr (std::is_class_v<T> && std::is_aggregate_v<T>) {
        static_assert(
            takes<T, 0>,
            "everfold: every field of this struct needs a default value, because an event is made "
            "empty and then read into; give them one or specialise everfold::codec<T>"
        );
        static_assert(
            !takes_a_base_first<T>,
            "everfold: the fields of this struct can't be read by reflection because it has a base "
            "class; list them in everfold::describe<T>"
        );
        if constexpr (takes<T, 0> && !takes_a_base_first<T>) {
            constexpr auto count = initialiser_count<T>;
            static_assert(
                count <= bound_fields_max,
                "everfold: reflection reads structs of at most 40 fields; group some in a nested "
                "struct or list them in everfold::describe<T>"
            );
            if constexpr (count <= bound_fields_max) {
                constexpr bool has_no_array = bound_fields<count>::template is_taken<T>;
                static_assert(
                    has_no_array,
                    "everfold: the fields of this struct can't be read by reflection because one "
                    "is "
                    "a C array; make it a std::array or list the fields in everfold::describe<T>"
                );
                if constexpr (has_no_array) {
                    static_assert(
                        has_only_addressable<T, count>,
                        "everfold: the fields of this struct can't be read by reflection because "
                        "one is a bit-field; make it an ordinary member, or make the struct a "
                        "class "
                        "with everfold::describe<T> or everfold::codec<T>"
                    );
                    return has_only_addressable<T, count>;
                }
            }
        }
    }
    return false;
}

template <class T>
constexpr bool is_readable = explain_reflection<T>();

template <class T>
constexpr std::size_t count_of_fields() noexcept {
    if constexpr (described<T>)
        return std::tuple_size_v<std::remove_cvref_t<decltype(describe<T>::fields)>>;
    else if constexpr (is_readable<T>)
        return initialiser_count<T>;
    else
        return 0;
}

template <class T>
constexpr auto names_of_fields() noexcept {
    if constexpr (described<T>)
        return described_names(describe<T>::fields);
    else if constexpr (is_readable<T>)
        return reflected_names<T>(std::make_index_sequence<initialiser_count<T>>{});
    else
        return std::array<std::string_view, 0>{};
}

/// Calls f with every field of the object, in declaration order.
template <class T, class F>
constexpr decltype(auto) with_fields(T& object, F&& f) {
    using plain = std::remove_const_t<T>;
    if constexpr (described<plain>)
        return std::apply(
            [&](const auto&... each) -> decltype(auto) { return f(object.*each.member...); },
            describe<plain>::fields
        );
    else if constexpr (is_readable<plain>)
        return bound_fields<initialiser_count<plain>>::pass(object, f);
    else
        return f();
}

#if defined(__clang__)
#pragma clang diagnostic pop
#elif defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

} // namespace detail

/// How many fields T has.
template <class T>
inline constexpr std::size_t field_count_of = detail::count_of_fields<T>();

/// The names of the fields of T in declaration order: what is on disk.
template <class T>
inline constexpr auto field_names_of = detail::names_of_fields<T>();

template <class T>
[[nodiscard]] constexpr std::size_t field_count() noexcept {
    return field_count_of<T>;
}

template <class T>
[[nodiscard]] constexpr const auto& field_names() noexcept {
    return field_names_of<T>;
}

namespace detail {

template <class T, class F, class Indices = std::make_index_sequence<field_count_of<T>>>
struct each_with_name;

template <class T, class F, std::size_t... I>
struct each_with_name<T, F, std::index_sequence<I...>> {
    F& f;

    template <class... M>
    constexpr void operator()(M&... members) const {
        (static_cast<void>(f(field_names_of<T>[I], members)), ...);
    }
};

// Holds the text of other compilers to the form that name_in() understands.
struct two_fields {
    int first_field{};
    two_fields* second_field{};
};
static_assert(field_names_of<two_fields>[0] == "first_field");
static_assert(field_names_of<two_fields>[1] == "second_field");

} // namespace detail

/// Calls f(name, member) for every field of the object, in declaration order.
template <class T, class F>
constexpr void for_each_field(T& object, F&& f) {
    using plain = std::remove_const_t<T>;
    detail::with_fields(object, detail::each_with_name<plain, F>{f});
}

} // namespace everfold
