// SPDX-License-Identifier: MIT
#include "accounts.hpp"

#include <everfold/aggregate/boundary.hpp>

#include <algorithm>
#include <utility>

namespace accounts {

namespace {

/// What a decision about one address and one account has to know, and nothing else.
struct claim {
    using events = everfold::events<account_opened, email_changed, account_closed>;

    // What it is about: set before any event.
    std::string email{};
    std::optional<std::int64_t> account{};

    std::optional<std::int64_t> owner{};  // of the address
    std::optional<std::string> current{}; // address of the account, while it is open
    bool was_opened{};

    void apply(const account_opened& e) {
        take(e.account, e.email);
        was_opened = was_opened || e.account == account;
    }

    void apply(const email_changed& e) {
        free(e.from);
        take(e.account, e.to);
    }

    void apply(const account_closed& e) {
        free(e.email);
        if (e.account == account)
            current.reset();
    }

private:
    void take(std::int64_t by, const std::string& address) {
        if (address == email)
            owner = by;
        if (by == account)
            current = address;
    }

    void free(const std::string& address) {
        if (address == email)
            owner.reset();
    }
};

using decision = everfold::decision<claim>;

std::string stream_of(std::int64_t account) {
    return "account-" + std::to_string(account);
}

std::string normal_form(std::string_view email) {
    const auto at = email.find('@');
    if (at == 0 || at == std::string_view::npos || at + 1 == email.size())
        throw refused{"'" + std::string{email} + "' is not an address"};
    std::string out{email};
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

everfold::query of_account(std::int64_t account) {
    return everfold::query{}.tag("account", account);
}

everfold::query of_email(const std::string& email) {
    return everfold::query{}.tag("email", email);
}

// The boundary is two queries at once: an event about the account or about the address that comes
// in between makes the decision be taken again.
template <class Decide>
void decide(everfold::store& store, std::int64_t account, const std::string& email, Decide&& act) {
    everfold::decide_over(
        store,
        of_account(account) | of_email(email),
        claim{.email = email, .account = account},
        std::forward<Decide>(act)
    );
}

const std::string& require_open(const decision& now) {
    if (!now.state().current)
        throw refused{"there is no account " + std::to_string(*now.state().account)};
    return *now.state().current;
}

} // namespace

void open_account(everfold::store& store, std::int64_t account, std::string_view email) {
    const auto address = normal_form(email);
    decide(store, account, address, [&](decision& now) {
        if (now.state().was_opened)
            throw refused{"account " + std::to_string(account) + " was opened before"};
        if (now.state().owner)
            throw email_taken{address};
        now.record(stream_of(account), account_opened{account, address});
    });
}

void change_email(everfold::store& store, std::int64_t account, std::string_view email) {
    const auto address = normal_form(email);
    decide(store, account, address, [&](decision& now) {
        const auto& before = require_open(now);
        if (now.state().owner == account)
            return; // has it already
        if (now.state().owner)
            throw email_taken{address};
        now.record(stream_of(account), email_changed{account, before, address});
    });
}

void close_account(everfold::store& store, std::int64_t account) {
    everfold::decide_over(store, of_account(account), claim{.account = account}, [&](auto& now) {
        now.record(stream_of(account), account_closed{account, require_open(now)});
    });
}

std::optional<std::int64_t> owner_of(everfold::store& store, std::string_view email) {
    const auto address = normal_form(email);
    return everfold::boundary<claim>{store, of_email(address), {.email = address}}.state().owner;
}

} // namespace accounts
