// SPDX-License-Identifier: MIT
#pragma once
// What is different between two states: as a JSON Patch for programs, as lines for people.

#include <everfold/aggregate/fold.hpp>
#include <everfold/base/bytes.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/store.hpp>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace everfold {

/// One place that is different. The texts are JSON; `before` is empty where there was nothing,
/// `after` where there is nothing any more.
struct state_change {
    /// A JSON pointer (RFC 6901): "/users/123/email"; empty for the state itself.
    std::string path{};
    std::string before{};
    std::string after{};

    friend bool operator==(const state_change&, const state_change&) = default;
};

/// A JSON Patch (RFC 6902), as text, that makes of the one encoded item the other, in the form of
/// json_text_from_cbor(). "[]" where they are the same. Throws encoding_error.
[[nodiscard]] std::string json_patch(bytes_view before, bytes_view after);

/// The steps of that patch, each with what it takes away. Numbers that are written differently,
/// as 1 and 1.0, are different.
[[nodiscard]] std::vector<state_change> changes_between(bytes_view before, bytes_view after);

/// The steps as a patch, as text.
[[nodiscard]] std::string json_patch(std::span<const state_change> changes);

enum class tint : bool { plain, ansi };

/// A line for each: `+ path  value`, `- path  value` or `~ path  before -> after`; with `ansi`,
/// what goes is red and what comes green, by the escape sequences of terminals.
[[nodiscard]] std::string to_text(std::span<const state_change> changes, tint how = tint::plain);

/// The patch from one state to another, of any two moments: `diff(accounts.load(id,
/// as_of{friday}).state(), accounts.load(id).state())`.
template <class State>
[[nodiscard]] std::string diff(const State& before, const State& after) {
    byte_buffer from;
    byte_buffer to;
    encode(before, from);
    encode(after, to);
    return json_patch(from, to);
}

template <class State>
[[nodiscard]] std::vector<state_change> changes_between(const State& before, const State& after) {
    byte_buffer from;
    byte_buffer to;
    encode(before, from);
    encode(after, to);
    return changes_between(bytes_view{from}, bytes_view{to});
}

/// Folds the events of a query and calls `f` with each of them and what it changed in what `view`
/// gives of the state: a part of it, or all of it in another form, as long as that can be encoded.
/// It is encoded for each event: for looking into a history, not for the hot path.
template <class State, class View, class F>
void for_each_change_in(
    store s, const query& q, View&& view, F&& f, unknown_events unknown = unknown_events::refuse
) {
    State state{};
    folder<State> fold{unknown};
    byte_buffer before;
    byte_buffer after;
    encode(view(std::as_const(state)), before);
    for (const auto& e : s.read(q)) {
        fold.apply(state, e);
        after.clear();
        encode(view(std::as_const(state)), after);
        f(e, changes_between(bytes_view{before}, bytes_view{after}));
        std::swap(before, after);
    }
}

/// The same of the whole state.
template <class State, class F>
void for_each_change(
    store s, const query& q, F&& f, unknown_events unknown = unknown_events::refuse
) {
    const auto all = [](const State& state) -> const State& { return state; };
    for_each_change_in<State>(std::move(s), q, all, std::forward<F>(f), unknown);
}

} // namespace everfold
