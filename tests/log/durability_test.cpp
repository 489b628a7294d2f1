// SPDX-License-Identifier: MIT
// The levels of durability: who waits for what, who sees what, and what is in flight.

#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/log/manifest.hpp>

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
using namespace std::chrono_literals;
using log::event_log;

namespace {

log::log_options at_level(durability level, log::access mode = log::access::create) {
    auto out = small_log(mode);
    out.level = level;
    return out;
}

/// A simulated machine of which a thread may do the writer's work.
io::machine with_background(const std::shared_ptr<io::simulated_disk>& disk) {
    auto out = io::simulated_machine(disk);
    out.has_background = true;
    return out;
}

/// Only where a sync that comes by itself is waited for.
constexpr std::chrono::milliseconds patience = 20s;

std::future<position>
append_later(event_log& to, const std::string& text, const std::optional<durability>& wanted = {}) {
    const log::draft draft{.stream = "s", .type = "noted", .payload = as_bytes(text)};
    return to.append_async<position>(
        std::span{&draft, 1},
        {},
        [](const log::stream_heads&) { return true; },
        wanted,
        [](const std::optional<log::placed>& placed) { return placed->first; }
    );
}

errc code_of(const std::function<void()>& what) {
    try {
        what();
    } catch (const error& e) {
        return e.code();
    }
    FAIL("nothing was thrown");
    return {};
}

/// Each sync of a segment fails from now on.
void break_syncs(io::simulated_disk& disk) {
    disk.observe([&disk](std::uint64_t number, io::operation op, const std::string& path) {
        if (op == io::operation::sync_data && path.ends_with(".evl"))
            disk.fail_at(number, EIO);
    });
}

std::uint64_t count_syncs(io::simulated_disk& disk, const std::function<void()>& during) {
    std::atomic<std::uint64_t> count{0};
    disk.observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (op == io::operation::sync_data && path.ends_with(".evl"))
            ++count;
    });
    during();
    disk.observe({});
    return count;
}

/// Of the log's last segment.
std::uint64_t active_size(const io::simulated_disk& disk) {
    std::string last;
    for (const auto& path : disk.files_below("/log")) {
        if (path.ends_with(".evl"))
            last = std::max(last, path);
    }
    return disk.content(last).size();
}

} // namespace

TEST_CASE("an append may ask for more than the log's level, and then all before it is durable too"
) {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log =
        event_log::open(io::simulated_machine(disk), "/log", at_level(durability::os()));
    append_texts(*log, "s", {"one"});
    CHECK(log->durable_position() == position{0});
    CHECK(read_all(*log).size() == 1); // its own process reads it
    append_texts(*log, "s", {"two"}, {}, durability::commit());
    CHECK(log->durable_position() == position{2});
    append_texts(*log, "s", {"three"}, {}, durability::unsafe_none());
    CHECK(log->durable_position() == position{2});
    // Not of unsafe_none, which the log is not: it is written.
    const auto next =
        event_log::open(io::simulated_machine(disk->after_kill()), "/log", at_level({}));
    CHECK(read_all(*next).size() == 3);
}

TEST_CASE("what asks for less than the log's level gets the log's") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(io::simulated_machine(disk), "/log", at_level({}));
    append_texts(*log, "s", {"one"}, {}, durability::os());
    CHECK(log->durable_position() == position{1});
    static_assert(stronger(durability::os(), durability::commit()) == durability::commit());
    static_assert(
        stronger(durability::interval(5ms, 9), durability::interval(7ms, 3)) ==
        durability::interval(5ms, 3)
    );
}

TEST_CASE("at level commit each append syncs, at level os none does until it is asked for") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log =
        event_log::open(io::simulated_machine(disk), "/log", at_level(durability::os()));
    const auto syncs = count_syncs(*disk, [&] {
        for (int i = 0; i < 20; ++i)
            append_texts(*log, "s", {"x"});
    });
    CHECK(syncs == 0);
    bool is_durable = false;
    const auto asked =
        count_syncs(*disk, [&] { is_durable = log->wait_durable(position{19}, 0ms); });
    CHECK(is_durable);
    CHECK(asked == 1);
    CHECK(log->durable_position() == position{20});
    const auto is_beyond = log->wait_durable(position{20}, 1ms);
    CHECK(!is_beyond);
}

