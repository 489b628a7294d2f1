// SPDX-License-Identifier: MIT
// P9: subscribers in processes of their own, killed at any moment.

#include <everfold/projection/subscription.hpp>
#include <everfold/store/open.hpp>

#include <doctest/doctest.h>
#include <support/child_process.hpp>
#include <support/scratch_dir.hpp>
#include <support/stores.hpp>

#include <chrono>
#include <cstdint>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

constexpr std::uint64_t save_every = 7;

/// Says 2p when a slot begins with the event at p, and 2p + 1 when it is done with it.
int subscribe(const std::string& log, const std::string& kept, const numbers_out& say) {
    auto s = open(log, {.mode = open_mode::read_only});
    subscription all{s, checkpoint_file{kept}, {}, {.save_every = save_every}};
    all.on_any([&](const recorded_event& e) {
        say.put(2 * e.log_position.value());
        if (e.log_position.value() % 3 == 0)
            std::this_thread::sleep_for(std::chrono::microseconds{300});
        say.put(2 * e.log_position.value() + 1);
    });
    all.follow({});
    return 0;
}

/// What one run of the subscriber said.
struct run {
    std::vector<std::uint64_t> begun{};
    std::vector<std::uint64_t> done{};

    void add(std::uint64_t number) { (number % 2 == 0 ? begun : done).push_back(number / 2); }
};

std::uint64_t next_of(const std::string& kept) {
    const auto c = checkpoint_file{kept}.load();
    return c ? c->next.value() : 0;
}

} // namespace

TEST_CASE("P9: killed at any moment, a subscriber handles each event, and few of them again") {
    const scratch_dir here;
    const auto log = here / "log";
    const auto kept = here / "kept";
    std::mt19937 random{11};
    std::vector<std::uint64_t> times_handled;
    std::uint64_t handled_again = 0;
    std::uint64_t killed_within = 0;
    constexpr int rounds = 100;
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        {
            auto writer = open(
                log,
                quiet({.segment_bytes_max = 16384, .event_bytes_max = 512, .batch_bytes_max = 4096})
            );
            for (auto n = random() % 12 + 1; n > 0; --n)
                writer.append(to_stream("s", {numbered(1), numbered(2)})).value();
            times_handled.resize(writer.end().value());
        }
        const auto kept_before = next_of(kept);
        run said;
        {
            child_process child{[&](const numbers_out& say) { return subscribe(log, kept, say); }};
            for (auto left = random() % 40; left > 0; --left) {
                const bool was_all =
                    !said.done.empty() && said.done.back() + 1 == times_handled.size();
                if (was_all || kept_before == times_handled.size())
                    break;
                const auto number = child.get();
                REQUIRE(number);
                said.add(*number);
            }
            std::this_thread::sleep_for(std::chrono::microseconds{random() % 1500});
            child.kill();
            while (const auto number = child.get())
                said.add(*number);
        }
        // In order and without a gap, from what was kept on.
        for (std::size_t i = 0; i < said.begun.size(); ++i)
            REQUIRE(said.begun[i] == kept_before + i);
        killed_within += said.begun.size() - said.done.size();
        for (const auto p : said.done) {
            handled_again += times_handled[p] > 0 ? 1 : 0;
            ++times_handled[p];
        }
        // What is kept counts nothing as handled that was not, and lags behind by little.
        const auto kept_after = next_of(kept);
        REQUIRE(kept_after >= kept_before);
        REQUIRE(kept_after <= kept_before + said.done.size());
        REQUIRE(kept_before + said.done.size() - kept_after <= save_every);
    }
    // The last one is left in peace.
    auto s = open(log, {.mode = open_mode::read_only});
    subscription rest{s, checkpoint_file{kept}};
    rest.on_any([&](const recorded_event& e) { ++times_handled[e.log_position.value()]; });
    rest.catch_up();
    for (std::size_t p = 0; p < times_handled.size(); ++p) {
        CAPTURE(p);
        CHECK(times_handled[p] >= 1);
    }
    CHECK(next_of(kept) == times_handled.size());
    // The kills hit what they were meant to hit.
    CHECK(handled_again > 0);
    CHECK(handled_again <= save_every * rounds);
    CHECK(killed_within > 0);
}
