// SPDX-License-Identifier: MIT
// Threads, fenced writers, failing openings and readers in the worst of moments.

#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using access_mode = log::access;
using log::event_log;

namespace {

constexpr std::uint64_t small_segment = 5000;
constexpr std::uint64_t tiny_segment = 4096 + 900;

struct log_fixture {
    std::shared_ptr<io::simulated_disk> disk = std::make_shared<io::simulated_disk>();

    [[nodiscard]] std::unique_ptr<event_log> open(
        access_mode mode = access_mode::create,
        std::uint64_t segment_bytes = 1U << 20U,
        std::uint64_t seed = 1,
        std::uint64_t boot = 1
    ) const {
        return event_log::open(
            io::simulated_machine(disk, seed, boot), "/log", small_log(mode, segment_bytes)
        );
    }

    /// Syncs take a moment, so that others come in between.
    void slow_down() const {
        disk->observe([](std::uint64_t, io::operation op, const std::string&) {
            if (op == io::operation::sync_data)
                std::this_thread::sleep_for(std::chrono::microseconds{200});
        });
    }
};

std::vector<std::string> texts(event_log& from) {
    std::vector<std::string> out;
    for (const auto& e : read_all(from))
        out.push_back(e.payload);
    return out;
}

bool every_segment(const log::segment_index& /*segment*/) {
    return true;
}

bool holds(const std::vector<std::string>& found, const std::vector<std::string>& wanted) {
    return std::ranges::all_of(wanted, [&](const std::string& text) {
        return std::ranges::find(found, text) != found.end();
    });
}

} // namespace

TEST_CASE("archiving beside appends disturbs neither") {
    const log_fixture f;
    const auto log = f.open();
    f.slow_down();
    std::atomic<bool> is_done{false};
    std::atomic<std::uint64_t> acknowledged{0};
    std::vector<std::thread> threads;
    for (int w = 0; w < 4; ++w)
        threads.emplace_back([&, w] {
            while (!is_done) {
                append_texts(*log, "w-" + std::to_string(w), {"x"});
                ++acknowledged;
            }
        });
    for (int i = 0; i < 60; ++i)
        log->archive(every_segment);
    is_done = true;
    for (auto& t : threads)
        t.join();
    f.disk->observe({});
    CHECK(texts(*log).size() == acknowledged);
    log->close();
    CHECK(texts(*f.open()).size() == acknowledged);
}

TEST_CASE("closing beside appends finishes what was taken in and refuses the rest") {
    for (int round = 0; round < 40; ++round) {
        const log_fixture f;
        const auto log = f.open();
        f.slow_down();
        std::atomic<std::uint64_t> acknowledged{0};
        std::vector<std::thread> threads;
        for (int w = 0; w < 4; ++w)
            threads.emplace_back([&, w] {
                try {
                    for (;;) {
                        append_texts(*log, "w-" + std::to_string(w), {"x"});
                        ++acknowledged;
                    }
                } catch (const error& e) {
                    CHECK(e.code() == errc::read_only);
                }
            });
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
        std::thread second{[&] { log->close(); }};
        log->close();
        second.join();
        for (auto& t : threads)
            t.join();
        f.disk->observe({});
        CHECK(texts(*f.open()).size() == acknowledged);
    }
}

TEST_CASE("followers in threads beside a writer that rotates and archives see only more") {
    const log_fixture f;
    const auto writer = f.open(access_mode::create, 6000);
    const auto reader = f.open(access_mode::read_only);
    std::atomic<bool> is_done{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            std::size_t last = 0;
            while (!is_done) {
                const auto now = texts(*reader).size();
                CHECK(now >= last);
                last = now;
            }
        });
    threads.emplace_back([&] {
        while (!is_done)
            static_cast<void>(f.open(access_mode::read_only));
    });
    for (int i = 0; i < 200; ++i) {
        append_texts(*writer, "s-" + std::to_string(i % 3), {std::string(300, 'x')});
        if (i % 40 == 39)
            writer->archive(every_segment);
    }
    is_done = true;
    for (auto& t : threads)
        t.join();
    CHECK(texts(*reader).size() == 200);
}

