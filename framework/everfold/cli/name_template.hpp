// SPDX-License-Identifier: MIT
#pragma once
// Names of streams and tags out of the data of an event: `user-{user_id}`.

#include <everfold/cli/flat_line.hpp>
#include <everfold/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace everfold::cli {

/// Text with fields in braces: `{user_id}` of the data itself, or `{/address/city}`, a JSON
/// pointer.
/// `{{` and `}}` are braces.
class name_template {
public:
    /// Failure: usage_error where the braces don't match or a field has no name.
    explicit name_template(std::string_view text);

    /// A name that is the same for every event.
    [[nodiscard]] static name_template constant(std::string text);

    /// The name that an event with this data gets. Text stands as it is, a number or truth value as
    /// JSON. Failure: malformed_line where a field is missing or is no such value.
    [[nodiscard]] std::string name_for(const nlohmann::ordered_json& data) const;

    /// Appends the same name for data that was read flat. False where that takes more than texts
    /// and whole numbers, or where it is a failure: name_for() is to be asked then.
    [[nodiscard]] bool append_name_for(const flat_line& line, std::string& to) const;

    /// Whether it stands outside the fields.
    [[nodiscard]] bool contains(char c) const noexcept;

private:
    struct part {
        std::string text{};
        std::string field{}; // as it was written; empty in the last part
        nlohmann::ordered_json::json_pointer at{};
    };

    name_template() = default;

    std::vector<part> parts_{};
};

} // namespace everfold::cli
