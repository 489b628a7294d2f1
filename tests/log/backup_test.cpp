// SPDX-License-Identifier: MIT
// P22: a backup beside a writer is the log as it was at one moment, or it is no log.

#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/log/backup.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/scratch_dir.hpp>

#include <cerrno>
#include <cstdio>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using log::event_log;

namespace {

constexpr std::uint64_t small_segment = 4096 + 1500;

std::unique_ptr<event_log> open(
    const std::shared_ptr<io::simulated_disk>& disk,
    const std::string& directory,
    log::access mode = log::access::create,
    std::uint64_t seed = 1
) {
    return event_log::open(
        io::simulated_machine(disk, seed), directory, small_log(mode, small_segment)
    );
}

void append_some(event_log& to, int count) {
    for (int i = 0; i < count; ++i)
        append_texts(to, "s-" + std::to_string(i % 3), {std::string(200, 'x')}, {"k:v"});
}

bool holds_first_segment(const log::segment_index& s) {
    return s.first() == position{0};
}

} // namespace

TEST_CASE("P22: a backup holds what the log holds, and either goes on without the other") {
    for (const auto how : {log::sealed_files::linked, log::sealed_files::copied}) {
        const auto disk = std::make_shared<io::simulated_disk>();
        const auto log = open(disk, "/log");
        append_some(*log, 30);
        log->archive(holds_first_segment);
        append_some(*log, 2);
        const auto before = read_all(*log);

        const auto report = log::back_up(io::simulated_machine(disk), "/log", "/copy", how);
        CHECK(report.end == position{before.size()});
        CHECK(report.segments == log->count_segments().all);
        CHECK(report.linked == (how == log::sealed_files::linked ? report.segments - 1 : 0));

        append_some(*log, 10);
        log->archive([](const log::segment_index&) { return true; });
        const auto copy = open(disk, "/copy", log::access::existing, 2);
        CHECK(copy->notes().notes.empty());
        CHECK(read_all(*copy) == before);
        CHECK(is_clean(io::simulated_machine(disk), "/copy"));
        append_some(*copy, 7);
        CHECK(read_all(*copy).size() == before.size() + 7);
        CHECK(read_all(*log).size() == before.size() + 10);
    }
}

TEST_CASE("P22: a backup made between a write and its sync is a whole log") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = open(disk, "/log");
    append_some(*log, 2);
    bool is_made = false;
    disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (op != io::operation::sync_data || !path.ends_with(".evl") || is_made)
            return;
        is_made = true;
        static_cast<void>(log::back_up(io::simulated_machine(disk), "/log", "/copy"));
    });
    append_some(*log, 1);
    disk->observe({});
    REQUIRE(is_made);
    CHECK(is_clean(io::simulated_machine(disk), "/copy"));
    CHECK(read_all(*open(disk, "/copy", log::access::existing, 2)).size() == 2);
    CHECK(read_all(*log).size() == 3);
}

TEST_CASE("P22: where the file system has no links the segments are copied") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = open(disk, "/log");
    append_some(*log, 30);
    for (const int number : {EXDEV, EPERM, EMLINK}) {
        const auto to = "/copy-" + std::to_string(number);
        disk->observe([&](std::uint64_t at, io::operation op, const std::string&) {
            if (op == io::operation::link)
                disk->fail_at(at, number);
        });
        const auto report = log::back_up(io::simulated_machine(disk), "/log", to);
        disk->observe({});
        CHECK(report.linked == 0);
        CHECK(read_all(*open(disk, to, log::access::read_only)) == read_all(*log));
    }
}

TEST_CASE("P22: a backup goes into a new or empty directory only, and from a log only") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto machine = io::simulated_machine(disk);
    const auto log = open(disk, "/log");
    append_some(*log, 3);
    CHECK_THROWS_AS(log::back_up(machine, "/log", "/log"), error);
    CHECK_THROWS_AS(log::back_up(machine, "/none", "/copy"), error);
    CHECK(disk->kind("/copy") == io::path_kind::missing);
    disk->make_directory("/empty");
    CHECK(log::back_up(machine, "/log", "/empty").end == position{3});
    CHECK_THROWS_AS(log::back_up(machine, "/log", "/empty"), error);
}

