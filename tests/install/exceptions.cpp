// SPDX-License-Identifier: MIT
// An installed library's exceptions are caught by their types, and a program's own pass through it.
// Its argument is an empty folder. It prints a line for each exception that was caught as what it
// is.
#include <everfold/everfold.hpp>

#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <type_traits>

namespace {

struct counted {
    static constexpr std::string_view event_type = "counted";
    std::int64_t by{};
};

struct renamed {
    static constexpr std::string_view event_type = "renamed";
    std::string to{};
};

struct unlucky {};

struct refused {
    int why{};
};

struct total {
    using events = everfold::events<counted>;
    std::int64_t sum{};

    void apply(const counted& e) {
        if (e.by == 13)
            throw unlucky{};
        sum += e.by;
    }
};

struct counter : everfold::aggregate<total> {
    void count(std::int64_t by) {
        if (by < 0)
            throw refused{7};
        record(counted{by});
    }
};

/// Prints `name` where `throwing` throws exactly an `E`, or what came instead.
template <class E, class F>
void caught_as(const char* name, F throwing) {
    try {
        throwing();
        std::cout << "nothing instead of " << name << '\n';
    } catch (const E& e) {
        static_cast<void>(E{e}); // may be copied, which takes the library's virtual functions
        if constexpr (std::is_polymorphic_v<E>) {
            const std::exception& root = e;
            std::cout << name << (dynamic_cast<const E*>(&root) == &e ? "" : ", cast wrongly");
        } else {
            std::cout << name;
        }
        std::cout << '\n';
    } catch (const std::exception& e) {
        std::cout << "not as " << name << ": " << e.what() << '\n';
    }
}

/// What an everfold::error carries within: thrown again, and caught as what it was.
template <class Outer, class F>
void throw_original_of(F throwing) {
    try {
        throwing();
    } catch (const Outer& e) {
        std::rethrow_exception(e.original());
    }
}

void catch_the_librarys(const std::string& folder) {
    auto store = everfold::open("memory:");
    static_cast<void>(store.append("s", counted{1}));

    caught_as<everfold::io_error>("io_error", [&] {
        static_cast<void>(everfold::open(folder + "/missing/log"));
    });
    caught_as<everfold::error>("error", [&] {
        static_cast<void>(everfold::open(folder, {.mode = everfold::open_mode::existing}));
    });
    caught_as<everfold::encoding_error>("encoding_error", [] {
        static_cast<void>(everfold::json_text_from_cbor({}));
    });
    caught_as<everfold::schema_error>("schema_error", [&] {
        for (const auto& e : store.read())
            static_cast<void>(e.as<renamed>());
    });
    caught_as<everfold::conflict>("conflict", [&] {
        const auto none = everfold::expected_revision::no_stream();
        static_cast<void>(store.append("s", none, counted{1}).value());
    });
    caught_as<everfold::corruption>("corruption", [&] {
        const auto log = folder + "/log";
        everfold::open(log).close();
        std::ofstream{log + "/LOG"} << "This is a diary.\n";
        static_cast<void>(everfold::open(log));
    });
    caught_as<everfold::writer_failed>("writer_failed, thrown by the program", [] {
        throw everfold::writer_failed{std::make_exception_ptr(unlucky{}), "unlucky"};
    });
}

void catch_the_programs() {
    auto store = everfold::open("memory:");
    auto counters = everfold::repository<counter>{store};

    caught_as<refused>("a decision's own", [&] {
        counters.update("c", [](counter& c) { c.count(-1); });
    });
    const auto apply_badly = [&] {
        static_cast<void>(store.append("c", counted{13}));
        static_cast<void>(counters.load("c"));
    };
    caught_as<everfold::replay_error>("replay_error", apply_badly);
    caught_as<unlucky>("what apply() threw, within it", [&] {
        throw_original_of<everfold::replay_error>(apply_badly);
    });
    caught_as<refused>("a slot's own", [&] {
        everfold::live live{store};
        live.on<counted>([](const counted&) { throw refused{1}; });
        const auto at = store.append("c", counted{2})->last;
        static_cast<void>(live.wait_for(at, std::chrono::seconds{30}));
        live.close();
    });
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2)
        return 2;
    catch_the_librarys(argv[1]);
    catch_the_programs();
}
