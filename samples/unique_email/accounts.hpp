// SPDX-License-Identifier: MIT
#pragma once
// Accounts and their addresses: what happens to them, and the three decisions.

#include <everfold/event/event.hpp>
#include <everfold/store/store.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>

namespace accounts {

// Every event is tagged with the account and with each address that it takes or frees. That is what
// a decision looks for, whatever stream the event is in.

struct account_opened {
    static constexpr std::string_view event_type = "account_opened";
    std::int64_t account{};
    std::string email{};
    static constexpr auto event_tags = std::tuple{
        everfold::tagged("account", &account_opened::account),
        everfold::tagged("email", &account_opened::email)};
};

struct email_changed {
    static constexpr std::string_view event_type = "email_changed";
    std::int64_t account{};
    std::string from{};
    std::string to{};
    static constexpr auto event_tags = std::tuple{
        everfold::tagged("account", &email_changed::account),
        everfold::tagged("email", &email_changed::from),
        everfold::tagged("email", &email_changed::to)};
};

struct account_closed {
    static constexpr std::string_view event_type = "account_closed";
    std::int64_t account{};
    std::string email{};
    static constexpr auto event_tags = std::tuple{
        everfold::tagged("account", &account_closed::account),
        everfold::tagged("email", &account_closed::email)};
};

/// A decision that was not taken; what() is one sentence for the person who asked.
class refused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class email_taken : public refused {
public:
    explicit email_taken(const std::string& email)
        : refused{"'" + email + "' belongs to another account"} {}
};

/// Opens an account whose address nobody has. Addresses are compared in lower case.
/// Failure: refused where there is or was such an account or the address is none; email_taken.
void open_account(everfold::store& store, std::int64_t account, std::string_view email);

/// Gives the account another address, and frees the one it had.
/// Failure: refused where there is no such account or the address is none; email_taken.
void change_email(everfold::store& store, std::int64_t account, std::string_view email);

/// Closes the account for good and frees its address.
/// Failure: refused where there is no such account.
void close_account(everfold::store& store, std::int64_t account);

/// The account that has the address now.
[[nodiscard]] std::optional<std::int64_t> owner_of(everfold::store& store, std::string_view email);

} // namespace accounts
