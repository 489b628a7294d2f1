// SPDX-License-Identifier: MIT
// P12: a full disk refuses appends and loses nothing, and the same writer goes on once there is
// room.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using log::event_log;

namespace {

constexpr std::uint64_t small_segment = 4096 + 1500;

/// What was promised, and what was refused.
struct ledger {
    std::vector<std::string> kept{};
    std::vector<std::string> refused{};
};

/// Appends 24 batches over a few segments; a full disk refuses some of them.
void append_some(event_log& to, ledger& book) {
    for (int i = 0; i < 24; ++i) {
        const auto text = "event " + std::to_string(i) + std::string(150, '.');
        try {
            append_texts(to, "s-" + std::to_string(i % 3), {text, text + "'"}, {"k:v"});
            book.kept.push_back(text);
            book.kept.push_back(text + "'");
        } catch (const io_error& e) {
            CHECK(e.is_disk_full());
            book.refused.push_back(text);
        }
    }
}

std::vector<std::string> texts(event_log& from) {
    std::vector<std::string> out;
    for (const auto& e : read_all(from))
        out.push_back(e.payload);
    return out;
}

std::unique_ptr<event_log> open(
    const std::shared_ptr<io::simulated_disk>& disk, std::uint64_t seed = 1, std::uint64_t boot = 1
) {
    return event_log::open(
        io::simulated_machine(disk, seed, boot),
        "/log",
        small_log(log::access::create, small_segment)
    );
}

/// Of the writes to segments that appending makes, which there are.
std::vector<std::uint64_t> writes_to_segments() {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto to = open(disk);
    std::vector<std::uint64_t> out;
    disk->observe([&](std::uint64_t number, io::operation op, const std::string& path) {
        if (op == io::operation::write && path.ends_with(".evl"))
            out.push_back(number);
    });
    ledger book;
    append_some(*to, book);
    disk->observe({});
    CHECK(book.refused.empty());
    CHECK(to->count_segments().all > 3);
    return out;
}

} // namespace

TEST_CASE("P12: whichever write finds the disk full, the same writer goes on once there is room") {
    int runs = 0;
    for (const int number : {ENOSPC, EDQUOT, EFBIG}) {
        for (const auto at : writes_to_segments()) {
            CAPTURE(at);
            const auto disk = std::make_shared<io::simulated_disk>();
            ledger book;
            {
                const auto to = open(disk);
                // Until an append has been refused: who could do without zeros behind it tries.
                disk->observe([&](std::uint64_t n, io::operation op, const std::string& path) {
                    if (n >= at && op == io::operation::write && path.ends_with(".evl") &&
                        book.refused.empty())
                        disk->fail_at(n, number);
                });
                append_some(*to, book);
                disk->observe({});
                CHECK(book.refused.size() == 1);
                CHECK(texts(*to) == book.kept);
                to->close();
            }
            const auto again = open(disk, 2);
            CHECK(again->notes().torn_bytes == 0);
            CHECK(texts(*again) == book.kept);
            ++runs;
        }
    }
    CHECK(runs > 60);
    std::printf("P12: %d full writes, 0 writers ended, 0 events lost\n", runs);
}

TEST_CASE("P12: a sync that finds the disk full ends the writer, and is not told as a full disk") {
    // What was written may be there afterwards: a client that takes the disk to have refused it,
    // and repeats it, would have it twice.
    std::uint64_t syncs = 0;
    for (const auto wanted : {durability::commit(), durability::os()}) {
        const auto disk = std::make_shared<io::simulated_disk>();
        auto options = small_log();
        options.level = wanted;
        const auto log = event_log::open(io::simulated_machine(disk), "/log", options);
        disk->observe([&](std::uint64_t number, io::operation op, const std::string&) {
            if (op != io::operation::sync_data)
                return;
            ++syncs;
            disk->fail_at(number, ENOSPC, true);
        });
        std::optional<errc> code;
        try {
            append_texts(*log, "s", {"one"}, {}, durability::commit());
        } catch (const error& e) {
            code = e.code();
        }
        disk->observe({});
        CHECK(code == errc::writer_failed);
    }
    CHECK(syncs == 2); // one each
}

TEST_CASE("P12: a disk that stays full refuses each append, and reads go on") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto to = open(disk);
    ledger before;
    append_some(*to, before);
    disk->observe([&](std::uint64_t number, io::operation op, const std::string& path) {
        if (op == io::operation::write && path.ends_with(".evl"))
            disk->fail_at(number, ENOSPC);
    });
    ledger during;
    append_some(*to, during);
    CHECK(during.kept.empty());
    CHECK(during.refused.size() == 24);
    CHECK(texts(*to) == before.kept);
    disk->observe({});
    ledger after;
    append_some(*to, after);
    CHECK(after.refused.empty());
    auto all = before.kept;
    all.insert(all.end(), after.kept.begin(), after.kept.end());
    CHECK(texts(*to) == all);
}

