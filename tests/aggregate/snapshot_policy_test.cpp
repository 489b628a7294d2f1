// SPDX-License-Identifier: MIT
// When a repository saves snapshots by itself.

#include <everfold/aggregate/repository.hpp>
#include <everfold/io/simulated.hpp>
#include <everfold/store/open.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

using namespace std::chrono_literals;
using everfold::repository;
using everfold::snapshot_policy;

namespace {

struct ticked {
    static constexpr std::string_view event_type = "ticked";
    std::int64_t n{};
};

/// The clock of the test that runs: an apply() that takes its time moves it.
std::shared_ptr<everfold::io::simulated_clock>& time_of_test() {
    static std::shared_ptr<everfold::io::simulated_clock> clock;
    return clock;
}

/// Takes 2 ms for each event.
struct slow {
    using events = everfold::events<ticked>;
    std::int64_t sum{};

    void apply(const ticked& e) {
        time_of_test()->advance(2ms);
        sum += e.n;
    }
};

struct slow_clock : everfold::aggregate<slow> {
    void tick(std::int64_t n) { record(ticked{n}); }
};

/// A store whose time passes only where an apply() takes some.
class slow_store {
public:
    slow_store()
        : clock_{std::make_shared<everfold::io::simulated_clock>(
              everfold::timestamp::from_milliseconds(1'704'067'200'000), 0ns
          )} {
        time_of_test() = clock_;
        auto machine =
            everfold::io::simulated_machine(std::make_shared<everfold::io::simulated_disk>(), 1);
        machine.time = clock_;
        store_ = everfold::open("/log", {.compress_sealed = false}, machine);
    }

    slow_store(const slow_store&) = delete;
    slow_store& operator=(const slow_store&) = delete;
    slow_store(slow_store&&) = delete;
    slow_store& operator=(slow_store&&) = delete;

    ~slow_store() { time_of_test() = nullptr; }

    repository<slow_clock> program(const snapshot_policy& policy) {
        return repository<slow_clock>{*store_, {.snapshots = policy}};
    }

private:
    std::shared_ptr<everfold::io::simulated_clock> clock_;
    std::optional<everfold::store> store_{};
};

void tick(repository<slow_clock>& in, int count) {
    for (int i = 0; i < count; ++i)
        in.update("wall", [&](slow_clock& c) { c.tick(i); });
}

} // namespace

TEST_CASE("a snapshot is saved once replaying what lies behind the last one takes too long") {
    slow_store here;
    {
        auto first = here.program(snapshot_policy::when_replay_takes(20ms));
        tick(first, 9);
        CHECK(first.stats().snapshots_saved == 0); // it has replayed nothing, and does not know
    }
    {
        auto second = here.program(snapshot_policy::when_replay_takes(20ms));
        CHECK(second.load("wall").state().sum == 36); // takes 18 ms
        CHECK(second.stats().snapshots_saved == 0);   // never on reading
        tick(second, 1);                              // 20 ms, as far as can be told
        CHECK(second.stats().snapshots_saved == 1);
        tick(second, 9);
        CHECK(second.stats().snapshots_saved == 1);
        tick(second, 1);
        CHECK(second.stats().snapshots_saved == 2);
    }
    auto third = here.program(snapshot_policy::when_replay_takes(20ms));
    CHECK(third.load("wall").state().sum == 36 + 36);
    CHECK(third.stats().events_replayed == 0);
}

TEST_CASE("a replay that took too long leads to a snapshot with the next append") {
    slow_store here;
    {
        auto first = here.program(snapshot_policy::never());
        tick(first, 30);
        CHECK(first.stats().snapshots_saved == 0);
    }
    auto second = here.program(snapshot_policy::when_replay_takes(50ms));
    tick(second, 1);
    CHECK(second.stats().events_replayed == 30);
    CHECK(second.stats().snapshots_saved == 1);
    tick(second, 20);
    CHECK(second.stats().snapshots_saved == 1);
}

TEST_CASE("of two bounds of a snapshot policy the one that is reached first counts") {
    slow_store here;
    {
        auto first = here.program(snapshot_policy::never());
        tick(first, 10);
    }
    auto second =
        here.program(snapshot_policy::every(15) | snapshot_policy::when_replay_takes(100ms));
    tick(second, 4);
    CHECK(second.stats().snapshots_saved == 0);
    tick(second, 1); // the 15th event; 30 ms
    CHECK(second.stats().snapshots_saved == 1);

    auto third = here.program(snapshot_policy::every(15) | snapshot_policy::when_replay_takes(8ms));
    tick(third, 3);
    static_cast<void>(third.replay("wall")); // 36 ms for 18 events
    tick(third, 1);                          // 4 events behind the snapshot: 8 ms
    CHECK(third.stats().snapshots_saved == 1);
}

TEST_CASE("two snapshot policies together have the lower bounds of both") {
    const auto both = (snapshot_policy::every(10) | snapshot_policy::when_replay_takes(5ms)) |
                      (snapshot_policy::every(20) | snapshot_policy::when_replay_takes(2ms));
    CHECK(both.every_events == 10);
    CHECK(both.replay_time == std::chrono::nanoseconds{2ms});
    const auto one = snapshot_policy::never() | snapshot_policy::every(3);
    CHECK(one.every_events == 3);
    CHECK_FALSE(one.replay_time.has_value());
}