TEST_CASE("P22: power lost while a backup is made leaves no log or all of it, and harms nothing") {
    const auto intact = [] {
        auto disk = std::make_shared<io::simulated_disk>();
        const auto log = open(disk, "/log");
        append_some(*log, 30);
        log->archive(holds_first_segment);
        log->close();
        return disk;
    }();
    const auto truth = read_all(*open(intact, "/log", log::access::read_only));
    int states = 0;
    int whole = 0;
    for (std::uint64_t at = 0;; ++at) {
        const auto disk = intact->after_kill();
        disk->power_off_at(at);
        bool is_done = false;
        try {
            static_cast<void>(log::back_up(io::simulated_machine(disk, 2), "/log", "/copy"));
            is_done = true;
        } catch (const io::simulated_disk::powered_off&) {
        }
        for (const auto kind :
             {io::power_cut::lose_all,
              io::power_cut::keep_all,
              io::power_cut::random,
              io::power_cut::garble}) {
            for (std::uint64_t seed = 0; seed < 3; ++seed) {
                CAPTURE(at);
                CAPTURE(seed);
                ++states;
                const auto left = disk->after_power_cut(kind, seed);
                CHECK(read_all(*open(left, "/log", log::access::read_only, 3)) == truth);
                try {
                    const auto copy = open(left, "/copy", log::access::read_only, 3);
                    const auto seen = read_all(*copy);
                    CHECK(seen == truth);
                    ++whole;
                } catch (const error& e) {
                    CHECK_FALSE(is_done);
                    CHECK((e.code() == errc::not_a_log || e.code() == errc::damaged));
                }
            }
        }
        if (is_done)
            break;
    }
    CHECK(whole > 12);
    std::printf("P22: %d power cuts during backups, %d whole, 0 half\n", states, whole);
}

TEST_CASE("P22: backups beside writers and archiving are each a moment of the log") {
    const scratch_dir scratch;
    const auto machine = io::posix_machine();
    const auto directory = io::join(scratch.string(), "log");
    auto options = small_log(log::access::create, 32U << 10U);
    options.compress_sealed = true;
    const auto log = event_log::open(machine, directory, options);
    append_some(*log, 10);
    std::jthread writer{[&](const std::stop_token& stop) {
        // Bounded, so that a slow machine does not read ever longer logs.
        for (int i = 0; i < 1200 && !stop.stop_requested(); ++i)
            append_texts(*log, "w", {std::string(900, 'x'), std::string(900, 'y')});
    }};
    std::uint64_t events = 0;
    constexpr int backups = 25;
    for (int i = 0; i < backups; ++i) {
        const auto to = io::join(scratch.string(), "copy-" + std::to_string(i));
        const auto report = log::back_up(machine, directory, to);
        CHECK(report.end.value() >= events);
        events = report.end.value();
        const auto copy = event_log::open(machine, to, small_log(log::access::read_only));
        CHECK(copy->notes().notes.empty());
        const auto seen = read_all(*copy);
        CHECK(seen.size() == events);
        const auto found = verified(machine, to);
        CHECK(found.is_intact());
        CHECK(found.notes == std::vector<std::string>{});
    }
    writer.request_stop();
    writer.join();
    CHECK(log->count_segments().all > 3);
    const auto all = read_all(*log);
    const auto last = event_log::open(
        machine,
        io::join(scratch.string(), "copy-" + std::to_string(backups - 1)),
        small_log(log::access::read_only)
    );
    const auto seen = read_all(*last);
    CHECK(std::equal(seen.begin(), seen.end(), all.begin()));
}
