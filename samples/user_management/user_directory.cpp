// SPDX-License-Identifier: MIT
#include "user_directory.hpp"

namespace users {

void user_directory::apply(const user_created& e, const everfold::event_info& info) {
    users[e.user_id] = user{
        .user_id = e.user_id,
        .name = e.name,
        .email = e.email,
        .created_at = info.occurred_at.to_milliseconds(),
    };
}

void user_directory::apply(const user_updated& e) {
    const auto found = users.find(e.user_id);
    if (found == users.end())
        return;
    auto& u = found->second;
    e.name.apply_to(u.name);
    e.email.apply_to(u.email);
    if (!e.phone.is_absent())
        u.phone = e.phone;
    for (const auto& field : e.unknown)
        u.other.insert_or_assign(field.name, field.value);
}

void user_directory::apply(const user_deleted& e) {
    users.erase(e.user_id);
}

} // namespace users
