// SPDX-License-Identifier: MIT
#include "user_management.hpp"

#include "tutorial_format.hpp"

#include <utility>

namespace users {

void user_management::create_user(
    std::int64_t id, std::string name, std::optional<std::string> email
) {
    if (state().users.contains(id))
        throw user_exists{id};
    record(user_created{.user_id = id, .name = std::move(name), .email = std::move(email)});
}

void user_management::update_user(const user_updated& changes) {
    require_user(changes.user_id);
    record(changes);
}

void user_management::delete_user(std::int64_t id) {
    require_user(id);
    record(user_deleted{.user_id = id});
}

void user_management::require_user(std::int64_t id) const {
    if (!state().users.contains(id))
        throw no_such_user{id};
}

user_repository repository_of(everfold::store store) {
    return user_repository{std::move(store), {.unknown = everfold::unknown_events::skip}};
}

user_updated update_of(std::int64_t id, const nlohmann::ordered_json& fields) {
    for (const auto* field : {"user_id", "created_at"})
        if (fields.contains(field))
            throw refused{std::string{field} + " can't be changed"};
    nlohmann::ordered_json data = nlohmann::ordered_json::object();
    data["user_id"] = id;
    for (const auto& [field, value] : fields.items())
        data[field] = value;
    if (const auto wrong = misfit(user_updated::event_type, data); !wrong.empty())
        throw refused{wrong};
    return everfold::value_from_json<user_updated>(data);
}

} // namespace users
