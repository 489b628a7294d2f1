// SPDX-License-Identifier: MIT
#pragma once
// Handles every event of a query, across restarts: a subscription goes on where its checkpoint is.

#include <everfold/base/ids.hpp>
#include <everfold/event/event.hpp>
#include <everfold/projection/checkpoint_file.hpp>
#include <everfold/projection/typed_slot.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/recorded_event.hpp>
#include <everfold/store/store.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

namespace everfold {

struct subscription_options {
    /// The checkpoint is saved after so many events; at least 1. What is handled again after a
    /// kill is at most as much.
    std::uint64_t save_every{100};
};

/// Calls slots with the events of a query, in order and on the caller's thread: first what is
/// there, then what comes.
///
///     everfold::subscription mails{store, everfold::checkpoint_file{"mails.checkpoint"}};
///     mails.on<user_created>([](const user_created& e) { … });
///     mails.catch_up();
///
/// Each event is handled once while the object lives, and at least once across restarts: what was
/// handled after the checkpoint was last saved is handled again. To have it exactly once, keep the
/// checkpoint in the same transaction as what the slots change, see checkpoint(). Only durable
/// events are delivered; in a store of level os or unsafe_none that means a sync.
///
/// Another query beside the same checkpoint sees no event from before it: what the query passes
/// over counts as handled.
///
/// Threads: one at a time.
/// Failure: errc::unconfirmed, and corruption of the checkpoint's file, when it is made. What a
///          slot throws is passed on: its event is not handled, all slots get it again next time,
///          and the checkpoint is saved in front of it (where even that fails, the slot's exception
///          is passed on all the same, and more is handled again after a restart).
class subscription {
public:
    /// Goes on from what `kept` holds, from the beginning where there is no file, and saves there:
    /// every save_every events, whenever it has caught up, and when it stops.
    subscription(
        store s, checkpoint_file kept, query wanted = {}, const subscription_options& options = {}
    );

    /// Goes on from `from`, or from the beginning. To keep checkpoint() is up to the caller.
    subscription(store s, const std::optional<checkpoint>& from, query wanted = {});

    subscription(const subscription&) = delete;
    subscription& operator=(const subscription&) = delete;
    subscription(subscription&&) = default;
    subscription& operator=(subscription&&) = default;
    ~subscription() = default;

    /// Calls `slot` with each event of type E, or with the event and its record. Slots are called
    /// in the order of these calls.
    template <event E, slot_for<E> Slot>
    subscription& on(Slot slot) & {
        return add(std::string{slot_type_of<E>}, typed_slot<E>(std::move(slot)));
    }

    template <event E, slot_for<E> Slot>
    [[nodiscard("a subscription does nothing before catch_up() or follow()")]] subscription
    on(Slot slot) && {
        return std::move(on<E>(std::move(slot)));
    }

    /// Calls `slot` with every event of the query.
    subscription& on_any(any_slot slot) & { return add({}, std::move(slot)); }

    [[nodiscard("a subscription does nothing before catch_up() or follow()")]] subscription
    on_any(any_slot slot) && {
        return std::move(on_any(std::move(slot)));
    }

    /// Delivers what is there, and saves the checkpoint. How many events the query selected.
    std::uint64_t catch_up();

    /// Goes on as events come, until it is stopped: between two events, at most a moment later.
    /// How many events the query selected.
    std::uint64_t follow(const std::stop_token& stop);

    /// Everything before it is handled. In a slot, the event that it is called with counts as
    /// handled.
    [[nodiscard]] everfold::position position() const noexcept {
        return is_handling_ ? next_.next() : next_;
    }

    /// For position(): what to keep with one's own data, in the same transaction.
    [[nodiscard]] everfold::checkpoint checkpoint() { return store_.checkpoint_at(position()); }

private:
    struct handler {
        std::string type{}; // empty: every event
        any_slot slot{};
    };

    subscription& add(std::string type, any_slot slot);
    void go_on_from(const everfold::checkpoint& c);
    /// One past the last durable event; waits for those that are not yet.
    [[nodiscard]] everfold::position durable_end(std::chrono::milliseconds patience);
    /// Up to `end`, or until stopped; how many.
    std::uint64_t deliver(everfold::position end, const std::stop_token& stop);
    void deliver_from(everfold::position end, const std::stop_token& stop, std::uint64_t& count);
    void handle(const recorded_event& e);
    void save();

    store store_;
    std::optional<checkpoint_file> kept_{};
    query wanted_;
    std::uint64_t save_every_{1};
    std::deque<handler> handlers_{}; // a slot may add to them
    everfold::position next_{};      // everything before it is handled
    everfold::position saved_{};     // next_ of the checkpoint that is kept
    std::uint64_t unsaved_{};        // events that were handled since
    bool is_handling_{};             // slots are being called with the event at next_
};

} // namespace everfold
