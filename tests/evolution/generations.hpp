// SPDX-License-Identifier: MIT
#pragma once
// Three generations of the events of samples/user_management: what is in tests/golden/evolution.

#include <everfold/event/event.hpp>
#include <everfold/json.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace first {

struct user_created {
    static constexpr std::string_view event_type = "user_created";
    std::int64_t user_id{};
    std::string name{};
    std::optional<std::string> email{};
};

struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    std::int64_t user_id{};
    everfold::patch<std::string> email{};
    everfold::patch<std::string> phone{};
    everfold::unknown_fields unknown{};
};

struct user_deleted {
    static constexpr std::string_view event_type = "user_deleted";
    std::int64_t user_id{};
};

struct user_noted {
    static constexpr std::string_view event_type = "user_noted";
    static constexpr bool newer_is_additive = true;
    std::int64_t user_id{};
    std::string text{};
    everfold::unknown_fields unknown{};
};

struct user_imported {
    static constexpr std::string_view event_type = "user_imported";
    std::int64_t user_id{};
    std::string name{};
    std::string phone{};
};

} // namespace first

namespace second {

/// The name has become two.
struct user_created {
    static constexpr std::string_view event_type = "user_created";
    static constexpr std::uint32_t event_version = 2;
    using previous = first::user_created;
    std::int64_t user_id{};
    std::string given{};
    std::string family{};
    std::optional<std::string> email{};

    static user_created from(const previous& old) {
        const auto space = old.name.find(' ');
        return {
            .user_id = old.user_id,
            .given = old.name.substr(0, space),
            .family = space == std::string::npos ? "" : old.name.substr(space + 1),
            .email = old.email};
    }
};

/// A field more, which is no new version.
struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    std::int64_t user_id{};
    everfold::patch<std::string> email{};
    everfold::patch<std::string> phone{};
    everfold::patch<std::string> language{};
};

/// Renamed on disk.
struct user_removed {
    static constexpr std::string_view event_type = "user_removed";
    static constexpr std::array<std::string_view, 1> former_names{"user_deleted"};
    std::int64_t user_id{};
};

} // namespace second

namespace third {

/// Addresses have become many; and an import is a creation and a telephone.
struct user_created {
    static constexpr std::string_view event_type = "user_created";
    static constexpr std::uint32_t event_version = 3;
    using previous = second::user_created;
    using parts_of = everfold::events<first::user_imported>;
    std::int64_t user_id{};
    std::string given{};
    std::string family{};
    std::vector<std::string> emails{};

    static user_created from(const previous& old) {
        user_created out{.user_id = old.user_id, .given = old.given, .family = old.family};
        if (old.email)
            out.emails.push_back(*old.email);
        return out;
    }

    static user_created from(const first::user_imported& old) {
        return {.user_id = old.user_id, .given = old.name};
    }
};

struct telephone_set {
    static constexpr std::string_view event_type = "telephone_set";
    using parts_of = everfold::events<first::user_imported>;
    std::int64_t user_id{};
    std::string number{};

    /// Without a number nothing was set.
    static std::optional<telephone_set> from(const first::user_imported& old) {
        if (old.phone.empty())
            return std::nullopt;
        return telephone_set{.user_id = old.user_id, .number = old.phone};
    }
};

/// `phone` is now `telephone`.
struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    static constexpr std::uint32_t event_version = 2;
    std::int64_t user_id{};
    everfold::patch<std::string> email{};
    everfold::patch<std::string> telephone{};
    everfold::patch<std::string> language{};

    static void upcast(nlohmann::ordered_json& fields, std::uint32_t from_version) {
        if (from_version == 1 && fields.contains("phone")) {
            fields["telephone"] = fields["phone"];
            fields.erase("phone");
        }
    }
};

using second::user_removed;

struct user_noted {
    static constexpr std::string_view event_type = "user_noted";
    static constexpr std::uint32_t event_version = 2;
    std::int64_t user_id{};
    std::string text{};
    std::string author{};

    static void upcast(nlohmann::ordered_json& fields, std::uint32_t) { fields["author"] = "-"; }
};

struct user_suspended {
    static constexpr std::string_view event_type = "user_suspended";
    std::int64_t user_id{};
};

} // namespace third

namespace first {

struct users {
    using events =
        everfold::events<user_created, user_updated, user_deleted, user_noted, user_imported>;
    std::vector<std::string> said{};

    void apply(const user_created& e) { said.push_back("created " + e.name); }
    void apply(const user_updated& e) {
        said.emplace_back("updated");
        for (const auto& field : e.unknown)
            said.back() += " unknown " + field.name;
    }
    void apply(const user_deleted&) { said.emplace_back("deleted"); }
    void apply(const user_noted& e) {
        said.push_back("noted " + e.text);
        for (const auto& field : e.unknown)
            said.back() += " unknown " + field.name;
    }
    void apply(const user_imported& e) { said.push_back("imported " + e.name); }
};

} // namespace first

namespace third {

struct users {
    using events = everfold::
        events<user_created, telephone_set, user_updated, user_removed, user_noted, user_suspended>;
    std::vector<std::string> said{};

    void apply(const user_created& e) {
        said.push_back("created " + e.given + '|' + e.family);
        for (const auto& email : e.emails)
            said.back() += ' ' + email;
    }
    void apply(const telephone_set& e) { said.push_back("telephone " + e.number); }
    void apply(const user_updated& e) {
        std::optional<std::string> telephone{"?"};
        e.telephone.apply_to(telephone);
        said.push_back("updated " + telephone.value_or("none"));
    }
    void apply(const user_removed&) { said.emplace_back("removed"); }
    void apply(const user_noted& e) { said.push_back("noted " + e.text + " by " + e.author); }
    void apply(const user_suspended&) { said.emplace_back("suspended"); }
};

} // namespace third
