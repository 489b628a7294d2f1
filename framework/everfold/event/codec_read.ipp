// SPDX-License-Identifier: MIT
#pragma once
// Bodies of codec.hpp: bytes to values. Every reader assigns all of its target, so that a reused
// object keeps its memory and nothing else.

#include <everfold/event/codec_common.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <tuple>
#include <utility>

namespace everfold::detail {

template <class T>
void read_value(cbor_reader& in, T& into);

/// The time as a time point of the field's own resolution, or nothing if that can't hold it.
template <class TimePoint>
std::optional<TimePoint> exact_time_point(timestamp time) noexcept {
    using duration = typename TimePoint::duration;
    using rep = typename duration::rep;
    using period = typename duration::period;
    std::int64_t ticks{};
    if constexpr (period::den == 1) {
        if (time.nanoseconds() != 0 || time.seconds() % period::num != 0)
            return {};
        ticks = time.seconds() / period::num;
    } else {
        constexpr std::int64_t nanoseconds_a_tick = 1'000'000'000 / period::den;
        const auto ns = static_cast<std::int64_t>(time.nanoseconds());
        // A second before 1970 is counted back from the next whole one, so that no intermediate
        // wraps.
        const bool is_before = time.seconds() < 0;
        if (ns % nanoseconds_a_tick != 0 ||
            __builtin_mul_overflow(time.seconds() + (is_before ? 1 : 0), period::den, &ticks) ||
            __builtin_add_overflow(
                ticks, ns / nanoseconds_a_tick - (is_before ? period::den : 0), &ticks
            ))
            return {};
    }
    if (!std::in_range<rep>(ticks))
        return {};
    return TimePoint{duration{static_cast<rep>(ticks)}};
}

template <class E>
void read_named(cbor_reader& in, E& into) {
    const auto at = in.at();
    const auto name = in.read_text();
    for (const auto& each : describe<E>::names) {
        if (each.name == name) {
            into = each.value;
            return;
        }
    }
    fail_name(in, at, name);
}

template <class N, class K>
void read_number_key(const cbor_reader& in, std::size_t at, std::string_view text, K& into) {
    const auto number = number_from<N>(text);
    if (!number)
        in.fail_at(
            at,
            "the key \"" + printable(text.substr(0, 40)) + "\" is not a number of the key's type"
        );
    into = static_cast<K>(*number);
}

template <class K>
void read_key(cbor_reader& in, K& into) {
    constexpr auto kind = kind_of<K>;
    constexpr bool is_number =
        kind == wire_kind::integer || kind == wire_kind::enumeration || kind == wire_kind::ordinal;
    if constexpr (is_number) {
        const auto at = in.at();
        const auto text = in.read_text();
        if constexpr (kind == wire_kind::integer) {
            read_number_key<K>(in, at, text, into);
        } else if constexpr (kind == wire_kind::ordinal) {
            read_number_key<std::uint64_t>(in, at, text, into);
        } else if constexpr (std::same_as<std::underlying_type_t<K>, bool>) {
            read_number_key<unsigned char>(in, at, text, into);
        } else {
            read_number_key<std::underlying_type_t<K>>(in, at, text, into);
        }
    } else if constexpr (kind == wire_kind::text || kind == wire_kind::named_enumeration) {
        read_value(in, into);
    } else {
        // One spelling for each key, so that two keys of a map can't mean the same entry.
        const auto at = in.at();
        auto look_ahead = in;
        const auto text = look_ahead.read_text();
        read_value(in, into);
        text_room room{};
        std::string_view spelling;
        if constexpr (kind == wire_kind::uuid)
            spelling = text_of(into, room);
        else
            spelling = text_of(timestamp{into}, room);
        if (spelling != text)
            in.fail_at(at, "a key that is not in the form it is written in");
    }
}

/// Leaves of pointers to the fields of a struct, to reach them by number.
struct to_pointers {
    template <class... M>
    constexpr auto operator()(M&... members) const noexcept {
        return pointer_list<std::index_sequence_for<M...>, M*...>{{std::addressof(members)}...};
    }
};

/// Whether a field that is missing is set to what its default initialiser says; the others are
/// cleared.
template <class M>
inline constexpr bool has_own_default =
    kind_of<M> != wire_kind::optional&& kind_of<M> != wire_kind::patch && !holds_unknown<M>;

template <class T, class Indices>
struct struct_reader;

template <class T, std::size_t... I>
struct struct_reader<T, std::index_sequence<I...>> {
    cbor_reader& in;

    static constexpr std::uint64_t bit(std::size_t i) noexcept { return std::uint64_t{1} << i; }

