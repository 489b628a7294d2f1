// SPDX-License-Identifier: MIT
#pragma once
// Events as a test writes them down: typed, or as they will be appended, with what is about them
// and not in them.

#include <everfold/base/timestamp.hpp>
#include <everfold/event/event.hpp>
#include <everfold/store/append.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace everfold::testing {

/// What the kit takes for an event: one of the user's, or a new_event.
template <class E>
concept written_event = event<E> || std::same_as<E, new_event>;

/// Encoded, where it is not yet.
template <written_event E>
[[nodiscard]] new_event as_new(const E& e) {
    if constexpr (std::same_as<E, new_event>)
        return e;
    else
        return encoded(e);
}

/// The event, having happened at this time.
template <written_event E>
[[nodiscard]] new_event at(timestamp when, const E& e) {
    auto out = as_new(e);
    out.occurred_at = when;
    return out;
}

/// The event with this metadata, any struct.
template <written_event E, class Metadata>
[[nodiscard]] new_event with_metadata(const Metadata& metadata, const E& e) {
    auto out = as_new(e);
    out.metadata.clear();
    encode(metadata, out.metadata);
    return out;
}

template <written_event... Es>
[[nodiscard]] std::vector<new_event> list_of(const Es&... all) {
    std::vector<new_event> out;
    out.reserve(sizeof...(Es));
    (out.push_back(as_new(all)), ...);
    return out;
}

} // namespace everfold::testing
