// SPDX-License-Identifier: MIT
#pragma once
// What was given, what was done, what is expected: tests of decisions in the words of events.
//
//     given<account>(opened{"Ada"}, deposited{5})
//         .when([](account& a) { a.withdraw(9); })
//         .then_refused<overdrawn>("there are only 5");
//
// Each runs on a store in memory, through a repository, as the program itself does. What does not
// hold is thrown as `failed`, so that any test framework will do.

#include <everfold/aggregate/aggregate.hpp>
#include <everfold/aggregate/decider.hpp>
#include <everfold/aggregate/repository.hpp>
#include <everfold/testing/failed.hpp>
#include <everfold/testing/fake_clock.hpp>
#include <everfold/testing/given_event.hpp>
#include <everfold/testing/refusal_text.hpp>
#include <everfold/testing/scenario_engine.hpp>
#include <everfold/testing/texts.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace everfold::testing {

namespace detail {

/// What a decider's refusal is; nothing for an aggregate's, which throws.
struct no_refusal {};

template <class Result>
struct refusal_in {
    using type = no_refusal;
};

template <class State, class Refusal>
struct refusal_in<outcome<State, Refusal>> {
    using type = Refusal;
};

template <class T, class Variant>
inline constexpr bool is_alternative = false;
template <class T, class... Ts>
inline constexpr bool is_alternative<T, std::variant<Ts...>> = (std::is_same_v<T, Ts> || ...);

} // namespace detail

/// What came of a decision. Each of its members holds it to one expectation, and gives it back for
/// the next: `.then(withdrawn{5}).then_state(…)`.
///
/// Failure: `failed`.
template <class A, class Refusal>
class decided_scenario {
public:
    using state_type = typename repository<A>::state_type;

    decided_scenario(
        detail::scenario_engine engine, std::optional<Refusal> refusal, state_type state
    )
        : engine_{std::move(engine)}
        , refusal_{std::move(refusal)}
        , state_{std::move(state)} {}

    /// Exactly these events have happened, in this order: their type, version and fields; and time
    /// and metadata where they are expected with at() and with_metadata().
    template <written_event... Es>
    requires(sizeof...(Es) > 0) const decided_scenario& then(const Es&... expected) const {
        engine_.expect_events(list_of(expected...), refusal_words());
        return *this;
    }

    /// Accepted, and nothing has happened.
    const decided_scenario& then_nothing() const {
        engine_.expect_events({}, refusal_words());
        return *this;
    }

    /// Refused: by an exception that is none of Everfold's own, or by a decider's refusal.
    const decided_scenario& then_refused() const {
        if (!refusal_)
            engine_.expect_thrown();
        return *this;
    }

    /// Refused by this exception, or one that derives from it; or by a decider's refusal of this
    /// type, which may be one of those in a std::variant.
    template <class Why>
    const decided_scenario& then_refused() const {
        static_cast<void>(refusal_as<Why>());
        return *this;
    }

    /// The same, with these words in its what(), or equal to this; or, where it is a function of
    /// the refusal, where that returns true or nothing.
    template <class Why, class Expected>
    const decided_scenario& then_refused(const Expected& expected) const {
        expect_refusal(refusal_as<Why>(), expected);
        return *this;
    }

    /// A decider's refusal is equal to this; or as the function of it says.
    template <int = 0, class Expected> // so that a type in <> never means this one
    const decided_scenario& then_refused(const Expected& expected) const {
        static_assert(
            !std::is_same_v<Refusal, detail::no_refusal>,
            "everfold: an aggregate refuses by an exception: then_refused<the_exception>(...)"
        );
        if constexpr (!std::is_same_v<Refusal, detail::no_refusal>)
            expect_refusal(refusal_as<Refusal>(), expected);
        return *this;
    }

    /// The state is now this one; or as the function of it says, which returns a bool, or nothing
    /// and does its own checks.
    template <class Expected>
    const decided_scenario& then_state(const Expected& expected) const {
        if constexpr (std::invocable<const Expected&, const state_type&>) {
            if constexpr (std::is_void_v<std::invoke_result_t<const Expected&, const state_type&>>)
                std::invoke(expected, state_);
            else if (!std::invoke(expected, state_))
                engine_.fail_state(detail::bytes_of(state_), refusal_words());
        } else {
            static_assert(
                std::is_same_v<Expected, state_type>,
                "everfold: then_state() takes a state, or a function of one"
            );
            const auto wanted = detail::bytes_of(expected);
            const auto found = detail::bytes_of(state_);
            bool is_same = wanted == found;
            if constexpr (std::equality_comparable<state_type>)
                is_same = expected == state_;
            if (!is_same)
                engine_.fail_state(wanted, found, refusal_words());
        }
        return *this;
    }