    template <class... M>
    void operator()(M&... members) const {
        if constexpr (check_struct<T, M...>() && (is_field_encodable<T, I, M>() && ... && true)) {
            constexpr auto needed = ((has_own_default<M> ? bit(I) : 0) | ... | std::uint64_t{0});
            const auto map_at = in.at();
            auto left = in.begin_map();
            std::uint64_t seen = 0;
            (take_in_order<I>(members, left, seen), ...);
            if (left != 0)
                read_rest(map_at, left, seen, members...);
            if ((seen & needed) != needed) [[unlikely]]
                set_missing(seen, members...);
            in.end();
        }
    }

    // What is written by a program with the same struct comes exactly in this order.
    template <std::size_t K, class M>
    void take_in_order(M& member, std::size_t& left, std::uint64_t& seen) const {
        if constexpr (holds_unknown<M>) {
            member.clear();
        } else {
            using name = encoded_name<T, K>;
            if (left != 0 && in.take(name::bytes.data(), name::bytes.size())) {
                seen |= bit(K);
                --left;
                read_value(in, member);
            } else if constexpr (!has_own_default<M>) {
                member.reset();
            }
        }
    }

    // The first field that is not where it was expected, and all after it, are looked up by name.
    template <class... M>
    void read_rest(std::size_t map_at, std::size_t left, std::uint64_t& seen, M&... members) const {
        std::size_t unknown_count = 0;
        for (; left != 0; --left) {
            [[maybe_unused]] const auto at = in.at();
            [[maybe_unused]] const auto name = in.read_text();
            bool is_known = false;
            ((!holds_unknown<M> && name == field_names_of<T>[I]
                  ? (is_known = true, read_found<I>(at, name, seen, members))
                  : void()),
             ...);
            if (is_known)
                continue;
            ++unknown_count;
            const auto value = in.skip();
            (keep_unknown(members, name, value), ...);
        }
        if (unknown_count > 1)
            check_distinct_keys(in.payload(), map_at);
    }

    template <std::size_t K, class M>
    void read_found(std::size_t at, std::string_view name, std::uint64_t& seen, M& member) const {
        if ((seen & bit(K)) != 0)
            fail_twice(in, at, name);
        seen |= bit(K);
        if constexpr (!holds_unknown<M>)
            read_value(in, member);
    }

    template <class M>
    static void keep_unknown(M& member, std::string_view name, bytes_view value) {
        if constexpr (holds_unknown<M>)
            member.append_checked(name, value);
    }

    template <class... M>
    static void set_missing(std::uint64_t seen, M&... members) {
        T fresh{};
        [[maybe_unused]] const auto pointers = with_fields(fresh, to_pointers{});
        (set_if_missing((seen & bit(I)) != 0, members, leaf_at<I>(pointers).pointer), ...);
    }

