// SPDX-License-Identifier: MIT
#pragma once
// What is called with events: with each as it was recorded, or with the typed event in it.

#include <everfold/event/event.hpp>
#include <everfold/store/recorded_event.hpp>

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace everfold {

/// Called with an event as it was recorded.
using any_slot = std::function<void(const recorded_event&)>;

/// Called with a typed event, or with it and its record.
template <class Slot, class E>
concept slot_for =
    std::invocable<Slot&, const E&> || std::invocable<Slot&, const E&, const recorded_event&>;

/// The name of the events that typed_slot<E> wants; empty where it picks by itself among several.
template <event E>
inline constexpr std::string_view slot_type_of = detail::has_one_name<E>() ? event_type_of<E>
                                                                           : std::string_view{};

/// Decodes an event that is an E, or was one once, and calls `slot` with it; leaves others alone.
/// One thread at a time.
template <event E, slot_for<E> Slot>
[[nodiscard]] any_slot typed_slot(Slot slot) {
    // One event object, reused: slots are called one after the other.
    return [slot = std::move(slot), into = E{}](const recorded_event& e) mutable {
        if (!e.is<E>() || !e.try_decode_into(into))
            return;
        if constexpr (std::invocable<Slot&, const E&, const recorded_event&>)
            std::invoke(slot, std::as_const(into), e);
        else
            std::invoke(slot, std::as_const(into));
    };
}

} // namespace everfold
