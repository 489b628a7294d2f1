// SPDX-License-Identifier: MIT
#pragma once
// nlohmann_json with events: fields of type json and ordered_json, and payloads as JSON values and
// back. Not part of everfold.hpp, because it costs more than two seconds of compile time.

#if __cplusplus < 202002L
#error "Everfold needs C++20: compile with -std=c++20, in Meson with cpp_std=c++20"
#else

#include <everfold/event/codec.hpp>
#include <everfold/event/json_text.hpp>
#include <everfold/event/stored_forms.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string_view>

namespace everfold {

/// One encoded item as a JSON value, in the order of the bytes. Bytes become the library's own
/// binary values, so that cbor_from_json gives back the same. Throws encoding_error.
[[nodiscard]] nlohmann::ordered_json json_from_cbor(bytes_view item);

/// Appends the value as one item. Throws encoding_error for text that is not UTF-8, nesting that is
/// too deep, a binary value with a subtype, and leaves `out` as it was.
void cbor_from_json(const nlohmann::ordered_json& value, byte_buffer& out);
void cbor_from_json(const nlohmann::json& value, byte_buffer& out);

/// Reads JSON as strictly as events need it: no key twice in an object, no integer beyond 64 bits
/// (it would quietly become a floating number), nothing but UTF-8, at most 64 levels, nothing after
/// the value. Throws encoding_error with the offset.
[[nodiscard]] nlohmann::ordered_json parse_json(std::string_view text);

/// A value as JSON, as it would be stored.
template <class T>
[[nodiscard]] nlohmann::ordered_json json_of(const T& value) {
    byte_buffer bytes;
    encode(value, bytes);
    return json_from_cbor(bytes);
}

/// The value that JSON stands for; throws encoding_error with the path of the field.
template <class T>
[[nodiscard]] T value_from_json(const nlohmann::ordered_json& json) {
    byte_buffer bytes;
    cbor_from_json(json, bytes);
    return decode_as<T>(bytes);
}

namespace detail {

void write_json(const nlohmann::ordered_json& value, cbor_writer& out);
void write_json(const nlohmann::json& value, cbor_writer& out);
void read_json(cbor_reader& in, nlohmann::ordered_json& into);
void read_json(cbor_reader& in, nlohmann::json& into);

template <class Json>
struct json_upcasting {
    static void
    run(bytes_view payload,
        std::uint32_t from,
        std::uint32_t to,
        void (*upcast)(Json&, std::uint32_t),
        byte_buffer& out) {
        Json fields;
        cbor_reader in{payload};
        read_json(in, fields);
        in.finish();
        for (; from < to; ++from)
            upcast(fields, from);
        cbor_from_json(fields, out);
    }
};

template <>
struct json_steps<nlohmann::json> : json_upcasting<nlohmann::json> {};

template <>
struct json_steps<nlohmann::ordered_json> : json_upcasting<nlohmann::ordered_json> {};

template <class Json>
struct json_codec {
    static constexpr std::string_view wire = "any";
    static constexpr bool writes_one_item = true;

    static void encode(const Json& value, cbor_writer& out) { write_json(value, out); }

    static void decode(cbor_reader& in, Json& into) { read_json(in, into); }
};

} // namespace detail

template <>
struct codec<nlohmann::json> : detail::json_codec<nlohmann::json> {};

template <>
struct codec<nlohmann::ordered_json> : detail::json_codec<nlohmann::ordered_json> {};

} // namespace everfold

#endif
