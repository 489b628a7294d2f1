// SPDX-License-Identifier: MIT
#pragma once
// Events of which the last one with a key says all that the earlier ones said.
// docs/guide/compaction_by_key.md.

#include <everfold/event/event_type.hpp>
#include <everfold/event/tags.hpp>
#include <everfold/event/wire.hpp>

#include <concepts>
#include <string>
#include <type_traits>

namespace everfold {

template <auto... Members>
struct last_wins_rule {};

/// Inside an event:
///     static constexpr auto last_wins = everfold::last_wins_by<&price_set::symbol>;
/// A promise: whoever folds a stream without the earlier events of this type with the same key gets
/// the same state. Several members are one key together; without any, the last event of the type
/// in its stream wins. An event that changes only a part of what its key stands for is not of
/// this kind.
template <auto... Members>
inline constexpr last_wins_rule<Members...> last_wins_by{};

namespace detail {

template <class E, class Value>
constexpr bool is_key_of(Value E::*) noexcept {
    return std::same_as<Value, bool> || is_key<Value>;
}

template <class E, auto Member>
concept key_member = requires {
    requires is_key_of<E>(Member);
};

template <class Rule, class E>
inline constexpr bool is_rule_for = false;
template <auto... Members, class E>
inline constexpr bool is_rule_for<last_wins_rule<Members...>, E> = (key_member<E, Members> && ...);

/// Whether E says by what the last one wins; where it does not, the sentence that says what to do.
template <class E>
constexpr bool explain_last_wins() noexcept {
    if constexpr (!explain_event<E>()) {
        return false;
    } else if constexpr (requires { E::last_wins; }) {
        constexpr bool holds = is_rule_for<std::remove_cv_t<decltype(E::last_wins)>, E>;
        static_assert(
            holds,
            "everfold: last_wins_by takes members of the event itself that are text, a whole "
            "number, a bool, an enumeration, a uuid or a time"
        );
        return holds && explain_evolution<E>();
    } else {
        static_assert(
            !std::same_as<E, E>,
            "everfold: events of this type can't be compacted by key: it does not say that the "
            "last one wins; if it does, add `static constexpr auto last_wins = "
            "everfold::last_wins_by<&E::key>;`"
        );
        return false;
    }
}

template <class E, auto... Members>
void append_key(const E& e, const last_wins_rule<Members...>&, std::string& out) {
    [[maybe_unused]] const auto add = [&out](const std::string& text) {
        out.append(std::to_string(text.size())).append(text); // a tag begins with its colon
    };
    (add(make_tag({}, e.*Members)), ...);
}

} // namespace detail

/// Appends the event's key, so that keys that differ are never the same text.
template <event E>
void append_key(const E& e, std::string& out) {
    detail::append_key(e, E::last_wins, out);
}

} // namespace everfold