TEST_CASE("P12: what was refused does not come back, wherever the power is cut afterwards") {
    int states = 0;
    const auto writes = writes_to_segments();
    for (std::size_t which = 0; which < writes.size(); which += 5) {
        const auto at = writes[which];
        // The operations that follow: taking back, and the next appends.
        for (std::uint64_t cut = at + 1; cut < at + 16; ++cut) {
            for (std::uint64_t seed = 0; seed < 6; ++seed) {
                CAPTURE(at);
                CAPTURE(cut);
                CAPTURE(seed);
                const auto disk = std::make_shared<io::simulated_disk>();
                ledger book;
                {
                    const auto to = open(disk);
                    disk->fail_at(at, ENOSPC);
                    disk->power_off_at(cut);
                    try {
                        append_some(*to, book);
                    } catch (const io::simulated_disk::powered_off&) {
                    }
                }
                const auto kind = seed < 3 ? io::power_cut::random : io::power_cut::garble;
                const auto again = open(disk->after_power_cut(kind, seed), 2, 2);
                const auto found = texts(*again);
                REQUIRE(found.size() >= book.kept.size());
                CHECK(std::equal(book.kept.begin(), book.kept.end(), found.begin()));
                for (const auto& text : found)
                    for (const auto& refused : book.refused)
                        CHECK(text.find(refused) == std::string::npos);
                ++states;
            }
        }
    }
    std::printf("P12: %d power cuts after a full write, 0 refused events came back\n", states);
}

TEST_CASE("P12: a frame that fitted before its group was refused does not come back") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto to = open(disk);
    append_texts(*to, "s", {"kept"});
    const auto begin = [&](const std::string& text) {
        const log::draft draft{.stream = "s", .type = "noted", .payload = as_bytes(text)};
        return to->append_async<position>(
            std::span{&draft, 1},
            {},
            [](const log::stream_heads&) { return true; },
            {},
            [](const std::optional<log::placed>& placed) { return placed->first; }
        );
    };
    // One group, half of which is written.
    auto small = begin("refused, and small");
    auto large = begin(std::string(400, 'x'));
    disk->observe([&](std::uint64_t number, io::operation op, const std::string& path) {
        if (op == io::operation::write && path.ends_with(".evl"))
            disk->fail_at(number, ENOSPC);
    });
    CHECK_THROWS_AS(static_cast<void>(small.get()), io_error);
    CHECK_THROWS_AS(static_cast<void>(large.get()), io_error);
    disk->observe({});
    const auto next = open(disk->after_kill(), 2);
    CHECK(texts(*next) == std::vector<std::string>{"kept"});
    CHECK(next->notes().torn_bytes == 0);
    append_texts(*to, "s", {"after"});
    CHECK(texts(*to) == std::vector<std::string>{"kept", "after"});
}

TEST_CASE("P12: of racing writers on a disk that is full now and then, each knows what is kept") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto to = open(disk);
    std::atomic<std::uint64_t> writes{0};
    disk->observe([&](std::uint64_t number, io::operation op, const std::string& path) {
        if (op == io::operation::sync_data)
            std::this_thread::sleep_for(std::chrono::microseconds{100});
        if (op == io::operation::write && path.ends_with(".evl") && ++writes % 7 == 0)
            disk->fail_at(number, ENOSPC);
    });
    constexpr int writers = 4;
    std::vector<ledger> books(writers);
    std::vector<std::thread> threads;
    threads.reserve(writers);
    for (auto& book : books) {
        threads.emplace_back([&] {
            const auto who = std::to_string(&book - books.data());
            for (int i = 0; i < 150; ++i) {
                const auto text = who + ":" + std::to_string(i);
                try {
                    append_texts(*to, "s-" + who, {text});
                    book.kept.push_back(text);
                } catch (const io_error& e) {
                    CHECK(e.is_disk_full());
                    book.refused.push_back(text);
                }
            }
        });
    }
    for (auto& t : threads)
        t.join();
    disk->observe({});
    const auto all = texts(*to);
    const std::multiset<std::string> found{all.begin(), all.end()};
    std::multiset<std::string> kept;
    std::size_t refused = 0;
    for (const auto& book : books) {
        kept.insert(book.kept.begin(), book.kept.end());
        refused += book.refused.size();
    }
    CHECK(found == kept);
    CHECK(refused > 20);
    to->close();
    CHECK(texts(*open(disk, 2)) == all);
}