TEST_CASE("at level commit zeros lie ahead of what is synced, until a seal or a close cuts them off"
) {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto log = event_log::open(io::simulated_machine(disk), "/log", at_level({}));
    append_texts(*log, "s", {"one"});
    const auto size = active_size(*disk);
    for (int i = 0; i < 20; ++i)
        append_texts(*log, "s", {"x"});
    CHECK(active_size(*disk) == size);
    CHECK(size > 60'000);
    SUBCASE("a close") {
        log->close();
        CHECK(active_size(*disk) < 10'000);
    }
    SUBCASE("a seal, for good") {
        static_cast<void>(log->archive([](const log::segment_index&) { return true; }));
        append_texts(*log, "s", {"y"});
        log.reset();
        log = event_log::open(
            io::simulated_machine(disk->after_power_cut(io::power_cut::lose_all, 0)),
            "/log",
            at_level({})
        );
        CHECK(read_all(*log).size() == 22);
    }
    SUBCASE("a writer that goes on after a kill has nothing to put aside, and its own zeros") {
        const auto left = disk->after_kill();
        log = event_log::open(io::simulated_machine(left), "/log", at_level({}));
        CHECK(log->notes().torn_bytes == 0);
        append_texts(*log, "s", {"y"});
        const auto again = active_size(*left);
        append_texts(*log, "s", {"z"});
        CHECK(active_size(*left) == again);
        log->close();
        CHECK(active_size(*left) < 10'000);
    }
}

TEST_CASE("P12: where there is room for an append and not for zeros behind it, it succeeds") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(io::simulated_machine(disk), "/log", at_level({}));
    bool is_first = true;
    disk->observe([&](std::uint64_t number, io::operation op, const std::string& path) {
        if (is_first && op == io::operation::write && path.ends_with(".evl")) {
            is_first = false;
            disk->fail_at(number, ENOSPC);
        }
    });
    append_texts(*log, "s", {"one"});
    append_texts(*log, "s", {"two"});
    disk->observe({});
    CHECK_FALSE(is_first);
    CHECK(active_size(*disk) < 10'000);
    CHECK(read_all(*log).size() == 2);
}

TEST_CASE("waiting for durability at level unsafe_none sees what another thread appends meanwhile"
) {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log =
        event_log::open(with_background(disk), "/log", at_level(durability::unsafe_none()));
    std::thread appender{[&] {
        for (int i = 0; i < 10; ++i) {
            std::this_thread::sleep_for(1ms);
            append_texts(*log, "s", {"x"});
        }
    }};
    const auto is_seen = log->wait_for(position{4}, patience);
    const auto is_durable = log->wait_durable(position{9}, patience);
    appender.join();
    CHECK(is_seen);
    CHECK(is_durable);
}

TEST_CASE("at level unsafe_none nothing is written before a reader comes or much has gathered") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log =
        event_log::open(io::simulated_machine(disk), "/log", at_level(durability::unsafe_none()));
    const auto before = disk->operation_count();
    append_texts(*log, "s", {"one"});
    CHECK(disk->operation_count() == before);
    CHECK(read_all(*log).size() == 1);
    CHECK(disk->operation_count() > before);
    CHECK(log->durable_position() == position{0});
    log->close();
    CHECK(log->durable_position() == position{1});
    const auto again = event_log::open(io::simulated_machine(disk), "/log", at_level({}));
    CHECK(read_all(*again).size() == 1);
}

TEST_CASE("P12: at level unsafe_none a full disk is final, since others were acknowledged before") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log =
        event_log::open(io::simulated_machine(disk), "/log", at_level(durability::unsafe_none()));
    append_texts(*log, "s", {"kept"});
    CHECK(read_all(*log).size() == 1);
    append_texts(*log, "s", {"acknowledged, and lost with the buffer"});
    disk->fail_at(disk->operation_count(), ENOSPC);
    CHECK(read_all(*log).size() == 1); // reads go on
    CHECK(code_of([&] { append_texts(*log, "s", {"after"}); }) == errc::writer_failed);
}

TEST_CASE("P12: at level os a write without room is taken back, and the same writer goes on") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log =
        event_log::open(io::simulated_machine(disk), "/log", at_level(durability::os()));
    append_texts(*log, "s", {"one"});
    disk->fail_at(disk->operation_count(), ENOSPC);
    CHECK(code_of([&] { append_texts(*log, "s", {"no room"}); }) == errc::io);
    append_texts(*log, "s", {"two"});
    CHECK(read_all(*log).size() == 2);
    log->close();
    const auto again = event_log::open(io::simulated_machine(disk), "/log", at_level({}));
    CHECK(read_all(*again).size() == 2);
    CHECK(read_all(*again).back().payload == "two");
}

