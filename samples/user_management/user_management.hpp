// SPDX-License-Identifier: MIT
#pragma once
// The decisions: what may be done to users, and the events that doing it records.

#include "user_directory.hpp"

#include <everfold/aggregate/aggregate.hpp>
#include <everfold/aggregate/repository.hpp>
#include <everfold/json.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace users {

/// A decision that was not taken; what() is one sentence for the person who asked.
class refused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class user_exists : public refused {
public:
    explicit user_exists(std::int64_t id)
        : refused{"user " + std::to_string(id) + " exists already"} {}
};

class no_such_user : public refused {
public:
    explicit no_such_user(std::int64_t id)
        : refused{"there is no user " + std::to_string(id)} {}
};

class user_management : public everfold::aggregate<user_directory> {
public:
    /// Failure: user_exists.
    void create_user(std::int64_t id, std::string name, std::optional<std::string> email = {});
    /// Failure: no_such_user.
    void update_user(const user_updated& changes);
    /// Failure: no_such_user.
    void delete_user(std::int64_t id);

private:
    void require_user(std::int64_t id) const;
};

using user_repository = everfold::repository<user_management>;

/// One for the stream of users, which skips event types it does not know: an imported log may
/// hold others, and they change no user.
[[nodiscard]] user_repository repository_of(everfold::store store);

/// The update of `id` that sets the members of `fields`, an object.
/// Failure: refused where a field may not be set or its value does not fit.
[[nodiscard]] user_updated update_of(std::int64_t id, const nlohmann::ordered_json& fields);

} // namespace users