    /// For what the kit does not say.
    [[nodiscard]] const state_type& state() const noexcept { return state_; }

private:
    [[nodiscard]] std::optional<std::string> refusal_words() const {
        return refusal_ ? detail::words_of(*refusal_) : engine_.thrown_words();
    }

    template <class Why>
    [[nodiscard]] const Why& refusal_as() const {
        if constexpr (std::is_same_v<Why, Refusal>) {
            if (refusal_)
                return *refusal_;
        } else if constexpr (detail::is_alternative<Why, Refusal>) {
            if (refusal_)
                if (const auto* why = std::get_if<Why>(&*refusal_))
                    return *why;
        } else {
            if (const auto* why = engine_.template thrown_as<Why>())
                return *why;
        }
        engine_.fail_refusal(detail::type_name<Why>(), refusal_words());
    }

    template <class Why, class Expected>
    void expect_refusal(const Why& why, const Expected& expected) const {
        if constexpr (std::invocable<const Expected&, const Why&>) {
            if constexpr (std::is_void_v<std::invoke_result_t<const Expected&, const Why&>>)
                std::invoke(expected, why);
            else if (!std::invoke(expected, why))
                engine_.fail_refusal_words({}, detail::words_of(why));
        } else if constexpr (std::derived_from<Why, std::exception>) {
            if (why.what() != std::string_view{expected})
                engine_.fail_refusal_words(detail::words_of(expected), refusal_words());
        } else {
            if (!(why == expected))
                engine_.fail_refusal_words(detail::words_of(expected), refusal_words());
        }
    }

    detail::scenario_engine engine_;
    std::optional<Refusal> refusal_;
    state_type state_;
};

/// What was given. Made by given().
template <class A>
class [[nodiscard]] scenario {
public:
    explicit scenario(std::vector<new_event> events)
        : given_{std::move(events)} {}

    /// The stream that they are in; "test-1" where nothing is said.
    scenario in_stream(std::string name) && {
        stream_ = std::move(name);
        return std::move(*this);
    }

    /// When the decision is made, and the events that say no time of their own; the start of 2024
    /// where nothing is said.
    scenario at_time(timestamp t) && {
        time_ = t;
        return std::move(*this);
    }

    /// As the program's repository has them.
    scenario with(const repository_options& options) && {
        options_ = options;
        return std::move(*this);
    }

    /// Decides: calls the function with the aggregate, or has the decider decide the command.
    /// Failure: `failed` where what is given can't be folded.
    template <class Act>
    [[nodiscard]] auto
    when(const Act& act, std::source_location where = std::source_location::current()) && {
        using loaded = std::remove_cvref_t<decltype(std::declval<repository<A>&>().load(""))>;
        using state_type = typename repository<A>::state_type;
        using result = typename decltype(result_of<loaded>(act))::type;
        using refusal = typename detail::refusal_in<result>::type;

        detail::scenario_engine engine{stream_, given_, time_, where};
        repository<A> aggregates{engine.events(), options_};
        engine.give([&] { static_cast<void>(aggregates.load(stream_)); });
        std::optional<refusal> refused;
        engine.decide([&] {
            if constexpr (std::is_same_v<refusal, detail::no_refusal>) {
                static_cast<void>(aggregates.update(stream_, act));
            } else {
                const auto out = aggregates.update(stream_, act);
                if (const auto* why = out.refusal_or_null())
                    refused = *why;
            }
        });
        state_type state{};
        engine.settle([&] {
            state = aggregates.load(stream_).state();
            engine.compare_replay(
                detail::bytes_of(state), detail::bytes_of(aggregates.replay(stream_).state())
            );
        });
        return decided_scenario<A, refusal>{
            std::move(engine), std::move(refused), std::move(state)};
    }

private:
    // What update() returns for it; never called.
    template <class Loaded, class Act>
    static auto result_of(const Act& act) {
        if constexpr (std::invocable<const Act&, Loaded&>)
            return std::type_identity<
                std::remove_cvref_t<std::invoke_result_t<const Act&, Loaded&>>>{};
        else
            return std::type_identity<
                std::remove_cvref_t<decltype(std::declval<repository<A>&>().update("", act))>>{};
    }

    std::vector<new_event> given_;
    std::string stream_{"test-1"};
    timestamp time_{fake_clock::first};
    repository_options options_{};
};

/// These events have happened, in one stream. `A` is an aggregate or a decider.
template <class A, written_event... Es>
scenario<A> given(const Es&... happened) {
    return scenario<A>{list_of(happened...)};
}

/// The same, where there are many.
template <class A>
scenario<A> given(std::vector<new_event> happened) {
    return scenario<A>{std::move(happened)};
}

} // namespace everfold::testing