TEST_CASE("a reader from outside sees nothing that is not durable, at whatever level") {
    for (const auto level :
         {durability::interval(3ms, 2000), durability::os(), durability::unsafe_none()}) {
        CAPTURE(static_cast<int>(level.what()));
        const auto disk = std::make_shared<io::simulated_disk>();
        const auto machine = io::simulated_machine(disk);
        auto options = at_level(level);
        options.limits.segment_bytes_max = 20U << 10U; // some rotations
        const auto log = event_log::open(machine, "/log", options);
        const auto reader = event_log::open(machine, "/log", small_log(log::access::read_only));
        bool was_behind = false;
        for (int i = 0; i < 60; ++i) {
            append_texts(*log, "s", {std::string(900, 'x')});
            if (i % 7 == 0)
                static_cast<void>(log->index());
            if (i % 11 == 0)
                static_cast<void>(log->wait_durable(position{static_cast<std::uint64_t>(i)}, 0ms));
            const auto durable = log->durable_position();
            const auto seen = read_all(*reader).size();
            CHECK(seen == durable.value());
            const auto fresh = event_log::open(machine, "/log", small_log(log::access::read_only));
            CHECK(read_all(*fresh).size() == durable.value());
            was_behind = was_behind || seen < static_cast<std::size_t>(i) + 1;
        }
        CHECK(was_behind);
        CHECK(log->count_segments().all > 2);
    }
}

TEST_CASE("an unfinished tail of a weaker level is torn, and the next writer's bound is its own") {
    const auto disk = std::make_shared<io::simulated_disk>();
    std::string segment;
    {
        const auto log =
            event_log::open(io::simulated_machine(disk), "/log", at_level(durability::os()));
        append_texts(*log, "s", {"durable"}, {}, durability::commit());
        for (int i = 0; i < 30; ++i)
            append_texts(*log, "s", {std::string(15'000, 'x')});
        segment = io::join("/log", log::read_manifest(*disk, "/log").content.segments.back().file);
        const auto cut = disk->after_kill();
        auto content = cut->content(segment);
        const auto head = log::read_head_mark(*cut, "/log", log->index().log_id());
        const auto durable = static_cast<std::size_t>(head.mark.durable.value());
        CHECK(content.size() - durable > log::in_flight_max_at_commit(small_log().limits));
        content[durable + 8] ^= std::byte{1}; // of the first frame that is not durable
        cut->set_content(segment, content);
        const auto next = event_log::open(io::simulated_machine(cut, 2, 2), "/log", at_level({}));
        CHECK(next->notes().torn_bytes == content.size() - durable);
        CHECK(read_all(*next).size() == 1);
        next->close();
        // A writer at level commit leaves no more than two groups.
        auto longer = cut->content(segment);
        longer.resize(longer.size() + 200'000, std::byte{0x5A});
        cut->set_content(segment, longer);
        CHECK(code_of([&] {
                  static_cast<void>(
                      event_log::open(io::simulated_machine(cut, 3, 3), "/log", at_level({}))
                  );
              }) == errc::damaged);
    }
}

TEST_CASE("what is written while a sync is under way is not durable with it") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log =
        event_log::open(io::simulated_machine(disk), "/log", at_level(durability::os()));
    append_texts(*log, "s", {"before"});
    bool was_under_way = false;
    disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (op == io::operation::sync_data && path.ends_with(".evl") && !was_under_way) {
            was_under_way = true;
            append_texts(*log, "s", {"meanwhile"});
        }
    });
    const auto is_durable = log->wait_durable(position{0}, 0ms);
    disk->observe({});
    REQUIRE(is_durable);
    REQUIRE(was_under_way);
    CHECK(log->durable_position() == position{1});
    const auto syncs =
        count_syncs(*disk, [&] { static_cast<void>(log->wait_durable(position{1}, 0ms)); });
    CHECK(syncs == 1);
    CHECK(log->durable_position() == position{2});
}

TEST_CASE("a write that fails while a sync is under way is in the head mark once that is over") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log =
        event_log::open(io::simulated_machine(disk), "/log", at_level(durability::os()));
    append_texts(*log, "s", {"before"});
    errc failed_with{};
    bool was_under_way = false;
    disk->observe([&](std::uint64_t number, io::operation op, const std::string& path) {
        if (op == io::operation::write && path.ends_with(".evl"))
            disk->fail_at(number, EIO);
        if (op == io::operation::sync_data && path.ends_with(".evl") && !was_under_way) {
            was_under_way = true;
            failed_with = code_of([&] { append_texts(*log, "s", {"meanwhile"}); });
        }
    });
    const auto is_durable = log->wait_durable(position{0}, 0ms);
    disk->observe({});
    CHECK(is_durable);
    REQUIRE(was_under_way);
    CHECK(failed_with == errc::io);
    const auto mark = log::read_head_mark(*disk, "/log", log->index().log_id()).mark;
    CHECK(mark.state == log::head_state::failed);
    CHECK(mark.end == position{1});
}

