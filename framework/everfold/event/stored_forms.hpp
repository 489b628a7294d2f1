// SPDX-License-Identifier: MIT
#pragma once
// What on disk is read as an event: its own name and version, and all that its struct says it was
// once. docs/guide/evolution.md.

#include <everfold/event/codec.hpp>
#include <everfold/event/event_type.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace everfold::detail {

/// A name and version that events were written with, and how such a payload becomes an E.
template <class E>
struct stored_form {
    std::string_view type{};
    std::uint32_t version{};
    /// False where from() made no event of it.
    bool (*read)(bytes_view payload, std::uint32_t version, E& into){};
};

/// JSON values pass through the steps of an upcast(). Defined for the JSON types in
/// everfold/json.hpp.
template <class Json>
struct json_steps;

template <class Json>
concept has_json_steps = requires {
    sizeof(json_steps<Json>);
};

template <class E>
bool read_as_it_is(bytes_view payload, std::uint32_t, E& into) {
    decode(payload, into);
    return true;
}

template <class E, class Json>
void read_by_json(
    void (*upcast)(Json&, std::uint32_t), bytes_view payload, std::uint32_t version, E& into
) {
    static_assert(
        has_json_steps<Json>,
        "everfold: upcast() takes a nlohmann::ordered_json& or nlohmann::json& and the version "
        "that it comes from; include everfold/json.hpp"
    );
    if constexpr (has_json_steps<Json>) {
        byte_buffer newer;
        json_steps<Json>::run(payload, version, version_of<E>(), upcast, newer);
        decode(newer, into);
    }
}

template <class E>
bool read_by_steps(bytes_view payload, std::uint32_t version, E& into) {
    read_by_json(&E::upcast, payload, version, into);
    return true;
}

/// What stored_forms<E> has in it: the struct's own forms, then those of the older structs.
template <class E>
struct forms_of;

template <class E, class Old, std::size_t I>
bool read_through(bytes_view payload, std::uint32_t version, E& into) {
    Old older{};
    if (!forms_of<Old>::all[I].read(payload, version, older))
        return false;
    if constexpr (is_made_always<E, Old>) {
        into = E::from(older);
    } else {
        auto made = static_cast<std::optional<E> (*)(const Old&)>(&E::from)(older);
        if (!made)
            return false;
        into = std::move(*made);
    }
    return true;
}

template <class E>
struct older_structs {
    template <class Parts>
    struct with;

    template <class... Old>
    struct with<events<Old...>> {
        static constexpr std::size_t count = (forms_of<Old>::all.size() + ... + 0);

        static constexpr void add(auto& out, std::size_t& n) {
            (add_one<Old>(out, n, std::make_index_sequence<forms_of<Old>::all.size()>{}), ...);
        }

        template <class One, std::size_t... I>
        static constexpr void add_one(auto& out, std::size_t& n, std::index_sequence<I...>) {
            ((out[n++] =
                  {forms_of<One>::all[I].type,
                   forms_of<One>::all[I].version,
                   &read_through<E, One, I>}),
             ...);
        }
    };
};

template <class E>
constexpr auto previous_of() noexcept {
    if constexpr (has_previous<E>)
        return std::type_identity<events<typename E::previous>>{};
    else
        return std::type_identity<events<>>{};
}

template <class E>
constexpr auto parts_of() noexcept {
    if constexpr (has_parts_of<E>)
        return std::type_identity<typename E::parts_of>{};
    else
        return std::type_identity<events<>>{};
}

template <class E>
struct forms_of {
    using before =
        typename older_structs<E>::template with<typename decltype(previous_of<E>())::type>;
    using whole = typename older_structs<E>::template with<typename decltype(parts_of<E>())::type>;

    static constexpr std::uint32_t first_own =
        has_upcast<E> ? oldest_version_of<E>() : version_of<E>();
    static constexpr std::size_t count =
        name_count<E>() * (version_of<E>() - first_own + 1) + before::count + whole::count;

    static constexpr std::array<stored_form<E>, count> list() noexcept {
        std::array<stored_form<E>, count> out{};
        std::size_t n = 0;
        for (const auto name : names_of<E>())
            out[n++] = {name, version_of<E>(), &read_as_it_is<E>};
        if constexpr (has_upcast<E>)
            for (const auto name : names_of<E>())
                for (auto version = first_own; version < version_of<E>(); ++version)
                    out[n++] = {name, version, &read_by_steps<E>};
        before::add(out, n);
        whole::add(out, n);
        return out;
    }

    static constexpr auto all = list();
};

/// How an event of this type and version is read as an E; null where it is not.
template <class E>
const stored_form<E>* form_for(std::string_view type, std::uint32_t version) noexcept {
    for (const auto& form : forms_of<E>::all)
        if (form.version == version && form.type == type)
            return &form;
    if constexpr (reads_newer<E>())
        if (version > version_of<E>())
            for (std::size_t i = 0; i < name_count<E>(); ++i) // they come first
                if (forms_of<E>::all[i].type == type)
                    return &forms_of<E>::all[i];
    return nullptr;
}

/// Whether events of this name may be read as an E, in some version.
template <class E>
constexpr bool is_name_of(std::string_view type) noexcept {
    for (const auto& form : forms_of<E>::all)
        if (form.type == type)
            return true;
    return false;
}

/// Calls f with each name on disk that is_name_of<E>(), once.
template <class E, class F>
void for_each_name(F&& f) {
    const auto& all = forms_of<E>::all;
    for (std::size_t i = 0; i < all.size(); ++i) {
        bool is_new = true;
        for (std::size_t k = 0; k < i; ++k)
            is_new = is_new && all[k].type != all[i].type;
        if (is_new)
            f(all[i].type);
    }
}

/// Whether E has one name on disk only, so that a comparison with it tells all.
template <class E>
constexpr bool has_one_name() noexcept {
    for (const auto& form : forms_of<E>::all)
        if (form.type != std::string_view{E::event_type})
            return false;
    return true;
}

} // namespace everfold::detail
