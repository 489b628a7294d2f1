// SPDX-License-Identifier: MIT
#pragma once
// What every state must do and the compiler can't tell, a line each in a test of one's own:
//
//     TEST_CASE("the balance folds as a state must") { check_state<balance>(); }
//
// Without events they are random ones, made by reflection (random_value.hpp). What does not hold is
// thrown as `failed`.

#include <everfold/event/codec.hpp>
#include <everfold/event/event.hpp>
#include <everfold/event/fingerprint.hpp>
#include <everfold/testing/fold_failures.hpp>
#include <everfold/testing/histories.hpp>
#include <everfold/testing/layout_text.hpp>
#include <everfold/testing/random_value.hpp>
#include <everfold/testing/texts.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace everfold::testing {

namespace detail {

/// Short ones, so that a check may take the square of it.
inline constexpr std::size_t random_stream_size = 40;

/// Calls `look` with streams of as many events, together, as are asked for.
template <class State, class Look>
void for_each_random_stream(const random_events& how, const Look& look) {
    const auto seed = seed_of(how);
    value_source from{seed};
    for (std::size_t done = 0; done < how.cases; done += random_stream_size)
        look(
            history{random_stream<State>(from, std::min(random_stream_size, how.cases - done))},
            origin_of_events{seed}
        );
}

template <class State, class Look, class... What>
void for_each_stream(const Look& look, const What&... what) {
    if constexpr (sizeof...(What) == 0)
        for_each_random_stream<State>({}, look);
    else if constexpr ((std::same_as<What, random_events> && ...))
        (for_each_random_stream<State>(what, look), ...);
    else if constexpr ((std::same_as<What, std::vector<new_event>> && ...))
        (look(history{what}, origin_of_events{}), ...);
    else
        look(history{list_of(what...)}, origin_of_events{});
}

/// No events, some of them, a vector of them, or how many random ones.
template <class... What>
concept says_events = (written_event<What> && ...) ||
                      (sizeof...(What) == 1 && ((std::same_as<What, random_events> || ...) ||
                                                (std::same_as<What, std::vector<new_event>> || ...))
                      );

template <class State>
void look_for_two_folds(const history& h, const origin_of_events& origin) {
    const auto half = folded<State>(h, h.size() / 2);
    const auto half_bytes = bytes_of(half);
    State first = half;
    fold_into(first, h, h.size() / 2, h.size());
    if (bytes_of(half) != half_bytes)
        fail_copy(h, half_bytes, bytes_of(half), origin);
    const auto second = folded<State>(h, h.size());
    const auto first_bytes = bytes_of(first);
    const auto second_bytes = bytes_of(second);
    if (first_bytes == second_bytes)
        return;
    // Where it begins, if it can be seen again.
    State a{};
    State b{};
    for (std::size_t i = 0; i < h.size(); ++i) {
        fold_into(a, h, i, i + 1);
        fold_into(b, h, i, i + 1);
        if (bytes_of(a) != bytes_of(b))
            fail_twice(h, i, bytes_of(a), bytes_of(b), origin);
    }
    fail_twice(h, h.size() - 1, first_bytes, second_bytes, origin);
}

template <class State>
void look_from_snapshots(const history& h, const origin_of_events& origin) {
    std::vector<byte_buffer> from_zero; // after each event
    from_zero.reserve(h.size());
    State state{};
    for (std::size_t at = 0; at < h.size(); ++at) {
        fold_into(state, h, at, at + 1);
        from_zero.push_back(bytes_of(state));
    }
    State original{};
    for (std::size_t at = 0; at < h.size(); ++at) {
        fold_into(original, h, at, at + 1);
        auto resumed = decode_as<State>(from_zero[at]);
        if constexpr (std::equality_comparable<State>)
            if (bytes_of(resumed) == from_zero[at] && !(resumed == original))
                fail_snapshot_loses(h, at, from_zero[at], origin);
        for (auto next = at;; ++next) {
            const auto bytes = bytes_of(resumed);
            if (bytes != from_zero[next])
                fail_snapshot(h, at, next, from_zero[next], bytes, origin);
            if (next + 1 == h.size())
                break;
            fold_into(resumed, h, next + 1, next + 2);
        }
    }
}

/// Whether folding it throws; in words.
template <class State>
[[nodiscard]] std::optional<std::string> what_fold_throws(const history& h) {
    try {
        static_cast<void>(folded<State>(h, h.size()));
    } catch (const std::exception& e) {
        return words_of_replay(e);
    }
    return {};
}

template <class State>
void look_for_throws(const history& h, const origin_of_events& origin) {
    if (!what_fold_throws<State>(h))
        return;
    // Fewer, until each that is left is needed: an event may be, only while another one is there.
    auto few = h;
    for (auto before = few.size() + 1; few.size() < before;) {
        before = few.size();
        for (auto i = few.size(); i-- > 0;)
            if (auto fewer = few.without(i); what_fold_throws<State>(fewer))
                few = std::move(fewer);
    }
    if (auto untimed = few.without_times(); what_fold_throws<State>(untimed))
        few = std::move(untimed);
    fail_apply(few, *what_fold_throws<State>(few), origin);
}

template <event E>
void look_at_round_trips(const random_events& how) {
    const auto seed = seed_of(how);
    const origin_of_events origin{seed};
    value_source from{seed};
    E reused{}; // as a fold reuses it
    for (std::size_t n = 0; n < how.cases; ++n) {
        const auto value = random_value<E>(from);
        new_event written;
        try {
            written = encoded(value);
            decode(written.payload, reused);
        } catch (const std::exception& e) {
            fail_to_write(event_type_of<E>, written.payload, e.what(), origin);
        }
        const auto fresh = decode_as<E>(written.payload);
        for (const auto* read : {&fresh, static_cast<const E*>(&reused)})
            if (auto again = encoded(*read); again.payload != written.payload)
                fail_round_trip(written, again, read == &reused, origin);
        if constexpr (std::equality_comparable<E>)
            if (!(fresh == value))
                fail_to_hold(written, origin);
    }
}

} // namespace detail