TEST_CASE("at level interval what is written becomes durable by itself") {
    const scratch_dir scratch;
    const auto log = event_log::open(
        io::posix_machine(),
        io::join(scratch.string(), "log"),
        at_level(durability::interval(20ms, 1U << 20U))
    );
    for (std::uint64_t i = 0; i < 5; ++i) {
        append_texts(*log, "s", {"x"});
        const auto is_durable = log->wait_durable(position{i}, patience);
        REQUIRE(is_durable);
    }
    CHECK(log->durable_position() == position{5});
}

TEST_CASE("at level interval many bytes are synced at once, whatever the period") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log =
        event_log::open(with_background(disk), "/log", at_level(durability::interval(10h, 20'000)));
    append_texts(*log, "s", {"x"});
    append_texts(*log, "s", {std::string(15'000, 'x')});
    const auto is_durable = log->wait_durable(position{0}, 5ms);
    CHECK(!is_durable);
    append_texts(*log, "s", {std::string(15'000, 'x')});
    const auto is_later = log->wait_durable(position{2}, patience);
    CHECK(is_later);
}

TEST_CASE("a background sync that fails is the writer's end, and who waits is told") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(
        with_background(disk), "/log", at_level(durability::interval(5ms, 1U << 20U))
    );
    append_texts(*log, "s", {"durable"}, {}, durability::commit());
    break_syncs(*disk);
    append_texts(*log, "s", {"written"});
    CHECK(code_of([&] {
              static_cast<void>(log->wait_durable(position{1}, patience));
          }) == errc::writer_failed);
    CHECK(code_of([&] { append_texts(*log, "s", {"after"}); }) == errc::writer_failed);
    CHECK(code_of([&] { log->close(); }) == errc::writer_failed);
    CHECK(log->durable_position() == position{1});
    CHECK(read_all(*log).size() == 2); // as far as it was shown
    // The same boot: the page cache is not believed (rule 8).
    disk->observe({});
    const auto next = event_log::open(
        io::simulated_machine(disk->after_kill(), 2), "/log", at_level(durability::os())
    );
    CHECK(read_all(*next).size() == 1);
    CHECK(next->notes().torn_bytes > 0);
}

TEST_CASE("appends in flight from one thread are placed and completed in the order of the calls") {
    const scratch_dir scratch;
    for (const auto level : {durability::commit(), durability::os(), durability::unsafe_none()}) {
        CAPTURE(static_cast<int>(level.what()));
        const auto directory =
            io::join(scratch.string(), std::to_string(static_cast<int>(level.what())));
        const auto log = event_log::open(io::posix_machine(), directory, at_level(level));
        constexpr std::uint64_t count = 300;
        std::vector<std::uint64_t> completed;
        std::vector<std::future<int>> futures;
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto text = std::to_string(i);
            const log::draft draft{.stream = "s", .type = "noted", .payload = as_bytes(text)};
            futures.push_back(log->append_async<int>(
                std::span{&draft, 1},
                {},
                [&](const log::stream_heads& heads) {
                    return heads.last("s").has_value() == (i > 0);
                },
                durability::commit(),
                [&](const std::optional<log::placed>& placed) {
                    completed.push_back(placed->first.value()); // one thread calls this
                    return 0;
                }
            ));
        }
        for (auto& f : futures)
            f.get();
        CHECK(log->durable_position() == position{count});
        log->close();
        REQUIRE(completed.size() == count);
        for (std::uint64_t i = 0; i < count; ++i)
            REQUIRE(completed[i] == i);
        const auto seen = read_all(*log);
        for (std::uint64_t i = 0; i < count; ++i)
            REQUIRE(seen[i].payload == std::to_string(i));
    }
}

TEST_CASE("appends in flight share syncs") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto machine = with_background(disk);
    const auto log = event_log::open(machine, "/log", at_level({}));
    // The first sync lasts until all others are begun.
    std::atomic<bool> are_begun{false};
    std::atomic<int> syncs{0};
    disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (op != io::operation::sync_data || !path.ends_with(".evl"))
            return;
        ++syncs;
        while (!are_begun)
            std::this_thread::sleep_for(1ms);
    });
    std::vector<std::future<position>> futures;
    for (int i = 0; i < 100; ++i)
        futures.push_back(append_later(*log, "x"));
    are_begun = true;
    for (auto& f : futures)
        static_cast<void>(f.get());
    disk->observe({});
    CHECK(syncs <= 2);
}

TEST_CASE("without a background an append in flight is done by whoever asks for it, or by close") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(io::simulated_machine(disk), "/log", at_level({}));
    auto first = append_later(*log, "one");
    auto second = append_later(*log, "two");
    CHECK(log->durable_position() == position{0});
    CHECK(second.get() == position{1});
    CHECK(log->durable_position() == position{2});
    auto third = append_later(*log, "three");
    log->close();
    CHECK(log->durable_position() == position{3});
    CHECK(first.get() == position{0});
    CHECK(third.get() == position{2});
}

TEST_CASE("closing completes what is in flight") {
    const scratch_dir scratch;
    const auto log = event_log::open(
        io::posix_machine(), io::join(scratch.string(), "log"), at_level(durability::os())
    );
    std::vector<std::future<position>> futures;
    for (int i = 0; i < 200; ++i)
        futures.push_back(
            append_later(*log, "x", i % 2 == 0 ? durability::commit() : durability::os())
        );
    log->close();
    for (std::uint64_t i = 0; i < 200; ++i) {
        const auto state = futures[i].wait_for(0ms);
        CHECK(state == std::future_status::ready);
        const auto at = futures[i].get();
        CHECK(at == position{i});
    }
    CHECK(code_of([&] { static_cast<void>(append_later(*log, "late")); }) == errc::read_only);
}

TEST_CASE("an append in flight whose sync fails throws, and so does each behind it") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(with_background(disk), "/log", at_level({}));
    append_texts(*log, "s", {"kept"});
    break_syncs(*disk);
    std::vector<std::future<position>> futures;
    try {
        for (int i = 0; i < 20; ++i)
            futures.push_back(append_later(*log, "lost"));
    } catch (const error& e) {
        CHECK(e.code() == errc::writer_failed); // once the writer knows
    }
    REQUIRE(!futures.empty());
    for (auto& f : futures) {
        const auto code = code_of([&] { static_cast<void>(f.get()); });
        CHECK((code == errc::io || code == errc::writer_failed));
    }
    CHECK(read_all(*log).size() == 1);
    CHECK(code_of([&] { log->close(); }) == errc::writer_failed);
}

TEST_CASE("threads that append in every way, at every level, lose nothing and keep order") {
    const scratch_dir scratch;
    for (const auto level :
         {durability::commit(),
          durability::interval(1ms, 4000),
          durability::os(),
          durability::unsafe_none()}) {
        CAPTURE(static_cast<int>(level.what()));
        const auto directory =
            io::join(scratch.string(), std::to_string(static_cast<int>(level.what())));
        auto options = at_level(level);
        options.limits.segment_bytes_max = 64U << 10U;
        options.compress_sealed = true;
        const auto log = event_log::open(io::posix_machine(), directory, options);
        constexpr int writers = 4;
        constexpr int appends = 120;
        std::vector<std::thread> threads;
        threads.reserve(writers);
        for (int w = 0; w < writers; ++w) {
            threads.emplace_back([&, w] {
                std::vector<std::future<position>> mine;
                for (int i = 0; i < appends; ++i) {
                    const auto text = std::string(800, 'x');
                    switch ((i + w) % 4) {
                    case 0:
                        mine.push_back(append_later(*log, text));
                        break;
                    case 1:
                        mine.push_back(append_later(*log, text, durability::commit()));
                        break;
                    case 2:
                        append_texts(*log, "t", {text}, {}, durability::interval(2ms, 3000));
                        break;
                    default: {
                        const auto at = append_texts(*log, "t", {text});
                        const auto is_durable = log->wait_durable(at, patience);
                        CHECK(is_durable);
                    }
                    }
                }
                auto last = position{};
                for (auto& f : mine) {
                    const auto at = f.get();
                    CHECK(at >= last);
                    last = at;
                }
            });
        }
        for (auto& t : threads)
            t.join();
        const auto seen = read_all(*log);
        CHECK(seen.size() == writers * appends);
        log->close();
        CHECK(log->durable_position() == position{seen.size()});
        const auto again = event_log::open(io::posix_machine(), directory, at_level({}));
        CHECK(read_all(*again) == seen);
        CHECK(again->notes().notes.empty());
    }
}
