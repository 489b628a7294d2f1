// SPDX-License-Identifier: MIT
#pragma once
// The workload as a program of Everfold's has it: typed events, a state of one user, and a state of
// all.

#include "workload.hpp"

#include <everfold/everfold.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace everfold::benchmarks {

struct user_created {
    static constexpr std::string_view event_type = "user_created";
    std::int64_t user_id{};
    std::string name{};
    std::optional<std::string> email{};
};

struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    std::int64_t user_id{};
    patch<std::string> name{};
    patch<std::string> email{};
    patch<std::string> phone{};
};

struct user_deleted {
    static constexpr std::string_view event_type = "user_deleted";
    std::int64_t user_id{};
};

using user_events = everfold::events<user_created, user_updated, user_deleted>;

/// What is known of one user, by typed events.
struct user {
    using events = user_events;
    std::int64_t user_id{};
    std::string name{};
    std::string email{};
    std::string phone{};
    std::uint32_t fields{};

    void apply(const user_created& e) {
        user_id = e.user_id;
        name = e.name;
        fields = has_name | has_email;
        if (e.email)
            email = *e.email;
        else
            fields |= email_is_null;
    }

    void apply(const user_updated& e) {
        if (e.name.has_value()) {
            name = *e.name;
            fields |= has_name;
        }
        if (e.email.has_value()) {
            email = *e.email;
            fields = (fields & ~std::uint32_t{email_is_null}) | has_email;
        } else if (e.email.is_null()) {
            email.clear();
            fields |= has_email | email_is_null;
        }
        if (e.phone.has_value()) {
            phone = *e.phone;
            fields |= has_phone;
        }
    }

    void apply(const user_deleted&) { fields = 0; }

    void add_to(state_digest& digest) const {
        if (fields != 0)
            digest.add(
                static_cast<std::uint32_t>(user_id),
                static_cast<std::uint8_t>(fields),
                name,
                email,
                phone
            );
    }
};

/// All users, in a map that the program has chosen.
struct user_book {
    using events = user_events;
    std::unordered_map<std::int64_t, user> users{};

    void apply(const user_created& e) { users[e.user_id].apply(e); }
    void apply(const user_updated& e) { users[e.user_id].apply(e); }
    void apply(const user_deleted& e) { users.erase(e.user_id); }
};

[[nodiscard]] inline std::string digest_of(const user_book& book) {
    state_digest out;
    for (const auto& [id, u] : book.users)
        u.add_to(out);
    return out.text();
}

struct one_user : aggregate<user> {};
struct all_users : aggregate<user_book> {};

/// "user-7".
[[nodiscard]] std::string stream_of(std::uint32_t user);

[[nodiscard]] new_event typed(const user_event& e);

enum class shape : std::uint8_t {
    a_stream_each, ///< one for each user
    one_stream,    ///< "users"
};

/// Batches in which each stream is once, as an append wants it. Made before the time is taken: how
/// a program comes by its streams is its own affair.
class append_plan {
public:
    append_plan(std::span<const user_event> events, std::size_t batch, shape how);

    /// Makes typed events of them, and appends.
    void run(store& to) const;

private:
    struct place {
        const user_event* event{};
        std::uint32_t slot{};
    };
    struct batch {
        std::size_t first{};
        std::size_t end{};
        std::uint32_t slots{};
    };
    shape how_;
    std::vector<place> places_{};
    std::vector<batch> batches_{};
};

/// A closed log with all of the workload, in appends of so many; made where it is not there yet.
[[nodiscard]] std::string log_of(
    const workload& w,
    const std::string& data,
    shape how = shape::a_stream_each,
    std::size_t batch = 1000
);

/// The state that the events from `first` on lead to.
[[nodiscard]] std::string digest_of(store& from, position first = {});

} // namespace everfold::benchmarks
