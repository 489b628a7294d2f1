// SPDX-License-Identifier: MIT
#pragma once
// What happens to users. The names of types and fields are those on disk, for ever.

#include <everfold/event/event.hpp>
#include <everfold/event/patch.hpp>
#include <everfold/event/unknown_fields.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace users {

struct user_created {
    static constexpr std::string_view event_type = "user_created";
    std::int64_t user_id{};
    std::string name{};
    std::optional<std::string> email{};
    everfold::unknown_fields unknown{};
    static constexpr auto event_tags = everfold::tagged("user", &user_created::user_id);
};

/// What is absent stays as it is; null is a value.
struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    std::int64_t user_id{};
    everfold::patch<std::string> name{};
    everfold::patch<std::string> email{};
    everfold::patch<std::string> phone{};
    everfold::unknown_fields unknown{};
    static constexpr auto event_tags = everfold::tagged("user", &user_updated::user_id);
};

struct user_deleted {
    static constexpr std::string_view event_type = "user_deleted";
    std::int64_t user_id{};
    everfold::unknown_fields unknown{};
    static constexpr auto event_tags = everfold::tagged("user", &user_deleted::user_id);
};

} // namespace users
