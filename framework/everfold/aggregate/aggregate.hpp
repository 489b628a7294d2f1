// SPDX-License-Identifier: MIT
#pragma once
// The base of an aggregate: a state plus the decisions that are allowed to change it.

#include <everfold/aggregate/aggregate_access.hpp>
#include <everfold/aggregate/aggregate_base.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/event/event.hpp>
#include <everfold/store/append.hpp>

#include <concepts>
#include <utility>

namespace everfold {

/// Base class of an aggregate. `State` is a plain value with a list of its event types, named
/// `events`, and one apply() for each. The derived class has a member for each decision: it looks
/// at state(), throws where it refuses, and calls record() where something has happened.
///
/// The derived class needs a default constructor and keeps no data of its own that a fold would
/// not give back: a repository makes, copies and forgets aggregates as it likes.
///
/// Owns:    its state and its uncommitted events.
/// Threads: one at a time.
/// Failure: what a decision throws passes through. An apply() that throws inside record() is a
///          replay_error; the aggregate then refuses to record and to be saved.
template <class State>
class aggregate : public detail::aggregate_base {
    static_assert(explain_fold<State>(), "everfold: an aggregate is made of a state");

public:
    using state_type = State;

    // Public, because a derived class without constructors is made as `book{}` from outside of it.
    aggregate() = default;
    aggregate(const aggregate&) = default;
    aggregate(aggregate&&) = default;
    aggregate& operator=(const aggregate&) = default;
    aggregate& operator=(aggregate&&) = default;
    ~aggregate() = default;

    /// Everything up to the last event, recorded ones included.
    [[nodiscard]] const State& state() const noexcept { return state_; }

protected:
    /// It has happened: now.
    template <event E>
    void record(const E& e) {
        record(e, now());
    }

    /// It has happened, and at this time. Encoded and folded into the state at once; appended by
    /// the repository. Where it throws for what can't be encoded, nothing was recorded.
    template <event E>
    void record(const E& e, timestamp occurred_at) {
        static_assert(
            State::events::template contains<E>,
            "everfold: an aggregate records only events that its state lists in `events`"
        );
        const auto info = stage(encoded(e), occurred_at);
        try {
            apply_event(state_, e, info);
        } catch (...) {
            fail_to_apply();
        }
    }

private:
    friend struct detail::aggregate_access;

    State state_{};
};

/// A class that derives from aggregate<State>, can be made from nothing and can be copied.
template <class A>
concept aggregate_class = requires {
    typename A::state_type;
}
&&std::derived_from<A, aggregate<typename A::state_type>>&& std::default_initializable<A>&&
    std::copyable<A>;

} // namespace everfold
