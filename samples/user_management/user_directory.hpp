// SPDX-License-Identifier: MIT
#pragma once
// The users as they are: a value, folded from the events.

#include "events.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/event/event.hpp>
#include <everfold/event/event_info.hpp>
#include <everfold/event/patch.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace users {

struct user {
    std::int64_t user_id{};
    /// Absent is null: an update may take a name away.
    std::optional<std::string> name{};
    std::optional<std::string> email{};
    /// When the creating event happened, in milliseconds since 1970.
    std::int64_t created_at{};
    everfold::patch<std::string> phone{};
    /// Fields that updates brought and no member names, each as it was encoded in its event: so no
    /// value is too deep for a snapshot. A "created_at" in here came with an imported update and
    /// hides the member.
    std::map<std::string, everfold::byte_buffer> other{};

    friend bool operator==(const user&, const user&) = default;
};

struct user_directory {
    using events = everfold::events<user_created, user_updated, user_deleted>;
    static constexpr std::uint32_t fold_version = 1;

    std::map<std::int64_t, user> users{};

    /// Replaces a user who is there already. Keeps what the struct names; the event keeps the rest.
    void apply(const user_created& e, const everfold::event_info& info);
    /// Merges every field of the event into a user who is there, and ignores any other.
    void apply(const user_updated& e);
    void apply(const user_deleted& e);

    friend bool operator==(const user_directory&, const user_directory&) = default;
};

/// One stream holds all users; every event in it is tagged `user:ID`.
inline constexpr const char* users_stream = "users";

} // namespace users
