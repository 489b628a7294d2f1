// SPDX-License-Identifier: MIT
// Whatever the moment at which a compaction is interrupted: the states are what they were, and no
// event is gone that was to stay.

#include <everfold/aggregate/repository.hpp>
#include <everfold/base/error.hpp>
#include <everfold/store/key_compaction.hpp>
#include <everfold/store/tools.hpp>

#include <doctest/doctest.h>
#include <support/sanitized.hpp>
#include <support/stores.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using lines = std::vector<std::string>;

namespace {

struct price_set {
    static constexpr std::string_view event_type = "price_set";
    std::string symbol{};
    std::int64_t cents{};
    std::string source{};
    static constexpr auto last_wins = last_wins_by<&price_set::symbol>;
};

struct closed {
    static constexpr std::string_view event_type = "closed";
    std::int64_t day{};
};

struct prices {
    using events = everfold::events<price_set, closed>;
    std::map<std::string, std::int64_t> by_symbol{};
    std::int64_t days{};

    void apply(const price_set& e) { by_symbol[e.symbol] = e.cents; }
    void apply(const closed&) { ++days; }

    friend bool operator==(const prices&, const prices&) = default;
};

struct market : everfold::aggregate<prices> {
    void set(std::string symbol, std::int64_t cents) {
        record(price_set{
            .symbol = std::move(symbol),
            .cents = cents,
            .source = std::string(static_cast<std::size_t>(cents % 400), 's')});
    }
    void close(std::int64_t day) { record(closed{day}); }
};

constexpr std::size_t event_count = 45;
const lines streams{"market-paris", "market-tokyo"};

store open_on(const io::machine& machine) {
    store_options options;
    options.segment_bytes_max = 4096 + 3000;
    options.event_bytes_max = 1000;
    options.batch_bytes_max = 2000;
    options.compress_sealed = true;
    return open("/log", options, machine);
}

/// What is done to a store, and what it has before and afterwards.
struct compaction {
    std::function<void(store&)> run{};
    std::shared_ptr<io::simulated_disk> disk{};
    lines before{};
    lines after{};
    std::map<std::string, prices> states{};
};

lines sorted_lines(store& s) {
    auto out = lines_of(s.read());
    std::ranges::sort(out);
    return out;
}

compaction prepared(std::function<void(store&)> run) {
    compaction out{.run = std::move(run), .disk = std::make_shared<io::simulated_disk>()};
    {
        auto s = open_on(io::simulated_machine(out.disk, 1));
        auto markets = repository<market>{s};
        for (int i = 0; i < static_cast<int>(event_count); ++i)
            markets.update(streams[static_cast<std::size_t>(i % 2)], [i](market& m) {
                if (i % 9 == 8)
                    m.close(i);
                else
                    m.set("s" + std::to_string(i * i % 7), i * 37);
            });
        for (const auto& stream : streams) {
            out.states[stream] = markets.load(stream).state();
            static_cast<void>(markets.snapshot(stream));
        }
        out.before = sorted_lines(s);
        s.close();
    }
    auto s = open_on(io::simulated_machine(out.disk->after_kill(), 2));
    out.run(s);
    out.after = sorted_lines(s);
    s.close();
    return out;
}

/// Nothing, or what is wrong with what a crash has left.
std::string fault_after(const compaction& what, const io::machine& machine) {
    try {
        auto s = open_on(machine);
        const auto found = sorted_lines(s);
        if (!std::ranges::includes(what.before, found))
            return "an event is there that never was";
        if (!std::ranges::includes(found, what.after))
            return "an event that was to stay is gone";
        auto markets = repository<market>{s};
        for (const auto& [stream, state] : what.states) {
            if (markets.load(stream).state() != state)
                return "another state is loaded";
            if (markets.replay(stream).state() != state)
                return "another state is folded";
            const auto checked = markets.verify(stream);
            if (!checked.is_good())
                return checked.to_string();
        }
        what.run(s);
        if (sorted_lines(s) != what.after)
            return "doing it again has another end";
        markets.update(streams[0], [](market& m) { m.close(1000); });
        s.close();
        const auto checked = everfold::verify("/log", {}, machine);
        if (!checked.damage.empty())
            return "verification finds damage";
        return {};
    } catch (const error& e) {
        return std::string{"recovery failed: "} + e.what();
    }
}

void crash_everywhere(const compaction& what, const char* name) {
    std::uint64_t states = 0;
    std::uint64_t at = 0;
    for (bool has_fired = true; has_fired; at += one_in(7)) {
        const auto disk = what.disk->after_kill();
        disk->power_off_at(at);
        has_fired = false;
        try {
            auto s = open_on(io::simulated_machine(disk, 60));
            what.run(s);
            s.close();
        } catch (const io::simulated_disk::powered_off&) {
            has_fired = true;
        }
        const auto judge = [&](const std::shared_ptr<io::simulated_disk>& left) {
            CAPTURE(at);
            CAPTURE(states);
            const auto fault = fault_after(what, io::simulated_machine(left, 100 + at));
            CHECK_MESSAGE(fault.empty(), fault);
            ++states;
        };
        judge(disk->after_power_cut(io::power_cut::lose_all, 0));
        judge(disk->after_power_cut(io::power_cut::keep_all, 0));
        judge(disk->after_power_cut(io::power_cut::random, at));
        judge(disk->after_power_cut(io::power_cut::garble, at));
        judge(disk->after_kill());
    }
    for (const int failure : {EIO, ENOSPC}) {
        bool has_reached_end = false;
        for (std::uint64_t n = 0; !has_reached_end; n += 3 * one_in(7)) {
            CAPTURE(failure);
            CAPTURE(n);
            const auto disk = what.disk->after_kill();
            disk->fail_at(n, failure);
            try {
                auto s = open_on(io::simulated_machine(disk, 80));
                what.run(s);
                s.close();
            } catch (const error&) {
            }
            has_reached_end = disk->operation_count() <= n;
            const auto fault = fault_after(what, io::simulated_machine(disk->after_kill(), 81));
            CHECK_MESSAGE(fault.empty(), fault);
            ++states;
        }
    }
    std::printf(
        "%s: %llu crash states over %llu operations\n",
        name,
        static_cast<unsigned long long>(states),
        static_cast<unsigned long long>(at)
    );
}

} // namespace

TEST_CASE("P15: whatever interrupts compacting a stream, every event and state is there") {
    const auto what = prepared([](store& s) {
        auto markets = repository<market>{s};
        static_cast<void>(markets.compact(streams[0]));
    });
    REQUIRE(what.before == what.after);
    REQUIRE(what.before.size() == event_count);
    crash_everywhere(what, "compact");
}

TEST_CASE("P15: whatever interrupts compacting by key, the last event of each key and every state "
          "is there") {
    const auto what = prepared([](store& s) { static_cast<void>(compact_by_key<price_set>(s)); });
    REQUIRE(what.after.size() == 5 + 8); // what has no key, and 8 keys in all
    REQUIRE(what.before.size() == event_count);
    crash_everywhere(what, "compact_by_key");
}