    template <class M>
    static void set_if_missing(bool is_there, M& member, M* fresh) {
        if constexpr (has_own_default<M>) {
            if (is_there)
                return;
            if constexpr (std::is_bounded_array_v<M>)
                std::move(std::begin(*fresh), std::end(*fresh), std::begin(member));
            else
                member = std::move(*fresh);
        }
    }
};

template <class T>
void read_map(cbor_reader& in, T& into) {
    into.clear();
    for (auto count = in.begin_map(); count != 0; --count) {
        const auto at = in.at();
        typename T::key_type key{};
        read_key(in, key);
        const auto size = into.size();
        const auto place = into.emplace_hint(into.end(), std::move(key), typename T::mapped_type{});
        if (into.size() == size)
            in.fail_at(at, "a key comes twice");
        read_value(in, place->second);
    }
    in.end();
}

template <class T>
void read_set(cbor_reader& in, T& into) {
    into.clear();
    for (auto count = in.begin_array(); count != 0; --count) {
        const auto at = in.at();
        typename T::key_type key{};
        read_value(in, key);
        const auto size = into.size();
        into.emplace_hint(into.end(), std::move(key));
        if (into.size() == size)
            in.fail_at(at, "an element of a set comes twice");
    }
    in.end();
}

template <class T>
void read_sequence(cbor_reader& in, T& into) {
    auto count = in.begin_array();
    auto place = into.begin();
    for (; count != 0 && place != into.end(); --count, ++place)
        read_value(in, *place);
    into.erase(place, into.end());
    if constexpr (requires { into.reserve(count); }) {
        // A count is not yet a number of elements: what is made ahead of reading them stays small.
        constexpr std::size_t ahead_max = 1 + 65'536 / sizeof(typename T::value_type);
        into.reserve(into.size() + std::min(count, ahead_max));
    }
    for (; count != 0; --count)
        read_value(in, into.emplace_back());
    in.end();
}

inline void read_bits(cbor_reader& in, std::vector<bool>& into) {
    into.clear();
    for (auto count = in.begin_array(); count != 0; --count)
        into.push_back(in.read_boolean());
    in.end();
}

template <class T>
void read_fixed_sequence(cbor_reader& in, T& into) {
    const auto at = in.at();
    const auto count = in.begin_array();
    if (count != std::size(into))
        fail_count(in, at, std::size(into), count);
    for (auto& each : into)
        read_value(in, each);
    in.end();
}

template <class T>
void read_tuple(cbor_reader& in, T& into) {
    const auto at = in.at();
    const auto count = in.begin_array();
    if (count != std::tuple_size_v<T>)
        fail_count(in, at, std::tuple_size_v<T>, count);
    std::apply([&](auto&... each) { (read_value(in, each), ...); }, into);
    in.end();
}

template <class T>
void read_fixed_bytes(cbor_reader& in, T& into) {
    const auto at = in.at();
    byte_buffer converted;
    bytes_view bytes;
    if (in.peek() == cbor_kind::text) {
        read_byte_string(in, converted);
        bytes = converted;
    } else {
        bytes = in.read_bytes();
    }
    if (bytes.size() != into.size())
        in.fail_at(
            at,
            "expected " + std::to_string(into.size()) + " bytes, found " +
                std::to_string(bytes.size())
        );
    std::copy(bytes.begin(), bytes.end(), into.begin());
}

inline void read_unknown_fields(cbor_reader& in, unknown_fields& into) {
    into.clear();
    const auto map_at = in.at();
    const auto count = in.begin_map();
    for (std::size_t i = 0; i < count; ++i) {
        const auto name = in.read_text();
        into.append_checked(name, in.skip());
    }
    if (count > 1)
        check_distinct_keys(in.payload(), map_at);
    in.end();
}

template <class T>
void read_floating(cbor_reader& in, T& into) {
    const auto at = in.at();
    const double value = in.read_floating();
    if constexpr (std::same_as<T, float>) {
        constexpr double float_max = std::numeric_limits<float>::max();
        constexpr double double_max = std::numeric_limits<double>::max();
        const double size = value < 0 ? -value : value;
        if (size > float_max && size <= double_max)
            in.fail_at(at, "the number is too large for a float");
    }
    into = static_cast<T>(value);
}

template <class T>
void read_class(cbor_reader& in, T& into) {
    constexpr auto kind = kind_of<T>;
    if constexpr (kind == wire_kind::structure) {
        with_fields(into, struct_reader<T, std::make_index_sequence<field_count_of<T>>>{in});
    } else if constexpr (kind == wire_kind::optional) {
        if (in.take_null())
            into.reset();
        else
            read_value(in, into ? *into : into.emplace());
    } else if constexpr (kind == wire_kind::patch) {
        if (in.take_null())
            into.set_null();
        else
            read_value(in, into.make_value());
    } else if constexpr (kind == wire_kind::map) {
        read_map(in, into);
    } else if constexpr (kind == wire_kind::set) {
        read_set(in, into);
    } else if constexpr (kind == wire_kind::tuple) {
        read_tuple(in, into);
    } else if constexpr (kind == wire_kind::bit_sequence) {
        read_bits(in, into);
    } else if constexpr (kind == wire_kind::fixed_sequence) {
        read_fixed_sequence(in, into);
    } else if constexpr (kind == wire_kind::unknown_fields) {
        read_unknown_fields(in, into);
    } else {
        read_sequence(in, into);
    }
}

template <class T>
void read_value(cbor_reader& in, T& into) {
    constexpr auto kind = kind_of<T>;
    if constexpr (kind == wire_kind::custom) {
        codec<T>::decode(in, into);
    } else if constexpr (kind == wire_kind::boolean) {
        into = in.read_boolean();
    } else if constexpr (kind == wire_kind::integer) {
        into = in.read_integer<T>();
    } else if constexpr (kind == wire_kind::floating) {
        read_floating(in, into);
    } else if constexpr (kind == wire_kind::enumeration) {
        into = static_cast<T>(in.read_integer<std::underlying_type_t<T>>());
    } else if constexpr (kind == wire_kind::named_enumeration) {
        read_named(in, into);
    } else if constexpr (kind == wire_kind::text) {
        into = in.read_text();
    } else if constexpr (kind == wire_kind::bytes) {
        read_byte_string(in, into);
    } else if constexpr (kind == wire_kind::fixed_bytes) {
        read_fixed_bytes(in, into);
    } else if constexpr (kind == wire_kind::duration) {
        typename T::rep count{};
        read_value(in, count);
        into = T{count};
    } else if constexpr (kind == wire_kind::ordinal) {
        into = T{in.read_integer<std::uint64_t>()};
    } else if constexpr (kind == wire_kind::uuid) {
        into = read_uuid(in);
    } else if constexpr (kind == wire_kind::timestamp) {
        into = read_time(in);
    } else if constexpr (kind == wire_kind::time_point) {
        const auto at = in.at();
        const auto time = exact_time_point<T>(read_time(in));
        if (!time)
            in.fail_at(at, "the time is finer or further away than the field can hold");
        into = *time;
    } else {
        read_class(in, into);
    }
}

} // namespace everfold::detail
