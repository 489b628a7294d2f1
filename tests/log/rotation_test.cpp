// SPDX-License-Identifier: MIT
// When a segment is followed by a new one.

#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/scratch_dir.hpp>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using namespace std::chrono_literals;
using log::event_log;

namespace {

log::log_options aging(std::chrono::nanoseconds age, log::access mode = log::access::create) {
    auto out = small_log(mode);
    out.segment_age_max = age;
    return out;
}

/// A simulated machine with a clock that the test moves.
struct aging_machine {
    std::shared_ptr<io::simulated_disk> disk = std::make_shared<io::simulated_disk>();
    std::shared_ptr<io::simulated_clock> clock =
        std::make_shared<io::simulated_clock>(timestamp::from_milliseconds(1'704'067'200'000), 0ns);
    io::machine machine = io::simulated_machine(disk);

    aging_machine() { machine.time = clock; }
};

} // namespace

TEST_CASE(
    "a segment whose first event is old enough is sealed by the next append, an empty one is not"
) {
    const aging_machine on;
    const auto log = event_log::open(on.machine, "/log", aging(1h));
    on.clock->advance(5h);
    append_texts(*log, "s", {"one"}); // the segment is old, and empty
    append_texts(*log, "s", {"two"});
    CHECK(log->count_segments().all == 1);
    on.clock->advance(59min);
    append_texts(*log, "s", {"three"});
    CHECK(log->count_segments().all == 1);
    on.clock->advance(1min);
    append_texts(*log, "s", {"four"});
    CHECK(log->count_segments().all == 2);
    append_texts(*log, "s", {"five"});
    CHECK(log->count_segments().all == 2);
    CHECK(read_all(*log).size() == 5);
}

TEST_CASE(
    "a segment's age goes on where another writer opens the log, and a clock set back ends none"
) {
    const aging_machine on;
    {
        const auto log = event_log::open(on.machine, "/log", aging(1h));
        append_texts(*log, "s", {"one"});
        log->close();
    }
    on.clock->set(timestamp::from_milliseconds(1'000'000'000'000)); // years before
    {
        const auto log = event_log::open(on.machine, "/log", aging(1h));
        append_texts(*log, "s", {"two"});
        CHECK(log->count_segments().all == 1);
        log->close();
    }
    on.clock->set(timestamp::from_milliseconds(1'704'067'200'000 + 3'600'000));
    const auto log = event_log::open(on.machine, "/log", aging(1h));
    append_texts(*log, "s", {"three"});
    CHECK(log->count_segments().all == 2);
    CHECK(read_all(*log).size() == 3);
}

TEST_CASE("a segment that nobody appends to is sealed at its age by itself, and once") {
    const scratch_dir scratch;
    const auto log =
        event_log::open(io::posix_machine(), io::join(scratch.string(), "log"), aging(50ms));
    append_texts(*log, "s", {"one"});
    for (int i = 0; i < 4000 && log->count_segments().all < 2; ++i)
        std::this_thread::sleep_for(5ms);
    CHECK(log->count_segments().all == 2);
    std::this_thread::sleep_for(150ms); // the next one is empty
    CHECK(log->count_segments().all == 2);
    CHECK(read_all(*log).size() == 1);
}

TEST_CASE("a segment that can't be sealed at its age for want of room is sealed later") {
    const aging_machine on;
    auto options = aging(1h);
    const auto log = event_log::open(on.machine, "/log", options);
    append_texts(*log, "s", {"one"});
    on.clock->advance(1h);
    on.disk->fail_at(on.disk->operation_count(), ENOSPC);
    CHECK_THROWS_AS(append_texts(*log, "s", {"no room"}), io_error);
    append_texts(*log, "s", {"two"});
    CHECK(log->count_segments().all == 2);
    CHECK(read_all(*log).size() == 2);
}

TEST_CASE("a segment that many find full at once is rotated once, and no other is cut short") {
    const scratch_dir scratch;
    constexpr std::uint64_t segment_bytes = 64U << 10U;
    const auto log = event_log::open(
        io::posix_machine(),
        io::join(scratch.string(), "log"),
        small_log(log::access::create, segment_bytes)
    );
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 150; ++i)
                append_texts(*log, "s-" + std::to_string(t), {std::string(1000, 'x')});
        });
    }
    for (auto& t : threads)
        t.join();
    auto segments = log->index().segments();
    segments.pop_back();
    CHECK(segments.size() > 10);
    for (const auto& s : segments)
        CHECK(s.entry->end_offset.value() + 2000 > segment_bytes);
}