TEST_CASE("a fenced writer that rotates, archives or closes leaves the new writer's log alone") {
    for (const auto* what : {"rotate", "archive", "close"}) {
        CAPTURE(what);
        const log_fixture f;
        const auto first = f.open(access_mode::create, small_segment);
        append_texts(*first, "s", {std::string(700, 'a')});
        f.disk->remove("/log/LOCK");
        const auto second = f.open(access_mode::create, small_segment, 2);
        append_texts(*second, "s", {"two"});
        const auto manifest = f.disk->content("/log/LOG");
        const auto head = f.disk->content("/log/head");
        if (what == std::string_view{"rotate"})
            CHECK_THROWS_AS(append_texts(*first, "s", {std::string(700, 'b')}), error);
        else if (what == std::string_view{"archive"})
            CHECK_THROWS_AS(first->archive(every_segment), error);
        else
            CHECK_THROWS_AS(first->close(), error);
        CHECK(f.disk->content("/log/LOG") == manifest);
        CHECK(f.disk->content("/log/head") == head);
        append_texts(*second, "s", {"three"});
        second->close();
        const auto again = f.open(access_mode::existing, small_segment, 3);
        CHECK(texts(*again) == std::vector<std::string>{std::string(700, 'a'), "two", "three"});
    }
}

TEST_CASE(
    "an operation fails, the log is reopened on the same boot, the power goes: nothing is lost"
) {
    std::uint64_t runs = 0;
    for (std::uint64_t at = 0;; ++at) {
        CAPTURE(at);
        const log_fixture f;
        f.disk->fail_at(at, EIO);
        std::vector<std::string> acknowledged;
        try {
            const auto to = f.open(access_mode::create, tiny_segment);
            for (int i = 0; i < 8; ++i) {
                const auto text = "batch " + std::to_string(i) + std::string(200, 'x');
                append_texts(*to, "s-" + std::to_string(i % 3), {text});
                acknowledged.push_back(text);
            }
            to->archive([](const log::segment_index& s) { return s.first() == position{0}; });
            to->close();
        } catch (const error&) {
        }
        const bool is_last = f.disk->operation_count() <= at;
        const log_fixture killed{f.disk->after_kill()};
        append_texts(*killed.open(access_mode::create, tiny_segment, 50), "s-after", {"reopened"});
        acknowledged.emplace_back("reopened");
        for (const auto kind :
             {io::power_cut::lose_all,
              io::power_cut::keep_all,
              io::power_cut::random,
              io::power_cut::garble}) {
            ++runs;
            const log_fixture cut{killed.disk->after_power_cut(kind, at)};
            const auto log = cut.open(access_mode::existing, tiny_segment, 60, 2);
            CHECK(holds(texts(*log), acknowledged));
        }
        if (is_last)
            break;
    }
    std::printf("failed, reopened, cut: %llu runs\n", static_cast<unsigned long long>(runs));
}

TEST_CASE(
    "killed anywhere, an operation of the next opening fails, then the power goes: nothing is lost"
) {
    std::uint64_t runs = 0;
    for (std::uint64_t at = 0; at < 140; at += 3) {
        const log_fixture f;
        f.disk->power_off_at(at);
        std::vector<std::string> acknowledged;
        try {
            const auto to = f.open(access_mode::create, tiny_segment);
            for (int i = 0; i < 6; ++i) {
                const auto text = "batch " + std::to_string(i) + std::string(200, 'x');
                append_texts(*to, "s", {text});
                acknowledged.push_back(text);
            }
            to->close();
        } catch (const io::simulated_disk::powered_off&) {
        }
        for (std::uint64_t second = 0;; ++second) {
            CAPTURE(at);
            CAPTURE(second);
            const log_fixture killed{f.disk->after_kill()};
            const auto start = killed.disk->operation_count();
            killed.disk->fail_at(start + second, EIO);
            auto book = acknowledged;
            const auto append_one = [&](const log_fixture& on, std::uint64_t seed, const char* text
                                    ) {
                append_texts(*on.open(access_mode::create, tiny_segment, seed), "s", {text});
                book.emplace_back(text);
            };
            try {
                append_one(killed, 40, "first try");
            } catch (const error&) {
            }
            const bool is_last = killed.disk->operation_count() <= start + second;
            const log_fixture again{killed.disk->after_kill()};
            append_one(again, 50, "second try");
            for (const auto kind :
                 {io::power_cut::lose_all, io::power_cut::keep_all, io::power_cut::garble}) {
                ++runs;
                const log_fixture cut{again.disk->after_power_cut(kind, at)};
                CHECK(holds(texts(*cut.open(access_mode::existing, tiny_segment, 60, 2)), book));
            }
            if (is_last)
                break;
        }
    }
    std::printf(
        "killed, failed, reopened, cut: %llu runs\n", static_cast<unsigned long long>(runs)
    );
}

