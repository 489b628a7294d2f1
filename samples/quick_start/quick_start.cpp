// SPDX-License-Identifier: MIT
#include <everfold/everfold.hpp>

#include <iostream>

struct deposited {
    static constexpr std::string_view event_type = "deposited"; // its name on disk, for ever
    std::int64_t amount{};
};

struct balance {
    using events = everfold::events<deposited>;
    std::int64_t amount{};
    void apply(const deposited& e) { amount += e.amount; }
};

struct account : everfold::aggregate<balance> {
    void deposit(std::int64_t amount) { record(deposited{.amount = amount}); }
};

int main() {
    auto store = everfold::open("memory:"); // or a directory, which then holds the log
    auto accounts = everfold::repository<account>{store};
    accounts.update("account-ada", [](account& a) { a.deposit(100); });
    accounts.update("account-ada", [](account& a) { a.deposit(50); });
    const auto now = accounts.load("account-ada");
    const auto before = accounts.load("account-ada", everfold::as_of{everfold::position{0}});
    std::cout << "now " << now.state().amount << ", before " << before.state().amount << '\n';
    for (const auto& e : store.read(everfold::query{}.stream("account-ada")))
        std::cout << e.occurred_at << ' ' << e.type << ' ' << e.to_json() << '\n';
}
