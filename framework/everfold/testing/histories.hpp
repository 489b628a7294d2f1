// SPDX-License-Identifier: MIT
#pragma once
// Events of one stream as a fold sees them, without a store.

#include <everfold/aggregate/fold.hpp>
#include <everfold/base/bytes.hpp>
#include <everfold/event/event.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/recorded_event.hpp>
#include <everfold/testing/given_event.hpp>
#include <everfold/testing/random_value.hpp>
#include <everfold/testing/texts.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace everfold::testing {

/// How many random events a check makes, and from which seed. Without one it is that of the
/// environment variable EVERFOLD_SEED, or 1.
struct random_events {
    std::size_t cases{200};
    std::optional<std::uint64_t> seed{};
};

namespace detail {

/// The seed that is meant.
[[nodiscard]] std::uint64_t seed_of(const random_events& how);

/// A stream: the events and what a store would say of each.
class history {
public:
    explicit history(std::vector<new_event> events);

    [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }

    [[nodiscard]] const std::vector<new_event>& events() const noexcept { return events_; }

    /// Valid as long as the history; numbers of types are those of this history.
    [[nodiscard]] recorded_event at(std::size_t i) const;

    /// Without the event at `i`.
    [[nodiscard]] history without(std::size_t i) const;

    /// At a time that none of them says.
    [[nodiscard]] history without_times() const;

private:
    std::vector<new_event> events_;
    std::vector<std::uint32_t> type_numbers_{};
};

/// Any event of the state's list.
template <class State>
[[nodiscard]] new_event random_event(value_source& from) {
    using list = typename State::events;
    new_event out;
    const auto chosen = from.below(std::max<std::size_t>(list::size, 1));
    std::size_t i = 0;
    list::for_each([&]<class E>(std::type_identity<E>) {
        if (i++ == chosen)
            out = encoded(random_value<E>(from));
    });
    return out;
}

/// A stream of random events, a second apart.
template <class State>
[[nodiscard]] std::vector<new_event> random_stream(value_source& from, std::size_t size) {
    static_assert(State::events::size > 0, "everfold: this state lists no events");
    std::vector<new_event> out;
    out.reserve(size);
    timestamp time = from.time();
    for (std::size_t i = 0; i < size; ++i) {
        auto e = random_event<State>(from);
        e.occurred_at = from.one_in(8) ? time = from.time() : time;
        out.push_back(std::move(e));
    }
    return out;
}

/// Folds the events of `h` from `begin` up to `end` into the state.
template <class State>
void fold_into(State& state, const history& h, std::size_t begin, std::size_t end) {
    folder<State> fold{unknown_events::skip};
    for (auto i = begin; i < end; ++i)
        fold.apply(state, h.at(i));
}

template <class State>
[[nodiscard]] State folded(const history& h, std::size_t end) {
    State out{};
    fold_into(out, h, 0, end);
    return out;
}

} // namespace detail
} // namespace everfold::testing