TEST_CASE("archives without a manifest are damage, however small") {
    const log_fixture f;
    {
        const auto log = f.open();
        append_texts(*log, "s", {"one", "two"});
        log->archive(every_segment);
    }
    f.disk->remove("/log/LOG");
    const auto before = f.disk->files_below("/log");
    try {
        static_cast<void>(f.open());
        FAIL("a new log was made over events");
    } catch (const error& e) {
        CHECK(e.code() == errc::damaged);
    }
    CHECK(f.disk->files_below("/log") == before);
}

TEST_CASE("a read error while following is not forgotten and spoils nothing") {
    for (std::uint64_t k = 0;; ++k) {
        CAPTURE(k);
        const log_fixture f;
        const auto writer = f.open(access_mode::create, small_segment);
        const auto reader = f.open(access_mode::read_only);
        std::vector<std::string> written;
        for (int i = 0; i < 8; ++i) {
            written.emplace_back(700, static_cast<char>('a' + i));
            append_texts(*writer, "s", {written.back()});
        }
        f.disk->fail_at(f.disk->operation_count() + k, EMFILE);
        bool has_failed = false;
        try {
            static_cast<void>(texts(*reader));
        } catch (const error&) {
            has_failed = true;
        }
        f.disk->fail_at(0, 0);
        CHECK(texts(*reader) == written);
        if (!has_failed)
            break;
    }
}

TEST_CASE("opening for reading succeeds beside a writer that archives what is about to be opened") {
    const log_fixture f;
    const auto writer = f.open(access_mode::create, small_segment);
    std::vector<std::string> written;
    for (int i = 0; i < 24; ++i) {
        written.emplace_back(700, static_cast<char>('a' + i));
        append_texts(*writer, "s", {written.back()});
    }
    std::uint64_t archived = 0;
    bool is_inside = false;
    f.disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (is_inside || op != io::operation::open || !path.ends_with(".evl") || archived >= 12)
            return;
        is_inside = true;
        const position next{archived++};
        writer->archive([&](const log::segment_index& s) {
            return s.event_count() > 0 && s.first() == next;
        });
        is_inside = false;
    });
    CHECK(texts(*f.open(access_mode::read_only)) == written);
    f.disk->observe({});
}

TEST_CASE("an older copy of the head mark hides from a reader only what nothing else vouches for") {
    const log_fixture f;
    const auto log = f.open();
    append_texts(*log, "s", {"one"});
    const auto old = f.disk->content("/log/head");
    append_texts(*log, "s", {"two"});
    append_texts(*log, "s", {"three"});
    log->close();
    f.disk->set_content("/log/head", old);
    CHECK(texts(*f.open(access_mode::read_only)) == std::vector<std::string>{"one", "two"});
    CHECK(texts(*f.open()) == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("a reader that can't tell one boot from another stops at what is known to be durable") {
    const log_fixture f;
    auto nameless = io::simulated_machine(f.disk);
    nameless.boot_id = uuid{};
    const auto writer = event_log::open(nameless, "/log", small_log());
    append_texts(*writer, "s", {"durable"});
    std::vector<std::string> seen;
    bool is_inside = false;
    f.disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (is_inside || op != io::operation::sync_data || !path.ends_with(".evl"))
            return;
        is_inside = true;
        seen = texts(*event_log::open(nameless, "/log", small_log(access_mode::read_only)));
        is_inside = false;
    });
    append_texts(*writer, "s", {"in flight"});
    f.disk->observe({});
    CHECK(seen == std::vector<std::string>{"durable"});
}

