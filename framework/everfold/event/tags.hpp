// SPDX-License-Identifier: MIT
#pragma once
// Tags of events: texts `key:value` under which the log finds all events about something, whatever
// their stream. An event says in `event_tags` which of its members make them.

#include <everfold/event/codec.hpp>
#include <everfold/event/event_type.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace everfold {

/// A tag made from a member: `user:123` for tagged("user", &user_created::user_id).
template <class Class, class Member>
struct tag_rule {
    std::string_view key;
    Member Class::*member;
};

/// Inside an event:
///     static constexpr auto event_tags = everfold::tagged("user", &user_created::user_id);
/// and for several a std::tuple of them. A member that is absent, null or empty makes no tag, a
/// container one for each element.
template <class Class, class Member>
[[nodiscard]] constexpr tag_rule<Class, Member>
tagged(std::string_view key, Member Class::*member) noexcept {
    return {key, member};
}

/// The text of a tag; values as the keys of maps in docs/event_encoding.md, and true or false.
template <class Value>
[[nodiscard]] std::string make_tag(std::string_view key, const Value& value) {
    std::string tag;
    detail::text_room room{};
    std::string_view text;
    if constexpr (std::is_convertible_v<const Value&, std::string_view>) {
        text = value;
    } else if constexpr (std::same_as<Value, bool>) {
        text = value ? "true" : "false";
    } else if constexpr (detail::is_key<Value>) {
        text = detail::key_text(value, room);
    } else {
        static_assert(
            detail::is_key<Value>,
            "everfold: a tag is made from text, a number, an enumeration, a uuid, a time, or "
            "optionals and containers of these"
        );
    }
    tag.reserve(key.size() + 1 + text.size());
    tag.append(key).append(1, ':').append(text);
    return tag;
}

namespace detail {

template <class Value>
void append_tag(std::string_view key, const Value& value, std::vector<std::string>& out) {
    constexpr auto kind = kind_of<Value>;
    if constexpr (kind == wire_kind::optional || kind == wire_kind::patch) {
        if (value.has_value())
            append_tag(key, *value, out);
    } else if constexpr (kind == wire_kind::sequence || kind == wire_kind::set || kind == wire_kind::fixed_sequence) {
        for (const auto& each : value)
            append_tag(key, each, out);
    } else {
        out.push_back(make_tag(key, value));
    }
}

template <class E, class Class, class Member>
void append_ruled(const E& e, const tag_rule<Class, Member>& rule, std::vector<std::string>& out) {
    append_tag(rule.key, e.*rule.member, out);
}

template <class E, class... Rule>
void append_ruled(const E& e, const std::tuple<Rule...>& rules, std::vector<std::string>& out) {
    std::apply([&](const auto&... each) { (append_ruled(e, each, out), ...); }, rules);
}

} // namespace detail

/// Appends the tags of an event in the order of its rules.
template <event E>
void append_tags(const E& e, std::vector<std::string>& out) {
    if constexpr (requires { E::event_tags; })
        detail::append_ruled(e, E::event_tags, out);
}

template <event E>
[[nodiscard]] std::vector<std::string> tags_of(const E& e) {
    std::vector<std::string> tags;
    append_tags(e, tags);
    return tags;
}

} // namespace everfold