/// Two folds of the same events give equal bytes, and a copy of the state is on its own.
template <class State, class... What>
requires detail::says_events<What...>
void check_fold_twice(const What&... what) {
    detail::explained("folding twice", [&] {
        detail::for_each_stream<State>(
            [](const auto& h, const auto& origin) { detail::look_for_two_folds<State>(h, origin); },
            what...
        );
    });
}

/// A snapshot at any revision, and the events after it, give at each later revision the state that
/// all events from the first give. Takes the square of their number.
template <class State, class... What>
requires detail::says_events<What...>
void check_fold_from_snapshot(const What&... what) {
    detail::explained("folding from a snapshot", [&] {
        detail::for_each_stream<State>(
            [](const auto& h, const auto& origin) {
                detail::look_from_snapshots<State>(h, origin);
            },
            what...
        );
    });
}

/// No apply() throws, whatever valid events come in whatever order. Where one does, the message has
/// the fewest events that make it.
template <class State>
void check_apply_never_throws(const random_events& how = {}) {
    detail::for_each_random_stream<State>(how, [](const auto& h, const auto& origin) {
        detail::look_for_throws<State>(h, origin);
    });
}

/// Every event type of the state is read as it was written, into a new object and into a used one.
template <class State>
void check_round_trips(const random_events& how = {}) {
    State::events::for_each([&]<class E>(std::type_identity<E>) {
        detail::look_at_round_trips<E>(how);
    });
}

/// The layout of the state's snapshots is the one that is written down in this file. The
/// environment variable EVERFOLD_WRITE_GOLDEN, set to anything, writes it instead.
template <class State>
void check_snapshot_layout(const std::string& golden_file) {
    detail::compare_with_golden(golden_file, detail::layout_text<State>());
}

/// All of the above on random events; the layout where a golden file is named.
template <class State>
void check_state(const random_events& how = {}, const std::string& golden_file = {}) {
    check_round_trips<State>(how);
    check_apply_never_throws<State>(how);
    check_fold_twice<State>(how);
    check_fold_from_snapshot<State>(how);
    if (!golden_file.empty())
        check_snapshot_layout<State>(golden_file);
}

} // namespace everfold::testing
