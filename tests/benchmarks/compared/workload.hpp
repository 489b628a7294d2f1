// SPDX-License-Identifier: MIT
#pragma once
// The work that all do: ten events for each of many users, shuffled, and what they add up to. The
// same events, in the same order, as samples/user_management/data/generate.py --unsorted writes
// with its seed 1.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace everfold::benchmarks {

enum class kind : std::uint8_t { created = 1, updated = 2, deleted = 3 };

[[nodiscard]] std::string_view name_of(kind k) noexcept;

/// Bits of user_event::fields.
enum field : std::uint8_t { has_name = 1, has_email = 2, has_phone = 4, email_is_null = 8 };

/// The texts belong to the workload, or to what it was unpacked from.
struct user_event {
    std::uint64_t at_ms{};
    std::uint32_t user{}; ///< from 1
    kind what{};
    std::uint8_t fields{};
    std::uint8_t nth{}; ///< of its user, from 0
    std::string_view name{};
    std::string_view email{};
    std::string_view phone{};
};

class workload {
public:
    static constexpr std::uint32_t events_of_a_user = 10;

    /// `events` is a multiple of ten.
    explicit workload(std::uint64_t events);

    [[nodiscard]] std::span<const user_event> events() const noexcept { return events_; }
    [[nodiscard]] std::uint32_t users() const noexcept { return users_; }

private:
    std::uint32_t users_;
    std::vector<user_event> events_{};
    std::string texts_{};
};

// ---- the payload of the limits and the peers: the least that can be told apart again

inline constexpr std::size_t packed_header_size = 17;
inline constexpr std::size_t packed_size_max = packed_header_size + 3 * 255;

/// Returns the size.
std::size_t pack(const user_event& e, char* to) noexcept;
[[nodiscard]] user_event unpack(const char* from) noexcept;

// ---- the state

/// What a program would hold of a user.
struct user_strings {
    std::string name{};
    std::string email{};
    std::string phone{};
    std::uint8_t fields{};

    /// Not of a deletion.
    void apply(const user_event& e);
};

/// The same for every order in which users are added.
class state_digest {
public:
    void
    add(std::uint32_t user,
        std::uint8_t fields,
        std::string_view name,
        std::string_view email,
        std::string_view phone);

    void add(std::uint32_t user, const user_strings& u) {
        add(user, u.fields, u.name, u.email, u.phone);
    }

    /// "count:sum".
    [[nodiscard]] std::string text() const;

private:
    std::uint64_t sum_{};
    std::uint64_t count_{};
    std::string buffer_{};
};

/// The state that a program keeps that knows no better: a standard map of standard strings.
class user_map {
public:
    void apply(const user_event& e) {
        if (e.what == kind::deleted)
            users_.erase(e.user);
        else
            users_[e.user].apply(e);
    }

    [[nodiscard]] std::unordered_map<std::uint32_t, user_strings>& users() noexcept {
        return users_;
    }

    [[nodiscard]] std::string digest() const;

private:
    std::unordered_map<std::uint32_t, user_strings> users_{};
};

[[nodiscard]] std::string digest_of(std::span<const user_event> events);

} // namespace everfold::benchmarks
