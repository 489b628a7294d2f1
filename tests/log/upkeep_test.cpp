// SPDX-License-Identifier: MIT
// Sealed segments are indexed and archived beside the appends, and nobody notices.

#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_file.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/scratch_dir.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using access_mode = log::access;
using log::event_log;

namespace {

constexpr std::uint64_t small_segment = 64U << 10U;

log::log_options compressing(access_mode mode = access_mode::create) {
    auto out = small_log(mode, small_segment);
    out.compress_sealed = true;
    return out;
}

/// Waits for the background; false where it does not get there.
bool comes_true(const std::function<bool()>& what) {
    for (int i = 0; i < 4000; ++i) {
        if (what())
            return true;
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
}

bool is_all_archived(const event_log& log) {
    const auto counts = log.count_segments();
    return counts.archived + 1 == counts.all;
}

} // namespace

TEST_CASE("segments are archived beside writers, followers and cursors, which see every event") {
    const scratch_dir scratch;
    const auto directory = io::join(scratch.string(), "log");
    const auto log = event_log::open(io::posix_machine(), directory, compressing());
    constexpr int writers = 3;
    constexpr int appends = 150;
    std::atomic<bool> is_done{false};
    std::vector<std::thread> threads;
    threads.reserve(writers + 2);
    for (int w = 0; w < writers; ++w) {
        threads.emplace_back([&, w] {
            for (int i = 0; i < appends; ++i)
                append_texts(*log, "s-" + std::to_string(w), {std::string(2000, 'x')}, {"k:v"});
        });
    }
    // One that follows from outside, and one that walks what the writer has indexed.
    const auto follower =
        event_log::open(io::posix_machine(), directory, small_log(access_mode::read_only));
    for (auto* from : {follower.get(), log.get()}) {
        threads.emplace_back([&, from] {
            std::size_t before = 0;
            while (!is_done) {
                CHECK(from->stored_bytes() > 0); // files come and go meanwhile
                const auto seen = read_all(*from);
                CHECK(seen.size() >= before);
                for (std::size_t i = 0; i < seen.size(); ++i)
                    REQUIRE(seen[i].at == i);
                before = seen.size();
            }
        });
    }
    for (int w = 0; w < writers; ++w)
        threads[static_cast<std::size_t>(w)].join();
    is_done = true;
    for (std::size_t i = writers; i < threads.size(); ++i)
        threads[i].join();

    CHECK(log->count_segments().all > 8);
    CHECK(comes_true([&] { return is_all_archived(*log); }));
    CHECK(log->take_notes().empty());
    CHECK(read_all(*follower).size() == writers * appends);
    log->close();
    const auto again =
        event_log::open(io::posix_machine(), directory, small_log(access_mode::read_only));
    CHECK(is_clean(io::posix_machine(), directory));
    CHECK(read_all(*again) == read_all(*log));
}

TEST_CASE("closing does not wait for a segment to be archived, and the next writer goes on with it"
) {
    const scratch_dir scratch;
    const auto directory = io::join(scratch.string(), "log");
    std::size_t written = 0;
    for (int life = 0; life < 12; ++life) {
        const auto log = event_log::open(io::posix_machine(), directory, compressing());
        for (int i = 0; i < 12; ++i, ++written)
            append_texts(*log, "s", {std::string(15'000, static_cast<char>('a' + life))});
        log->close();
        CHECK(log->take_notes().empty());
        // Each segment once: what was not finished is not left lying about.
        const auto names = io::posix_machine().files->list(directory);
        const auto files = std::ranges::count_if(names, [](const std::string& name) {
            return name.ends_with(".evl") || name.ends_with(".evz");
        });
        CHECK(static_cast<std::uint64_t>(files) == log->count_segments().all);
    }
    const auto log = event_log::open(io::posix_machine(), directory, compressing());
    CHECK(read_all(*log).size() == written);
    CHECK(log->notes().notes.empty()); // nothing was left lying about
    CHECK(comes_true([&] { return is_all_archived(*log); }));
    CHECK(read_all(*log).size() == written);
}

TEST_CASE("a log that is closed in the midst of archiving keeps the segment as it was") {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto log = event_log::open(
        io::simulated_machine(disk), "/log", small_log(access_mode::create, small_segment)
    );
    while (log->count_segments().all < 3)
        append_texts(*log, "s", {std::string(1000, 'x')});
    const auto before = read_all(*log);
    bool is_closed = false;
    disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (op != io::operation::sync_all || !path.ends_with(".evz") || is_closed)
            return;
        is_closed = true;
        log->close();
    });
    CHECK_THROWS_AS(
        static_cast<void>(log->archive([](const log::segment_index&) { return true; })), error
    );
    disk->observe({});
    REQUIRE(is_closed);
    log.reset();
    const auto next =
        event_log::open(io::simulated_machine(disk, 2), "/log", small_log(access_mode::existing));
    CHECK(next->notes().notes.empty());
    CHECK(next->count_segments().archived == 0);
    CHECK(read_all(*next) == before);
}

TEST_CASE("a segment that can't be archived stays as it is, with a note, and is archived later") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(io::simulated_machine(disk), "/log", compressing());
    bool is_full = true;
    disk->observe([&](std::uint64_t number, io::operation op, const std::string& path) {
        if (is_full && op == io::operation::write && path.ends_with(".evz"))
            disk->fail_at(number, ENOSPC);
    });
    const auto fill_a_segment = [&] {
        const auto before = log->count_segments().all;
        while (log->count_segments().all == before)
            append_texts(*log, "s", {std::string(4000, 'x')});
    };
    fill_a_segment();
    CHECK(log->count_segments().archived == 0);
    const auto notes = log->take_notes();
    REQUIRE(notes.size() == 1);
    CHECK(notes.front().find("was not compressed") != std::string::npos);
    is_full = false;
    fill_a_segment();
    disk->observe({});
    CHECK(is_all_archived(*log));
    CHECK(log->take_notes().empty());
    log->close();
    CHECK(event_log::open(io::simulated_machine(disk), "/log", compressing())->notes().notes.empty()
    );
}

TEST_CASE("a damaged segment is named in a note and does not keep others from being archived") {
    const auto disk = std::make_shared<io::simulated_disk>();
    {
        auto plain = small_log(access_mode::create, small_segment);
        const auto log = event_log::open(io::simulated_machine(disk), "/log", plain);
        while (log->count_segments().all < 4)
            append_texts(*log, "s", {std::string(4000, 'x')});
        log->close();
    }
    const auto first =
        io::join("/log", log::read_manifest(*disk, "/log").content.segments.front().file);
    auto content = disk->content(first);
    content[20] ^= std::byte{1}; // of its header
    disk->set_content(first, content);
    const auto log = event_log::open(io::simulated_machine(disk, 2), "/log", compressing());
    CHECK(log->count_segments().all == 4);
    CHECK(log->count_segments().archived == 2);
    const auto notes = log->take_notes();
    REQUIRE(notes.size() == 1);
    CHECK(notes.front().find(first) != std::string::npos);
}

TEST_CASE("the next segment's file is made ahead, becomes the segment, and is never left over") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto ahead = io::join("/log", log::next_segment_name);
    const auto is_there = [&] { return disk->kind(ahead) != io::path_kind::missing; };
    auto log = event_log::open(
        io::simulated_machine(disk), "/log", small_log(access_mode::create, 64_KiB)
    );
    append_texts(*log, "s", {std::string(4000, 'x')});
    CHECK_FALSE(is_there());
    while (log->count_segments().all < 2) {
        append_texts(*log, "s", {std::string(4000, 'x')});
        if (is_there())
            break;
    }
    CHECK(log->count_segments().all == 1);
    // The rotation makes no file.
    std::vector<std::string> created;
    disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (op == io::operation::create)
            created.push_back(path);
    });
    while (log->count_segments().all < 2)
        append_texts(*log, "s", {std::string(4000, 'x')});
    disk->observe({});
    for (const auto& path : created)
        CHECK_FALSE(path.ends_with(".evl"));
    CHECK_FALSE(is_there());
    while (!is_there())
        append_texts(*log, "s", {std::string(4000, 'x')});
    const auto events = read_all(*log).size();
    // Killed, it leaves the file; the next writer deletes it, and so does a close.
    const auto killed = disk->after_kill();
    log->close();
    CHECK_FALSE(is_there());
    log.reset();
    CHECK(killed->kind(ahead) != io::path_kind::missing);
    const auto next = event_log::open(
        io::simulated_machine(killed, 2), "/log", small_log(access_mode::existing, 64_KiB)
    );
    CHECK(killed->kind(ahead) == io::path_kind::missing);
    CHECK(next->notes().notes.empty());
    CHECK(read_all(*next).size() == events);
}

