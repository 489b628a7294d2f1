// SPDX-License-Identifier: MIT
#pragma once
// Calls slots for events as they come: `everfold::live{store}.on<user_created>(slot)`.

#include <everfold/base/ids.hpp>
#include <everfold/event/event.hpp>
#include <everfold/projection/live_connection.hpp>
#include <everfold/projection/typed_slot.hpp>
#include <everfold/store/recorded_event.hpp>
#include <everfold/store/store.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace everfold {

/// Follows the end of a store and calls slots, from the first event that is appended after it was
/// made. It remembers nothing: what was appended while no `live` was there is not delivered.
///
///     everfold::live live{store};
///     live.on<user_created>([](const user_created& e) { … });
///
/// Slots are called once the event is durable, in the order of positions, and for one event in the
/// order in which they were connected; on a thread of live's own, never on the appender's. So a
/// slot may append, and a slow one holds up the others and nobody else. What it appends is caused
/// by the event (see `handling`).
///
/// Owns:    its thread and its slots; the store is shared.
/// Threads: all members may be called from any thread; close() not from a slot.
/// Failure: what a slot throws goes to the on_error() slots and delivery goes on with the next
///          slot. Where nobody listens, the first such exception is kept for close(). A store that
///          can't be read ends the delivery, and close() says why.
class live {
public:
    using any_slot = everfold::any_slot;
    using error_slot = std::function<void(const std::exception_ptr&, const recorded_event&)>;

    explicit live(store s);
    live(const live&) = delete;
    live& operator=(const live&) = delete;
    live(live&&) noexcept;
    live& operator=(live&&) noexcept;
    /// Stops the thread as close() does. What close() would have thrown is lost.
    ~live();

    /// Calls `slot` with each event of type E, or with the event and its record.
    template <event E, slot_for<E> Slot>
    live_connection on(Slot slot) & {
        return connect(slot_type_of<E>, typed_slot<E>(std::move(slot)));
    }

    /// The same on a temporary, which is returned, as its slots end with it:
    /// `auto live = everfold::live{store}.on<user_created>(first).on<user_deleted>(second);`
    template <event E, slot_for<E> Slot>
    [[nodiscard("the slots of a live end with it: keep it in a variable")]] live on(Slot slot) && {
        connect(slot_type_of<E>, typed_slot<E>(std::move(slot)));
        return std::move(*this);
    }

    /// Calls `slot` with every event.
    live_connection on_any(any_slot slot) &;
    [[nodiscard("the slots of a live end with it: keep it in a variable")]] live
    on_any(any_slot slot) &&;

    /// Calls `slot` with what another slot threw, and at which event.
    live_connection on_error(error_slot slot) &;
    [[nodiscard("the slots of a live end with it: keep it in a variable")]] live
    on_error(error_slot slot) &&;

    /// Waits until every event up to `p` was delivered; whether it was. False at once where
    /// delivery has ended before.
    [[nodiscard]] bool wait_for(position p, std::chrono::milliseconds timeout);

    /// Lets the event that is being delivered be finished, and stops. Events after it are not
    /// delivered: wait_for() them first, where that matters. Throws what ended the delivery, or
    /// else the first exception of a slot that nobody listened to; once. Idempotent.
    void close();

private:
    class engine;

    live_connection connect(std::string_view type, any_slot slot);

    std::unique_ptr<engine> engine_;
};

} // namespace everfold
