// SPDX-License-Identifier: MIT
#pragma once
// What writing and reading a struct share: the encoded names of its fields, and the sentence about
// a field that has no form.

#include <everfold/event/cbor.hpp>
#include <everfold/event/wire.hpp>
#include <everfold/event/wire_text.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace everfold::detail {

/// The name of field I of T as it stands in a payload, made at compile time.
template <class T, std::size_t I>
struct encoded_name {
    static constexpr std::string_view name = field_names_of<T>[I];

    static constexpr std::size_t size = [] {
        std::array<unsigned char, cbor_head_size_max> head{};
        return put_cbor_head(head.data(), 3, name.size()) + name.size();
    }();

    static constexpr std::array<char, size> bytes = [] {
        std::array<unsigned char, cbor_head_size_max> head{};
        std::array<char, size> all{};
        const auto head_size = put_cbor_head(head.data(), 3, name.size());
        for (std::size_t i = 0; i < head_size; ++i)
            all[i] = static_cast<char>(head[i]);
        for (std::size_t i = 0; i < name.size(); ++i)
            all[head_size + i] = name[i];
        return all;
    }();
};

template <class T>
consteval bool are_names_distinct() noexcept {
    for (std::size_t i = 0; i < field_count_of<T>; ++i)
        for (std::size_t k = 0; k < i; ++k)
            if (field_names_of<T>[i] == field_names_of<T>[k])
                return false;
    return true;
}

/// A name that the compiler prints where it says in what it found a mistake.
template <std::size_t N>
struct printed_name {
    char text[N + 1]{}; // NOLINT(modernize-avoid-c-arrays): compilers print it as text
};

template <class T, std::size_t I>
consteval auto printed_name_of() noexcept {
    printed_name<field_names_of<T>[I].size()> name{};
    for (std::size_t i = 0; i < field_names_of<T>[I].size(); ++i)
        name.text[i] = field_names_of<T>[I][i];
    return name;
}

template <class Struct, auto Name, class Member>
constexpr bool explain_field() noexcept {
    static_assert(
        !std::is_const_v<Member>,
        "everfold: a field of this struct is const, so it can't be read; remove the const"
    );
    static_assert(
        std::is_const_v<Member> || encodable<Member>,
        "everfold: the type of a field can't be encoded; use one that docs/event_encoding.md "
        "lists, "
        "describe the fields of a class in everfold::describe<T>, or specialise everfold::codec<T> "
        "(for "
        "nlohmann::json include <everfold/json.hpp>)"
    );
    return !std::is_const_v<Member> && encodable<Member>;
}

/// Whether field I of T, of type Member, has a form; where it has none, the sentence that says so.
template <class T, std::size_t I, class Member>
constexpr bool is_field_encodable() noexcept {
    if constexpr (!std::is_const_v<Member> && encodable<Member>)
        return true;
    else
        return explain_field<T, printed_name_of<T, I>(), Member>();
}

template <class Member>
inline constexpr bool holds_unknown =
    kind_of<std::remove_cv_t<Member>> == wire_kind::unknown_fields;

template <class T, class... Member>
constexpr bool check_struct() noexcept {
    static_assert(
        (std::size_t{holds_unknown<Member>} + ... + 0) <= 1,
        "everfold: a struct has at most one member of type unknown_fields"
    );
    static_assert(
        are_names_distinct<T>(), "everfold: two fields in everfold::describe<T> have the same name"
    );
    static_assert(sizeof...(Member) <= 64, "everfold: a class has at most 64 described fields");
    return true;
}

[[noreturn]] void
fail_count(const cbor_reader& in, std::size_t at, std::size_t wanted, std::size_t found);
[[noreturn]] void fail_name(const cbor_reader& in, std::size_t at, std::string_view name);
[[noreturn]] void fail_twice(const cbor_reader& in, std::size_t at, std::string_view name);

[[nodiscard]] timestamp read_time(cbor_reader& in);
[[nodiscard]] uuid read_uuid(cbor_reader& in);
void read_byte_string(cbor_reader& in, byte_buffer& into);

/// Writes names and values; throws for a name that is among the known ones. The one at `own` is
/// that of the member which holds the fields: it is not on disk.
void write_unknown_fields(
    cbor_writer& out,
    const unknown_fields& fields,
    std::span<const std::string_view> known,
    std::size_t own
);

} // namespace everfold::detail
