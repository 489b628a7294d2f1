// SPDX-License-Identifier: MIT
// No two accounts have one address. Each account is a stream of its own, so no stream's revision
// guards an address; what guards it is a query, "no event about this address has come since I
// looked".
//
//   unique_email [LOG]
//
// LOG is a directory for the log, new or empty; without it the log is in memory. First a short
// story, and then a race: eight threads want the same hundred addresses, each thread all of them.
//
//   accounts.hpp  the events and their tags, and the decisions by name
//   accounts.cpp  what a decision has to know, folded from a query, and how it is taken

#include "accounts.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/store/open.hpp>

#include <atomic>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace accounts;

constexpr int racers = 8;
constexpr int addresses = 100;

template <class Act>
void attempt(const std::string& what, const Act& act) {
    std::cout << what << ": ";
    try {
        act();
        std::cout << "done\n";
    } catch (const refused& e) {
        std::cout << "refused, " << e.what() << '\n';
    }
}

void tell(everfold::store& store) {
    attempt("open 1 ada@example.com", [&] { open_account(store, 1, "ada@example.com"); });
    attempt("open 2 Ada@Example.com", [&] { open_account(store, 2, "Ada@Example.com"); });
    attempt("open 2 bob@example.com", [&] { open_account(store, 2, "bob@example.com"); });
    attempt("change 2 ada@example.com", [&] { change_email(store, 2, "ada@example.com"); });
    attempt("change 1 countess@example.com", [&] {
        change_email(store, 1, "countess@example.com");
    });
    attempt("change 2 ada@example.com", [&] { change_email(store, 2, "ada@example.com"); });
    attempt("close 2", [&] { close_account(store, 2); });
    attempt("open 3 ada@example.com", [&] { open_account(store, 3, "ada@example.com"); });
}

void race(everfold::store& store) {
    std::atomic<int> opened{0};
    std::atomic<int> taken{0};
    std::exception_ptr failure;
    std::atomic_flag has_failed;
    {
        std::vector<std::jthread> threads;
        for (int me = 0; me < racers; ++me)
            threads.emplace_back([&, me] {
                try {
                    for (int i = 0; i < addresses; ++i) {
                        const auto account = 1000 + i * racers + me;
                        const auto email = "racer-" + std::to_string(i) + "@example.com";
                        try {
                            open_account(store, account, email);
                            ++opened;
                        } catch (const email_taken&) {
                            ++taken;
                        }
                    }
                } catch (...) {
                    if (!has_failed.test_and_set())
                        failure = std::current_exception();
                }
            });
    }
    if (failure)
        std::rethrow_exception(failure);
    std::cout << racers << " threads, " << addresses << " addresses: " << opened << " opened, "
              << taken << " refused\n";
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 2 || (argc == 2 && (argv[1][0] == '-' || argv[1][0] == '\0'))) {
        std::cerr << "usage: unique_email [LOG]\n";
        return 2;
    }
    try {
        auto store = everfold::open(argc == 2 ? argv[1] : "memory:");
        if (store.end() != everfold::position{})
            throw refused{
                "'" + everfold::printable(argv[1]) + "' holds events already; give it a new one"};
        tell(store);
        race(store);
        store.close();
        std::cout.flush();
        return std::cout ? 0 : 6;
    } catch (const std::exception& e) {
        std::cout.flush();
        std::cerr << "unique_email: " << e.what() << '\n';
        return 1;
    }
}
