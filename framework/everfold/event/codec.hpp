// SPDX-License-Identifier: MIT
#pragma once
// Straight between C++ values and the bytes of docs/event_encoding.md: encode(), decode(),
// decode_as().

#include <everfold/event/cbor.hpp>
#include <everfold/event/wire.hpp>

#include <concepts>
#include <span>
#include <string_view>

namespace everfold {

/// Appends the bytes of `value`. Throws encoding_error, and leaves `out` as it was, for what has no
/// form: text that is not UTF-8, nesting that is too deep, an enumeration value without its name.
template <class T>
void encode(const T& value, byte_buffer& out);

/// Reads exactly one value into `into`, whose strings and vectors keep their memory; nothing of
/// what it held stays. Throws encoding_error with the path of the field; `into` is then valid but
/// unspecified.
template <class T>
void decode(bytes_view payload, T& into);

template <class T>
[[nodiscard]] T decode_as(bytes_view payload) {
    T value{};
    decode(payload, value);
    return value;
}

} // namespace everfold

#include <everfold/event/codec_read.ipp>
#include <everfold/event/codec_write.ipp>

namespace everfold {

namespace detail {

/// The name that messages give to the outermost value.
template <class T>
constexpr std::string_view root_name() noexcept {
    if constexpr (requires { std::string_view{T::event_type}; })
        return T::event_type;
    else
        return {};
}

/// Whether T has a form; where it has none, the sentence that says so.
template <class T>
constexpr bool explain_encodable() noexcept {
    if constexpr (kind_of<T> == wire_kind::unsupported && std::is_class_v<T>)
        return is_readable<T>;
    static_assert(
        encodable<T> || (kind_of<T> == wire_kind::unsupported && std::is_class_v<T>),
        "everfold: this type can't be encoded; use one that docs/event_encoding.md lists, or "
        "specialise everfold::codec<T>"
    );
    return encodable<T>;
}

} // namespace detail

template <class T>
void encode(const T& value, byte_buffer& out) {
    if constexpr (detail::explain_encodable<T>()) {
        cbor_writer writer{out};
        try {
            detail::write_value(writer, value);
        } catch (const encoding_error& failure) {
            detail::rethrow_with_path(failure, writer.written_from(0), detail::root_name<T>());
        }
        writer.finish();
    }
}

template <class T>
void decode(bytes_view payload, T& into) {
    if constexpr (detail::explain_encodable<T>()) {
        cbor_reader reader{payload};
        try {
            detail::read_value(reader, into);
            reader.finish();
        } catch (const encoding_error& failure) {
            detail::rethrow_with_path(failure, payload, detail::root_name<T>());
        }
    }
}

} // namespace everfold
