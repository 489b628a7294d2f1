// SPDX-License-Identifier: MIT
#pragma once
// Decisions over a query: the state is folded from whatever matches, in any streams, and a decision
// stands where nothing new matches (a dynamic consistency boundary, dcb.events).

#include <everfold/aggregate/boundary_engine.hpp>
#include <everfold/aggregate/decision.hpp>
#include <everfold/aggregate/fold.hpp>
#include <everfold/base/check.hpp>
#include <everfold/event/event.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/store.hpp>

#include <array>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace everfold {

namespace detail {

template <class List>
struct types_of_events;

template <class... Es>
struct types_of_events<events<Es...>> {
    static constexpr std::array<std::string_view, sizeof...(Es)> names{event_type_of<Es>...};
};

} // namespace detail

/// A state folded from the events that match a query and that the state lists, and the decisions
/// taken on it.
///
/// What it read it keeps, and reads only what was appended since. What rules put out of reach after
/// it was read (docs/rewriting/retention.md) stays in the state.
///
/// Owns:       the state; the store is shared.
/// Threads:    one at a time; each thread has a boundary of its own, on the same store.
/// Durability: what decide() returned from survives a power cut.
/// Failure:    errc::invalid for a query that no condition can be; conflict, schema_error,
///             replay_error and what the store throws. What a decision throws passes through, and
///             nothing of that decision was appended.
template <class State>
class boundary {
    static_assert(explain_fold<State>(), "everfold: a decision is taken on a state");

public:
    /// `first` is the state before any event.
    explicit boundary(
        store s, const query& q, State first = {}, const boundary_options& options = {}
    )
        : engine_{std::move(s), q, types::names, options}
        , first_{first}
        , state_{std::move(first)} {}

    /// The state as it is now.
    [[nodiscard]] const State& state() {
        catch_up();
        return state_;
    }

    /// Calls `decide` with a decision<State>&, appends what it recorded, and returns what it
    /// returned. Where an event that matches came in between, or a stream is not as expected, it
    /// reads what is new and decides again: `decide` has no effects but what it records. After
    /// `retries_max` lost races it throws conflict.
    template <class F>
    std::invoke_result_t<F&, decision<State>&> decide(F&& decide) {
        using result = std::invoke_result_t<F&, decision<State>&>;
        for (unsigned attempt = 0;; ++attempt) {
            catch_up();
            decision<State> now{state_};
            if constexpr (std::is_void_v<result>) {
                call(decide, now);
                if (engine_.commit(now, attempt))
                    return;
            } else {
                result out = call(decide, now);
                if (engine_.commit(now, attempt))
                    return std::forward<result>(out);
            }
        }
    }

    /// One past the last position that the state has seen.
    [[nodiscard]] position next() const noexcept { return engine_.next(); }

    /// What is read and what no new event may match: what was asked for, of the types that the
    /// state lists.
    [[nodiscard]] const query& asked() const noexcept { return engine_.asked(); }

    [[nodiscard]] const boundary_stats& stats() const noexcept { return engine_.stats(); }

private:
    using types = detail::types_of_events<typename State::events>;

    void catch_up() {
        check(!is_deciding_, "a boundary takes one decision at a time");
        auto unread = engine_.unread();
        if (!unread)
            return;
        try {
            for (const auto& e : *unread) {
                folder_.apply(state_, e);
                engine_.count_replayed();
            }
        } catch (...) {
            // Between two events, or inside one: to be folded afresh.
            engine_.restart();
            state_ = first_;
            throw;
        }
        engine_.reached();
    }

    template <class F>
    decltype(auto) call(F& decide, decision<State>& now) {
        struct mark {
            bool& is_set;
            explicit mark(bool& b) noexcept
                : is_set{b} {
                is_set = true;
            }
            mark(const mark&) = delete;
            mark& operator=(const mark&) = delete;
            ~mark() { is_set = false; }
        } const deciding{is_deciding_};
        return std::invoke(decide, now);
    }

    detail::boundary_engine engine_;
    folder<State> folder_{};
    State first_;
    State state_;
    bool is_deciding_{};
};

/// One decision over a query: `decide_over(store, query{}.tag("show", 7), seats{}, [](auto& now)
/// {…})`. `first` is the state before any event.
template <class State, class F>
std::invoke_result_t<F&, decision<State>&> decide_over(
    store s, const query& q, State first, F&& decide, const boundary_options& options = {}
) {
    return boundary<State>{std::move(s), q, std::move(first), options}.decide(std::forward<F>(decide
    ));
}

} // namespace everfold
