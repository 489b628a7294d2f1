// SPDX-License-Identifier: MIT
#pragma once
// Aggregates in the other style: decisions are pure functions of state and command, and a
// repository does the rest.

#include <everfold/aggregate/aggregate.hpp>
#include <everfold/aggregate/aggregate_access.hpp>
#include <everfold/aggregate/outcome.hpp>
#include <everfold/aggregate/repository.hpp>
#include <everfold/event/event.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>
#include <variant>

namespace everfold {

/// A class that is never made, with `using state_type`, a static function
/// `outcome<State, Refusal> decide(const State&, const Command&)` for each command, and, where a
/// state of nothing but its defaults is not what there is before any event, a static
/// `State initial_state()`. The state's apply() is what others call evolve.
template <class D>
concept decider = requires {
    typename D::state_type;
}
&&fold_state<typename D::state_type> && !std::derived_from<D, detail::aggregate_base>;

namespace detail {

template <class D, class Command>
concept decides = requires(const typename D::state_type& state, const Command& command) {
    requires is_outcome_of < std::remove_cvref_t<decltype(D::decide(state, command))>,
    typename D::state_type > ;
};

} // namespace detail

/// The state of a decider as a repository loads and saves it.
template <decider D>
class decided : public aggregate<typename D::state_type> {
public:
    decided() {
        if constexpr (requires { D::initial_state(); })
            detail::aggregate_access::state(*this) = D::initial_state();
    }

    /// Decides on the state, and records what has happened. Refused: nothing is recorded.
    template <class Command>
    auto decide(const Command& command) {
        static_assert(
            detail::decides<D, Command>,
            "everfold: this decider does not decide this command; add a public `static "
            "everfold::outcome<State, Refusal> decide(const State&, const Command&)` for it"
        );
        // Not even looked at otherwise: GCC 12 runs out of memory over the messages that would
        // follow.
        if constexpr (detail::decides<D, Command>) {
            auto out = D::decide(this->state(), command);
            for (const auto& each : out.events())
                std::visit([this](const auto& e) { this->record(e); }, each);
            return out;
        }
    }
};

/// Loads, decides and saves by a decider; see repository. What it loads is a decided<D>.
template <decider D>
class repository<D> : public repository<decided<D>> {
public:
    using repository<decided<D>>::repository;
    using repository<decided<D>>::update;

    /// Decides the command on the current state, appends what has happened, and returns the
    /// decision's own outcome. Where somebody else appended in between, it decides again, and where
    /// it is told to, it first waits for its turn.
    template <class Command>
    requires(!std::invocable<const Command&, decided<D>&>) auto update(
        std::string_view stream, const Command& command, const update_options& options = {}
    ) {
        return update(
            stream, [&command](decided<D>& now) { return now.decide(command); }, options
        );
    }
};

} // namespace everfold
