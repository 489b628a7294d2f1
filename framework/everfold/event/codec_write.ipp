// SPDX-License-Identifier: MIT
#pragma once
// Bodies of codec.hpp: values to bytes.

#include <everfold/event/codec_common.hpp>

#include <algorithm>
#include <vector>

namespace everfold::detail {

template <class T>
void write_value(cbor_writer& out, const T& value);

template <class E>
std::string_view name_of_value(E value) {
    for (const auto& each : describe<E>::names)
        if (each.value == value)
            return each.name;
    return {};
}

template <class E>
void write_named(cbor_writer& out, E value) {
    for (const auto& each : describe<E>::names) {
        if (each.value == value) {
            out.write_text(each.name);
            return;
        }
    }
    throw encoding_error{out.size(), "a value of an enumeration that has no name in describe"};
}

/// The text of a key of a map or of the value of a tag.
template <class K>
std::string_view key_text(const K& key, text_room& room) {
    constexpr auto kind = kind_of<K>;
    if constexpr (kind == wire_kind::text) {
        return key;
    } else if constexpr (kind == wire_kind::integer) {
        return text_of(key, room);
    } else if constexpr (kind == wire_kind::ordinal) {
        return text_of(key.value(), room);
    } else if constexpr (kind == wire_kind::named_enumeration) {
        return name_of_value(key);
    } else if constexpr (kind == wire_kind::enumeration) {
        using number = std::underlying_type_t<K>;
        if constexpr (std::same_as<number, bool>)
            return text_of(static_cast<int>(key), room);
        else
            return text_of(static_cast<number>(key), room);
    } else {
        static_assert(
            kind == wire_kind::uuid || kind == wire_kind::timestamp || kind == wire_kind::time_point
        );
        if constexpr (kind == wire_kind::uuid)
            return text_of(key, room);
        else
            return text_of(timestamp{key}, room);
    }
}

template <class K>
void write_key(cbor_writer& out, const K& key) {
    if constexpr (kind_of<K> == wire_kind::named_enumeration) {
        write_named(out, key);
    } else {
        text_room room{};
        out.write_text(key_text(key, room));
    }
}

template <class T, std::size_t I, class M>
std::size_t fields_in(const M& member) {
    if constexpr (kind_of<M> == wire_kind::patch)
        return member.is_absent() ? 0 : 1;
    else if constexpr (holds_unknown<M>)
        return member.size();
    else
        return 1;
}

template <class T, std::size_t I, class M>
void write_field(cbor_writer& out, const M& member) {
    if constexpr (is_field_encodable<T, I, M>() && !holds_unknown<M>) {
        if constexpr (kind_of<M> == wire_kind::patch) {
            if (member.is_absent())
                return;
        }
        using name = encoded_name<T, I>;
        out.write_encoded(std::as_bytes(std::span{name::bytes}));
        write_value(out, member);
    }
}

template <class T, std::size_t I, class M>
void write_rest(cbor_writer& out, const M& member) {
    if constexpr (holds_unknown<M>)
        write_unknown_fields(out, member, field_names_of<T>, I);
}

template <class T, class Indices>
struct struct_writer;

template <class T, std::size_t... I>
struct struct_writer<T, std::index_sequence<I...>> {
    cbor_writer& out;

