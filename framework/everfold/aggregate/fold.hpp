// SPDX-License-Identifier: MIT
#pragma once
// From recorded events to a state: a table from the store's type numbers to "decode into the reused
// event of this type and apply it".

#include <everfold/base/error.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/event/event.hpp>
#include <everfold/event/stored_forms.hpp>
#include <everfold/store/recorded_event.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace everfold {

/// What a fold does with an event whose type or version the state does not name.
enum class unknown_events : std::uint8_t {
    refuse, ///< throws a schema_error that names it
    skip,   ///< leaves the state as it is and counts it
};

namespace detail {

/// How the events of one type and version, as they were stored, are folded.
struct fold_step {
    static constexpr std::uint32_t none = ~std::uint32_t{0};

    std::string_view type{};
    std::uint32_t version{};
    /// The step of the next event that this one is a part of; none for all but split events.
    std::uint32_t next{none};
    /// Decodes into its own one of the `slots` and applies that to the state.
    void (*run)(void* slots, void* state, const recorded_event& e){};
    /// Whether it is also for higher versions.
    bool reads_newer{};
};

/// The part of folder<State> that is compiled once.
class fold_table {
public:
    /// `steps` outlives the table.
    fold_table(std::span<const fold_step> steps, unknown_events policy) noexcept
        : steps_{steps}
        , policy_{policy} {}

    void apply(void* slots, void* state, const recorded_event& e) {
        const auto number = e.type_number;
        if (number >= known_.size() || known_[number] == unseen) [[unlikely]]
            learn(e);
        auto step = known_[number];
        if (step == to_skip) [[unlikely]] {
            ++skipped_;
            return;
        }
        do {
            steps_[step].run(slots, state, e);
            step = steps_[step].next;
        } while (step != fold_step::none);
    }

    [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }

    [[nodiscard]] unknown_events policy() const noexcept { return policy_; }

    /// A hash of the types and versions that it knows.
    [[nodiscard]] std::uint64_t fingerprint() const noexcept;

private:
    static constexpr std::uint32_t unseen = ~std::uint32_t{0};
    static constexpr std::uint32_t to_skip = unseen - 1;

    // The one place where texts are compared: once for each type number.
    void learn(const recorded_event& e);

    std::span<const fold_step> steps_;
    unknown_events policy_;
    std::vector<std::uint32_t> known_{}; // by type number: an index into steps_, unseen or to_skip
    std::uint64_t skipped_{};
};

[[noreturn]] void fail_to_decode(const recorded_event& e, const encoding_error& why);
/// Throws a replay_error around the exception that is being handled.
[[noreturn]] void fail_to_replay(const recorded_event& e);

template <class State, event E, std::size_t Slot, class Slots, std::size_t Form>
void fold_one(void* slots, void* state, const recorded_event& e) {
    auto& into = std::get<Slot>(*static_cast<Slots*>(slots));
    if constexpr (Form < name_count<E>()) { // as it is
        try {
            decode(e.payload, into);
        } catch (const encoding_error& why) {
            fail_to_decode(e, why);
        }
    } else {
        try {
            if (!forms_of<E>::all[Form].read(e.payload, e.version, into))
                return;
        } catch (const encoding_error& why) {
            fail_to_decode(e, why);
        } catch (...) {
            fail_to_replay(e);
        }
    }
    try {
        apply_event(*static_cast<State*>(state), std::as_const(into), e.info());
    } catch (...) {
        fail_to_replay(e);
    }
}

/// The steps for a state's list of events, and the object that each type is decoded into.
template <class State, class Events>
struct fold_plan;

template <class State, event... Es>
struct fold_plan<State, events<Es...>> {
    using slots = std::tuple<Es...>;
    static constexpr std::size_t count = (forms_of<Es>::all.size() + ... + 0);

    template <class E, std::size_t Slot, std::size_t... Form>
    static constexpr void add(auto& out, std::size_t& n, std::index_sequence<Form...>) noexcept {
        ((out[n++] =
              {.type = forms_of<E>::all[Form].type,
               .version = forms_of<E>::all[Form].version,
               .run = &fold_one<State, E, Slot, slots, Form>,
               .reads_newer = Form < name_count<E>() && reads_newer<E>()}),
         ...);
    }

    template <std::size_t... Slot>
    static constexpr std::array<fold_step, count> steps_of(std::index_sequence<Slot...>) noexcept {
        std::array<fold_step, count> out{};
        std::size_t n = 0;
        (add<Es, Slot>(out, n, std::make_index_sequence<forms_of<Es>::all.size()>{}), ...);
        for (std::size_t i = 0; i < count; ++i)
            for (std::size_t k = i + 1; k < count && out[i].next == fold_step::none; ++k)
                if (out[k].type == out[i].type && out[k].version == out[i].version)
                    out[i].next = static_cast<std::uint32_t>(k);
        return out;
    }

    static constexpr auto steps = steps_of(std::index_sequence_for<Es...>{});
};

} // namespace detail

/// Folds the events of one store into states.
///
/// Owns:    one event object of each type, reused, so that replay allocates nothing but what the
///          state itself does.
/// Threads: one.
/// Failure: schema_error for an event that the state does not name (unless they are skipped) and
///          for a payload that does not fit; replay_error around what an apply() threw. The state
///          is then between two events or inside one, and of no more use.
template <class State>
class folder {
    static_assert(explain_fold<State>(), "everfold: only a state can be folded");

public:
    explicit folder(unknown_events policy = unknown_events::refuse)
        : table_{plan::steps, policy} {}

    void apply(State& state, const recorded_event& e) { table_.apply(&slots_, &state, e); }

    /// How many events the state did not name.
    [[nodiscard]] std::uint64_t skipped() const noexcept { return table_.skipped(); }

private:
    template <class>
    friend class repository;

    using plan = detail::fold_plan<State, typename State::events>;

    detail::fold_table table_;
    typename plan::slots slots_{};
};

} // namespace everfold
