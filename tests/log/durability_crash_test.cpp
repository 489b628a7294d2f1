// SPDX-License-Identifier: MIT
// At whatever level, and whenever the power goes: what is there afterwards is a prefix of what was
// submitted, by whole appends, with all that was said to be durable.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/log_workload.hpp>
#include <support/sanitized.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

struct named_level {
    const char* name;
    durability level;
};

constexpr std::array weaker_levels{
    named_level{"interval", durability::interval(std::chrono::milliseconds{40}, 600)},
    named_level{"os", durability::os()},
    named_level{"unsafe_none", durability::unsafe_none()},
};

std::uint64_t operations_of_whole_run(durability level) {
    const auto disk = std::make_shared<io::simulated_disk>();
    ledger book;
    run_workload(io::simulated_machine(disk), book, level);
    REQUIRE(book.acknowledged == book.batches.size());
    return disk->operation_count();
}

} // namespace

TEST_CASE("at every level, a power cut at any operation leaves a prefix with all that was durable"
) {
    for (const auto& [name, level] : weaker_levels) {
        const auto operations = operations_of_whole_run(level);
        std::uint64_t states = 0;
        std::uint64_t with_loss = 0;
        for (std::uint64_t at = 0; at < operations; at += one_in(7)) {
            ledger book;
            const auto disk = stopped_workload(at, level, book);
            const auto acknowledged = events_in(book, book.acknowledged);
            if (book.durable < acknowledged)
                ++with_loss;
            const auto judge = [&](io::power_cut kind, std::uint64_t seed) {
                CAPTURE(name);
                CAPTURE(at);
                CAPTURE(static_cast<int>(kind));
                CAPTURE(seed);
                const auto machine =
                    io::simulated_machine(disk->after_power_cut(kind, seed), 100 + seed, 2);
                const auto fault = recovery_fault(machine, book, level, book.durable);
                CHECK_MESSAGE(fault.empty(), fault);
                ++states;
            };
            judge(io::power_cut::lose_all, 0);
            judge(io::power_cut::keep_all, 0);
            for (std::uint64_t seed = 0; seed < 6; ++seed) {
                judge(io::power_cut::random, seed);
                judge(io::power_cut::garble, seed);
            }
        }
        CHECK(with_loss > 0); // or this level was not weaker
        std::printf(
            "crash states at level %s: %llu over %llu operations, %llu of them with something "
            "acknowledged and not durable\n",
            name,
            static_cast<unsigned long long>(states),
            static_cast<unsigned long long>(operations),
            static_cast<unsigned long long>(with_loss)
        );
    }
}

TEST_CASE("at level os and interval, a process killed at any operation loses nothing acknowledged"
) {
    for (const auto& [name, level] : weaker_levels) {
        // Nobody promises that at unsafe_none; it must be a prefix all the same.
        const bool is_safe = level.what() != durability::level::unsafe_none;
        const auto operations = operations_of_whole_run(level);
        std::uint64_t beyond_durable = 0;
        for (std::uint64_t at = 0; at < operations; at += one_in(7)) {
            CAPTURE(name);
            CAPTURE(at);
            ledger book;
            const auto disk = stopped_workload(at, level, book);
            const auto acknowledged = events_in(book, book.acknowledged);
            if (acknowledged > book.durable)
                ++beyond_durable;
            const auto fault = recovery_fault(
                io::simulated_machine(disk->after_kill()),
                book,
                level,
                is_safe ? acknowledged : book.durable
            );
            CHECK_MESSAGE(fault.empty(), fault);
        }
        std::printf(
            "killed at level %s: %llu operations, %llu with something not yet durable\n",
            name,
            static_cast<unsigned long long>(operations),
            static_cast<unsigned long long>(beyond_durable)
        );
    }
}

TEST_CASE("at every level, power lost again at any operation of recovery loses nothing durable") {
    for (const auto& [name, level] : weaker_levels) {
        const auto operations = operations_of_whole_run(level);
        std::uint64_t states = 0;
        for (std::uint64_t at = 3; at < operations; at += 11 * one_in(7)) {
            ledger book;
            const auto disk = stopped_workload(at, level, book);
            for (std::uint64_t second = 0;; ++second) {
                CAPTURE(name);
                CAPTURE(at);
                CAPTURE(second);
                const auto once = disk->after_power_cut(io::power_cut::garble, at);
                once->power_off_at(second);
                bool has_fired = false;
                auto promised = static_cast<std::size_t>(book.durable);
                try {
                    auto options = small_log(log::access::create, tiny_segment);
                    options.level = second % 2 == 0 ? level : durability::commit();
                    const auto log =
                        log::event_log::open(io::simulated_machine(once, 7, 2), "/log", options);
                    promised = read_all(*log).size(); // what was seen after recovery stays
                    log->close();
                } catch (const io::simulated_disk::powered_off&) {
                    has_fired = true;
                }
                const auto twice = once->after_power_cut(io::power_cut::garble, second);
                const auto fault =
                    recovery_fault(io::simulated_machine(twice, 8, 3), book, level, promised);
                CHECK_MESSAGE(fault.empty(), fault);
                ++states;
                if (!has_fired)
                    break;
            }
        }
        std::printf(
            "double crash states at level %s: %llu\n", name, static_cast<unsigned long long>(states)
        );
    }
}

TEST_CASE("at every level, whatever operation fails, what was durable is there after reopening") {
    for (const auto& [name, level] : weaker_levels) {
        for (const int failure : {EIO, ENOSPC}) {
            for (std::uint64_t at = 0;; at += one_in(7)) {
                CAPTURE(name);
                CAPTURE(failure);
                CAPTURE(at);
                const auto disk = std::make_shared<io::simulated_disk>();
                disk->fail_at(at, failure);
                ledger book;
                bool has_failed = false;
                try {
                    run_workload(io::simulated_machine(disk), book, level);
                } catch (const error&) {
                    has_failed = true;
                }
                const auto reached_end = disk->operation_count() <= at;
                const auto killed = recovery_fault(
                    io::simulated_machine(disk->after_kill()), book, level, book.durable
                );
                CHECK_MESSAGE(killed.empty(), killed);
                const auto cut = recovery_fault(
                    io::simulated_machine(disk->after_power_cut(io::power_cut::lose_all, 0), 9, 2),
                    book,
                    level,
                    book.durable
                );
                CHECK_MESSAGE(cut.empty(), cut);
                if (reached_end) {
                    CHECK(!has_failed);
                    break;
                }
            }
        }
    }
}