    template <class... M>
    void operator()(const M&... members) const {
        if constexpr (check_struct<T, M...>()) {
            out.begin_map((fields_in<T, I>(members) + ... + 0));
            (write_field<T, I>(out, members), ...);
            (write_rest<T, I>(out, members), ...);
            out.end();
        }
    }
};

/// An unordered container's elements in the order of their keys.
template <class C, class KeyOf>
auto sorted_elements(const C& container, const KeyOf& key_of) {
    std::vector<const typename C::value_type*> elements;
    elements.reserve(container.size());
    for (const auto& each : container)
        elements.push_back(&each);
    std::sort(elements.begin(), elements.end(), [&](const auto* a, const auto* b) {
        return key_of(*a) < key_of(*b);
    });
    return elements;
}

template <class T>
void write_map(cbor_writer& out, const T& value) {
    out.begin_map(value.size());
    const auto write_pair = [&](const auto& pair) {
        write_key(out, pair.first);
        write_value(out, pair.second);
    };
    if constexpr (unordered<T>) {
        const auto key_of = [](const auto& pair) -> const auto& {
            return pair.first;
        };
        for (const auto* each : sorted_elements(value, key_of))
            write_pair(*each);
    } else {
        for (const auto& each : value)
            write_pair(each);
    }
    out.end();
}

template <class T>
void write_set(cbor_writer& out, const T& value) {
    out.begin_array(value.size());
    if constexpr (unordered<T>) {
        const auto key_of = [](const auto& key) -> const auto& {
            return key;
        };
        for (const auto* each : sorted_elements(value, key_of))
            write_value(out, *each);
    } else {
        for (const auto& each : value)
            write_value(out, each);
    }
    out.end();
}

template <class T>
void write_sequence(cbor_writer& out, const T& value) {
    out.begin_array(std::size(value));
    for (const auto& each : value) {
        if constexpr (kind_of<T> == wire_kind::bit_sequence)
            out.write_boolean(each);
        else
            write_value(out, each);
    }
    out.end();
}

template <class T>
void write_custom(cbor_writer& out, const T& value) {
    const auto at = out.size();
    codec<T>::encode(value, out);
    // A type of ours may say that it writes one item; another's is looked at, because a wrong one
    // would make the whole event unreadable.
    if constexpr (!requires { codec<T>::writes_one_item; })
        check_one_item(out, at);
}

template <class T>
void write_class(cbor_writer& out, const T& value) {
    constexpr auto kind = kind_of<T>;
    if constexpr (kind == wire_kind::structure) {
        with_fields(value, struct_writer<T, std::make_index_sequence<field_count_of<T>>>{out});
    } else if constexpr (kind == wire_kind::map) {
        write_map(out, value);
    } else if constexpr (kind == wire_kind::set) {
        write_set(out, value);
    } else if constexpr (kind == wire_kind::tuple) {
        out.begin_array(std::tuple_size_v<T>);
        std::apply([&](const auto&... each) { (write_value(out, each), ...); }, value);
        out.end();
    } else if constexpr (kind == wire_kind::optional || kind == wire_kind::patch) {
        if (value.has_value())
            write_value(out, *value);
        else
            out.write_null();
    } else if constexpr (kind == wire_kind::unknown_fields) {
        out.begin_map(value.size());
        write_unknown_fields(out, value, {}, 0);
        out.end();
    } else {
        write_sequence(out, value);
    }
}

template <class T>
void write_value(cbor_writer& out, const T& value) {
    constexpr auto kind = kind_of<T>;
    if constexpr (kind == wire_kind::custom) {
        write_custom(out, value);
    } else if constexpr (kind == wire_kind::boolean) {
        out.write_boolean(value);
    } else if constexpr (kind == wire_kind::integer) {
        out.write_integer(value);
    } else if constexpr (kind == wire_kind::floating) {
        out.write_floating(static_cast<double>(value));
    } else if constexpr (kind == wire_kind::enumeration) {
        out.write_integer(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (kind == wire_kind::named_enumeration) {
        write_named(out, value);
    } else if constexpr (kind == wire_kind::text) {
        out.write_text(value);
    } else if constexpr (kind == wire_kind::bytes || kind == wire_kind::fixed_bytes) {
        out.write_bytes(value);
    } else if constexpr (kind == wire_kind::duration) {
        write_value(out, value.count());
    } else if constexpr (kind == wire_kind::ordinal) {
        out.write_integer(value.value());
    } else if constexpr (kind == wire_kind::uuid || kind == wire_kind::timestamp || kind == wire_kind::time_point) {
        text_room room{};
        out.write_text(key_text(value, room));
    } else {
        write_class(out, value);
    }
}

} // namespace everfold::detail
