// SPDX-License-Identifier: MIT
// Whatever the moment at which the power goes, what was acknowledged is there afterwards, and what
// is there is a prefix of what was submitted.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/log_workload.hpp>
#include <support/sanitized.hpp>

#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

std::string recover_and_judge(const io::machine& machine, const ledger& book) {
    return recovery_fault(machine, book, durability::commit(), events_in(book, book.acknowledged));
}

std::uint64_t operations_of_whole_run() {
    const auto disk = std::make_shared<io::simulated_disk>();
    ledger book;
    run_workload(io::simulated_machine(disk), book);
    REQUIRE(book.acknowledged == book.batches.size());
    REQUIRE(fault_in({}, ledger{{{"a"}}, 1}) != ""); // the judge can say no
    return disk->operation_count();
}

} // namespace

TEST_CASE("power lost at any operation loses nothing that was acknowledged") {
    const auto operations = operations_of_whole_run();
    std::uint64_t states = 0;
    for (std::uint64_t at = 0; at < operations; at += one_in(7)) {
        const auto disk = std::make_shared<io::simulated_disk>();
        disk->power_off_at(at);
        ledger book;
        try {
            run_workload(io::simulated_machine(disk), book);
        } catch (const io::simulated_disk::powered_off&) {
        }
        const auto judge = [&](io::power_cut kind, std::uint64_t seed) {
            CAPTURE(at);
            CAPTURE(static_cast<int>(kind));
            CAPTURE(seed);
            const auto machine =
                io::simulated_machine(disk->after_power_cut(kind, seed), 100 + seed, 2);
            const auto fault = recover_and_judge(machine, book);
            CHECK_MESSAGE(fault.empty(), fault);
            ++states;
        };
        judge(io::power_cut::lose_all, 0);
        judge(io::power_cut::keep_all, 0);
        for (std::uint64_t seed = 0; seed < 12; ++seed) {
            judge(io::power_cut::random, seed);
            judge(io::power_cut::garble, seed);
        }
    }
    std::printf(
        "crash states: %llu over %llu operations, 0 acknowledged events lost\n",
        static_cast<unsigned long long>(states),
        static_cast<unsigned long long>(operations)
    );
}

TEST_CASE("a process killed at any operation loses nothing that was acknowledged") {
    const auto operations = operations_of_whole_run();
    for (std::uint64_t at = 0; at < operations; at += one_in(7)) {
        CAPTURE(at);
        const auto disk = std::make_shared<io::simulated_disk>();
        disk->power_off_at(at);
        ledger book;
        try {
            run_workload(io::simulated_machine(disk), book);
        } catch (const io::simulated_disk::powered_off&) {
        }
        const auto fault = recover_and_judge(io::simulated_machine(disk->after_kill()), book);
        CHECK_MESSAGE(fault.empty(), fault);
    }
}

TEST_CASE("power lost again at any operation of recovery loses nothing") {
    const auto operations = operations_of_whole_run();
    std::uint64_t states = 0;
    for (std::uint64_t at = 0; at < operations; at += 5 * one_in(7)) {
        const auto disk = std::make_shared<io::simulated_disk>();
        disk->power_off_at(at);
        ledger book;
        try {
            run_workload(io::simulated_machine(disk), book);
        } catch (const io::simulated_disk::powered_off&) {
        }
        for (std::uint64_t second = 0;; ++second) {
            CAPTURE(at);
            CAPTURE(second);
            const auto once = disk->after_power_cut(io::power_cut::random, at);
            once->power_off_at(second);
            bool has_fired = false;
            auto more = book;
            try {
                const auto log = log::event_log::open(
                    io::simulated_machine(once, 7, 2),
                    "/log",
                    small_log(log::access::create, tiny_segment)
                );
                const auto found = texts_of(read_all(*log));
                more.batches.assign(1, found);
                more.acknowledged = 1;
            } catch (const io::simulated_disk::powered_off&) {
                has_fired = true;
            }
            const auto twice = once->after_power_cut(io::power_cut::garble, second);
            const auto fault = recover_and_judge(io::simulated_machine(twice, 8, 3), more);
            CHECK_MESSAGE(fault.empty(), fault);
            ++states;
            if (!has_fired)
                break;
        }
    }
    std::printf("double crash states: %llu\n", static_cast<unsigned long long>(states));
}

TEST_CASE("whatever operation fails, an acknowledged event is there after reopening") {
    std::uint64_t runs = 0;
    for (const int failure : {EIO, ENOSPC, EACCES}) {
        for (std::uint64_t at = 0;; at += one_in(7)) {
            CAPTURE(failure);
            CAPTURE(at);
            const auto disk = std::make_shared<io::simulated_disk>();
            disk->fail_at(at, failure);
            ledger book;
            bool has_failed = false;
            try {
                run_workload(io::simulated_machine(disk), book);
            } catch (const error&) {
                has_failed = true;
            }
            ++runs;
            const auto reached_end = disk->operation_count() <= at;
            // The next process on the same boot, and the next one after a power cut.
            const auto killed = recover_and_judge(io::simulated_machine(disk->after_kill()), book);
            CHECK_MESSAGE(killed.empty(), killed);
            const auto cut = recover_and_judge(
                io::simulated_machine(disk->after_power_cut(io::power_cut::lose_all, 0), 9, 2), book
            );
            CHECK_MESSAGE(cut.empty(), cut);
            if (reached_end) {
                CHECK(!has_failed);
                break;
            }
        }
    }
    std::printf("failed operations: %llu runs\n", static_cast<unsigned long long>(runs));
}
