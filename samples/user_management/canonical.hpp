// SPDX-License-Identifier: MIT
#pragma once
// The canonical form of users and the digest of a state. Other programs compute the same digest, so
// nothing here may ever differ.

#include "user_directory.hpp"

#include <everfold/aggregate/diff.hpp>
#include <everfold/base/bytes.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace users {

using everfold::cli::append_json;
using everfold::cli::is_int64;
using everfold::cli::json_style;
using everfold::cli::reading_style;
using everfold::cli::tutorial_style;

/// Keys are sorted, too, which nlohmann::json does.
inline constexpr json_style canonical_style = everfold::cli::compact_style;

[[nodiscard]] std::string canonical_json(const nlohmann::json& value);

/// The user as an object: user_id, name, email, created_at, phone unless absent, and the others.
[[nodiscard]] nlohmann::json object_of(const user& u);

/// One line without its end.
[[nodiscard]] std::string canonical_json(const user& u);

/// SHA-256 of bytes that come piece by piece.
class sha256 {
public:
    sha256();
    void update(std::string_view text);
    /// The digest in hexadecimal; nothing can be added after it.
    [[nodiscard]] std::string finish();

private:
    /// libsodium's state, kept out of this header.
    alignas(8) std::byte state_[128];
};

/// SHA-256 of one canonical line a user, ordered by user_id, each with its line end.
[[nodiscard]] std::string state_digest(const user_directory& state);

/// The same of a user of a state; an empty object where there is no such user.
[[nodiscard]] nlohmann::json object_of(const user_directory& state, std::int64_t id);

/// What leads from one state to the other. The paths are those of an object with the users' objects
/// by id: "/123/email".
[[nodiscard]] std::vector<everfold::state_change>
changes_between(const user_directory& before, const user_directory& after);

} // namespace users