TEST_CASE("a writer that is killed in a segment that was made ahead leaves nothing to put aside") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(
        io::simulated_machine(disk), "/log", small_log(access_mode::create, 64_KiB)
    );
    for (std::uint64_t events = 1; log->count_segments().all < 3; ++events) {
        append_texts(*log, "s", {std::string(1000, 'x')});
        const auto next = event_log::open(
            io::simulated_machine(disk->after_kill(), 2), "/log", small_log(access_mode::existing)
        );
        CHECK(next->notes().torn_bytes == 0);
        CHECK(next->notes().notes.empty());
        CHECK(read_all(*next).size() == events);
    }
}

TEST_CASE("a segment that could not be made ahead is made when it is needed, and a note says so") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(
        io::simulated_machine(disk), "/log", small_log(access_mode::create, 64_KiB)
    );
    disk->observe([&](std::uint64_t number, io::operation op, const std::string& path) {
        if (op == io::operation::create && path.ends_with(log::next_segment_name))
            disk->fail_at(number, ENOSPC);
    });
    while (log->count_segments().all < 3)
        append_texts(*log, "s", {std::string(4000, 'x')});
    disk->observe({});
    const auto notes = log->take_notes();
    REQUIRE_FALSE(notes.empty());
    CHECK(notes.front().find("was not made ahead") != std::string::npos);
    append_texts(*log, "s", {"after"});
    log->close();
}
