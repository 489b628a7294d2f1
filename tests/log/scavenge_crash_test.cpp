// SPDX-License-Identifier: MIT
// Whatever the moment at which a removal is interrupted: what was to stay is there, and what was to
// go is there whole or gone.

#include <everfold/base/error.hpp>
#include <everfold/log/verification.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/random_log.hpp>
#include <support/sanitized.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using log::event_log;

namespace {

constexpr std::uint64_t seed = 5;

log::log_options options() {
    auto out = small_log(log::access::existing, small_segment);
    out.compress_sealed = true;
    return out;
}

/// What is to go: every third event, and a run that spans segments.
std::set<std::uint64_t> to_go(const std::vector<seen_event>& events) {
    std::set<std::uint64_t> out;
    for (const auto& e : events) {
        if (e.at % 3 == 0 || (e.at >= 10 && e.at < 40))
            out.insert(e.at);
    }
    return out;
}

struct base_log {
    std::shared_ptr<io::simulated_disk> disk{};
    std::vector<seen_event> before{};
    std::vector<seen_event> after{};
    std::set<std::uint64_t> gone{};
};

void scavenge_whole(const io::machine& machine, const std::set<std::uint64_t>& gone) {
    const auto to = event_log::open(machine, "/log", options());
    static_cast<void>(to->scavenge(plan_for(gone), "a test"));
    to->close();
}

const base_log& base() {
    static const base_log made = [] {
        base_log out{.disk = random_log(seed, 24)};
        const auto copy = out.disk->after_kill();
        const auto machine = io::simulated_machine(copy, 50, 2);
        {
            const auto log = event_log::open(machine, "/log", options());
            out.before = read_all(*log);
            log->close();
        }
        out.gone = to_go(out.before);
        scavenge_whole(machine, out.gone);
        const auto log = event_log::open(machine, "/log", options());
        out.after = read_all(*log);
        return out;
    }();
    return made;
}

/// Nothing, or what is wrong with what was found.
std::string fault_in(const std::vector<seen_event>& found) {
    if (!std::ranges::includes(found, base().after, {}, &seen_event::at, &seen_event::at))
        return "an event that was to stay is gone";
    for (const auto& e : found) {
        if (std::ranges::find(base().before, e) == base().before.end())
            return "an event is there that never was, at " + std::to_string(e.at);
    }
    return {};
}

std::string recover_and_judge(const io::machine& machine) {
    try {
        const auto log = event_log::open(machine, "/log", options());
        if (!log->notes().notes.empty() && log->notes().notes.front().starts_with("moved"))
            return log->notes().notes.front();
        if (auto fault = fault_in(read_all(*log)); !fault.empty())
            return fault;
        // It is done again, and goes on.
        static_cast<void>(log->scavenge(plan_for(base().gone), "again"));
        if (read_all(*log) != base().after)
            return "a removal that is repeated has another end";
        append_texts(*log, "a", {"after"});
        const auto checked = log::verify_log(
            machine, "/log", [](const auto&) { return std::string{}; }, [](auto) {}
        );
        if (!checked.damage.empty() || !checked.notes.empty())
            return "verification finds fault with it";
        log->close();
        for (const auto& name : machine.files->list("/log")) {
            if (name.ends_with(".tmp"))
                return "'" + name + "' was left over";
        }
        return {};
    } catch (const error& e) {
        return std::string{"recovery failed: "} + e.what();
    }
}

} // namespace

TEST_CASE("P15: power lost at any operation of a removal loses nothing that was to stay") {
    REQUIRE(base().after.size() + 10 < base().before.size());
    REQUIRE_FALSE(fault_in({}).empty()); // the judge can say no
    std::uint64_t states = 0;
    std::uint64_t at = 0;
    for (bool has_fired = true; has_fired; at += one_in(7)) {
        const auto disk = base().disk->after_kill();
        disk->power_off_at(at);
        has_fired = false;
        try {
            scavenge_whole(io::simulated_machine(disk, 60, 2), base().gone);
        } catch (const io::simulated_disk::powered_off&) {
            has_fired = true;
        }
        const auto judge = [&](io::power_cut kind, std::uint64_t cut) {
            CAPTURE(at);
            CAPTURE(static_cast<int>(kind));
            CAPTURE(cut);
            const auto fault = recover_and_judge(
                io::simulated_machine(disk->after_power_cut(kind, cut), 100 + cut, 3)
            );
            CHECK_MESSAGE(fault.empty(), fault);
            ++states;
        };
        judge(io::power_cut::lose_all, 0);
        judge(io::power_cut::keep_all, 0);
        for (std::uint64_t cut = 0; cut < 3; ++cut) {
            judge(io::power_cut::random, cut);
            judge(io::power_cut::garble, cut);
        }
        CAPTURE(at);
        const auto fault = recover_and_judge(io::simulated_machine(disk->after_kill(), 70, 2));
        CHECK_MESSAGE(fault.empty(), fault);
        ++states;
    }
    std::printf(
        "scavenge crash states: %llu over %llu operations, nothing lost that was to stay\n",
        static_cast<unsigned long long>(states),
        static_cast<unsigned long long>(at)
    );
}

TEST_CASE("P15: whatever operation of a removal fails, what was to stay is there") {
    std::uint64_t runs = 0;
    for (const int failure : {EIO, ENOSPC}) {
        bool has_reached_end = false;
        for (std::uint64_t at = 0; !has_reached_end; at += 2 * one_in(7)) {
            CAPTURE(failure);
            CAPTURE(at);
            const auto disk = base().disk->after_kill();
            disk->fail_at(at, failure);
            try {
                scavenge_whole(io::simulated_machine(disk, 80, 2), base().gone);
            } catch (const error&) {
            }
            ++runs;
            has_reached_end = disk->operation_count() <= at;
            const auto killed = recover_and_judge(io::simulated_machine(disk->after_kill(), 81, 2));
            CHECK_MESSAGE(killed.empty(), killed);
            const auto cut = recover_and_judge(
                io::simulated_machine(disk->after_power_cut(io::power_cut::lose_all, 0), 82, 3)
            );
            CHECK_MESSAGE(cut.empty(), cut);
        }
    }
    std::printf("scavenges with a failed operation: %llu\n", static_cast<unsigned long long>(runs));
}