TEST_CASE("what is indexed and not yet visible can't be asked for") {
    const log_fixture f;
    const auto writer = f.open();
    const auto reader = f.open(access_mode::read_only);
    const auto& index = reader->index();
    for (int i = 0; i < 12; ++i)
        append_texts(*writer, "s", std::vector<std::string>(3, std::string(15'000, 'x')));
    f.disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (op != io::operation::read || !path.ends_with(".evl"))
            return;
        std::thread{[&] {
            const auto at = index.position_of("s", revision{0});
            CHECK(at.has_value() == (index.end() > position{0}));
            CHECK(index.next_revision("s").has_value() == (index.end() > position{0}));
        }}.join();
    });
    CHECK(texts(*reader).size() == 36);
    f.disk->observe({});
}

TEST_CASE("after damage was reported a cursor does not pass over the rest of the batch") {
    const log_fixture f;
    const auto log = f.open();
    append_texts(*log, "s", {"one", "two", "three"});
    append_texts(*log, "s", {"four"});
    for (const auto& path : f.disk->files_below("/log")) {
        if (!path.ends_with(".evl"))
            continue;
        auto content = f.disk->content(path);
        content[4096 + 64 + 90] ^= std::byte{1};
        f.disk->set_content(path, content);
    }
    log::log_cursor cursor{log->index(), {.items = {{}}}};
    CHECK_THROWS_AS(static_cast<void>(cursor.next()), corruption);
    CHECK_THROWS_AS(static_cast<void>(cursor.next()), corruption);
}

TEST_CASE("waiting for as long as can be said is not waiting for no time") {
    const log_fixture f;
    const auto writer = f.open();
    const auto reader = f.open(access_mode::read_only);
    for (auto* log : {writer.get(), reader.get()}) {
        std::thread later{[&] {
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
            append_texts(*writer, "s", {"x"});
        }};
        CHECK(log->wait_for(writer->index().end(), std::chrono::milliseconds::max()));
        later.join();
    }
}

TEST_CASE("more event types than one segment can number go to another segment") {
    const log_fixture f;
    const auto log = f.open(access_mode::create, 64U << 20U);
    std::uint64_t made = 0;
    std::vector<std::string> names;
    for (int batch = 0; batch < 67; ++batch) {
        names.clear();
        for (int i = 0; i < 1000; ++i)
            names.push_back(std::to_string(made++));
        std::vector<log::draft> drafts;
        for (const auto& name : names)
            drafts.push_back({.stream = "s", .type = name, .payload = as_bytes("x")});
        for (std::size_t i = 0; i < drafts.size(); i += 250)
            REQUIRE(log->append(
                std::span{drafts}.subspan(i, 250), {}, [](const log::stream_heads&) { return true; }
            ));
    }
    CHECK(log->count_segments().all == 2);
    CHECK(read_all(*log).size() == made);
}

TEST_CASE("an archive that says it is endless is damage") {
    const log_fixture f;
    {
        const auto log = f.open();
        append_texts(*log, "s", {"one", "two"});
        log->archive(every_segment);
    }
    for (const auto& path : f.disk->files_below("/log")) {
        if (!path.ends_with(".evz"))
            continue;
        const auto content = f.disk->content(path);
        byte_buffer trailer(content.end() - 64, content.end());
        store_le(trailer.data() + 32, ~std::uint64_t{0}); // size
        store_le(trailer.data() + 40, std::uint32_t{0});  // blocks
        store_le(trailer.data() + 48, std::uint64_t{0});  // where their list is
        store_le(trailer.data() + 56, log::checksum(bytes_view{trailer}.first(56), 0));
        f.disk->set_content(path, trailer);
    }
    const auto log = f.open();
    CHECK_THROWS_AS(static_cast<void>(read_all(*log)), corruption);
}
