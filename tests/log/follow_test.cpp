// SPDX-License-Identifier: MIT
// Readers in processes of their own, asleep until the writer wakes them.

#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_file.hpp>

#include <doctest/doctest.h>
#include <support/child_process.hpp>
#include <support/log_verbs.hpp>
#include <support/scratch_dir.hpp>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using access_mode = log::access;
using log::event_log;

namespace {

constexpr std::uint64_t small_segment = 6000;
// A wait that takes so long has failed; a reader with so much patience sees only what woke it.
constexpr std::chrono::seconds too_long{60};
constexpr std::chrono::milliseconds for_ever{3'600'000};
constexpr std::string_view last_text = "last";

std::unique_ptr<event_log>
open_posix(const std::string& path, access_mode mode, bool is_archiving = false) {
    auto options = small_log(mode, small_segment);
    options.compress_sealed = is_archiving;
    return event_log::open(io::posix_machine(), path, options);
}

std::unique_ptr<event_log>
open_reader(const std::string& path, std::chrono::milliseconds look_again) {
    auto options = small_log(access_mode::read_only);
    options.look_again = look_again;
    return event_log::open(io::posix_machine(), path, options);
}

/// Each event's text is its position, except that of the last one.
void append_next(event_log& to) {
    append_texts(to, "s", {std::to_string(to.index().end().value())});
}

/// What a follower has made of the events that it saw.
enum class verdict : int { all_in_order, not_woken, out_of_order };

class follower {
public:
    explicit follower(event_log& from)
        : from_{&from} {}

    /// Visits each new event once; whether the last one was among them.
    verdict visit_new(bool& is_over) {
        log::selection wanted{.from = position{next_}};
        wanted.items.emplace_back();
        log::log_cursor cursor{from_->index(), std::move(wanted)};
        while (const auto* event = cursor.next()) {
            const auto text = as_text(event->record.payload);
            is_over = text == last_text;
            if (event->at.value() != next_ || (!is_over && text != std::to_string(next_)))
                return verdict::out_of_order;
            ++next_;
        }
        return verdict::all_in_order;
    }

    [[nodiscard]] bool wait() { return from_->wait_for(position{next_}, too_long); }

    [[nodiscard]] std::uint64_t next() const noexcept { return next_; }

private:
    event_log* from_;
    std::uint64_t next_{};
};

int follow_to_last(
    const std::string& path, const numbers_out& say, std::chrono::milliseconds patience
) {
    const auto log = open_reader(path, patience);
    follower mine{*log};
    say.put(0);
    for (bool is_over = false; !is_over;) {
        if (!mine.wait())
            return static_cast<int>(verdict::not_woken);
        const auto seen = mine.visit_new(is_over);
        if (seen != verdict::all_in_order)
            return static_cast<int>(seen);
    }
    say.put(mine.next());
    return static_cast<int>(verdict::all_in_order);
}

int append_until_killed(const std::string& path, const numbers_out& say) {
    const auto log = open_posix(path, access_mode::existing, true);
    for (;;) {
        append_next(*log);
        say.put(log->index().end().value());
    }
}

} // namespace

TEST_CASE("a reader in another process is woken by each append, and misses none") {
    const scratch_dir directory;
    const auto path = directory / "log";
    constexpr std::uint64_t rounds = 1000;
    const auto writer = open_posix(path, access_mode::create);
    child_process reader{[&path](const numbers_out& say) {
        const auto log = open_reader(path, for_ever);
        for (std::uint64_t n = 0; n < rounds; ++n) {
            if (!log->wait_for(position{n}, too_long))
                return static_cast<int>(verdict::not_woken);
            say.put(n);
        }
        const auto sleeps = log->count_sleeps();
        say.put(sleeps.woken);
        say.put(sleeps.timed_out);
        return static_cast<int>(verdict::all_in_order);
    }};
    std::mt19937 random{7};
    for (std::uint64_t n = 0; n < rounds; ++n) {
        // Before the reader sleeps, while it falls asleep, and long after.
        std::this_thread::sleep_for(std::chrono::microseconds{random() % 400});
        append_next(*writer);
        REQUIRE(reader.get() == n);
    }
    const auto woken = reader.get();
    CHECK(woken > 0);
    CHECK(reader.get() == 0); // none by its own patience
    CHECK(reader.wait() == static_cast<int>(verdict::all_in_order));
}

TEST_CASE(
    "followers see each event once and in order, though writers rotate, archive and are killed"
) {
    const scratch_dir directory;
    const auto path = directory / "log";
    open_posix(path, access_mode::create)->close();
    // One that looks again now and then, and two that only move when they are woken.
    const auto with_patience = [&path](std::chrono::milliseconds patience) {
        return [&path, patience](const numbers_out& say) {
            return follow_to_last(path, say, patience);
        };
    };
    std::array<child_process, 3> followers{
        child_process{with_patience(std::chrono::milliseconds{50})},
        child_process{with_patience(for_ever)},
        child_process{with_patience(for_ever)}};
    for (auto& f : followers)
        REQUIRE(f.get() == 0);
    std::mt19937 random{13};
    for (int life = 0; life < 15; ++life) {
        child_process writer{
            [&path](const numbers_out& say) { return append_until_killed(path, say); }};
        const auto appends = 50 + random() % 200;
        for (std::uint64_t n = 0; n < appends; ++n)
            REQUIRE(writer.get());
        std::this_thread::sleep_for(std::chrono::microseconds{random() % 2000});
    }
    const auto last = open_posix(path, access_mode::existing);
    CHECK(last->count_segments().archived > 3);
    append_texts(*last, "s", {std::string{last_text}});
    const auto end = last->index().end().value();
    for (auto& f : followers) {
        CHECK(f.get() == end);
        CHECK(f.wait() == static_cast<int>(verdict::all_in_order));
    }
}

TEST_CASE("a follower goes on through segments whose files are replaced while it reads them") {
    const scratch_dir directory;
    const auto path = directory / "log";
    const auto writer = open_posix(path, access_mode::create);
    while (writer->count_segments().all < 20)
        append_next(*writer);
    const auto before = writer->index().end().value();
    child_process reader{[&path, before](const numbers_out& say) {
        const auto log = open_reader(path, for_ever);
        log::selection wanted;
        wanted.items.emplace_back();
        log::log_cursor cursor{log->index(), std::move(wanted)};
        if (cursor.next() == nullptr)
            return static_cast<int>(verdict::out_of_order);
        say.put(0);
        // The first one after all segments have been archived.
        if (!log->wait_for(position{before}, too_long))
            return static_cast<int>(verdict::not_woken);
        std::uint64_t n = 1;
        for (const auto* event = cursor.next(); event != nullptr; event = cursor.next(), ++n)
            if (as_text(event->record.payload) != std::to_string(n))
                return static_cast<int>(verdict::out_of_order);
        say.put(n);
        return static_cast<int>(verdict::all_in_order);
    }};
    REQUIRE(reader.get() == 0);
    const auto done = writer->archive([](const log::segment_index&) { return true; });
    CHECK(done.segments == 20);
    append_next(*writer);
    CHECK(reader.get() == before);
    CHECK(reader.wait() == static_cast<int>(verdict::all_in_order));
}

TEST_CASE("a head mark that is cut, garbled or away while readers sleep costs them time at most") {
    struct mishap {
        const char* name;
        std::function<void(const std::string& head)> happen;
        std::function<void(const std::string& head)> undo;
    };
    const auto fill = [](std::uint64_t from, std::uint64_t to) {
        return [from, to](const std::string& head) {
            std::fstream out{head, std::ios::in | std::ios::out | std::ios::binary};
            out.seekp(static_cast<std::streamoff>(from));
            out << std::string(to - from, '\xA5');
        };
    };
    const auto cut = [](std::uint64_t size) {
        return [size](const std::string& head) { std::filesystem::resize_file(head, size); };
    };
    const auto move_away = [](const std::string& head) {
        std::filesystem::rename(head, head + ".away");
    };
    const auto move_back = [](const std::string& head) {
        std::filesystem::remove_all(head);
        std::filesystem::rename(head + ".away", head);
    };
    const auto nothing = [](const std::string&) {};
    const std::vector<mishap> mishaps{
        {"cut to nothing", cut(0), nothing},
        {"cut before its second slot", cut(4096), nothing},
        {"cut in the word", cut(4096 + 10), nothing},
        {"another word", fill(4096 + 8, 4096 + 12), nothing},
        {"a garbled second slot", fill(4096, 8192), nothing},
        {"a garbled first slot", fill(0, 4096), nothing},
        {"garbled as a whole", fill(0, 8192), nothing},
        {"away", move_away, move_back},
        {"a symbolic link",
         [&](const std::string& head) {
             move_away(head);
             std::filesystem::create_symlink(head + ".away", head);
         },
         move_back},
        {"a directory",
         [&](const std::string& head) {
             move_away(head);
             std::filesystem::create_directory(head);
         },
         move_back},
        {"a copy of itself",
         [&](const std::string& head) {
             move_away(head);
             std::filesystem::copy_file(head + ".away", head);
         },
         move_back},
    };
    for (const auto& m : mishaps) {
        CAPTURE(m.name);
        const scratch_dir directory;
        const auto path = directory / "log";
        const auto writer = open_posix(path, access_mode::create);
        append_next(*writer);
        child_process reader{[&path](const numbers_out& say) {
            const auto log = open_reader(path, std::chrono::milliseconds{5});
            follower mine{*log};
            say.put(0);
            for (bool is_over = false; !is_over;) {
                try {
                    static_cast<void>(mine.wait());
                    if (mine.visit_new(is_over) != verdict::all_in_order)
                        return static_cast<int>(verdict::out_of_order);
                } catch (const error&) { // says what is wrong with the head mark
                    std::this_thread::sleep_for(std::chrono::milliseconds{1});
                }
            }
            say.put(mine.next());
            return static_cast<int>(verdict::all_in_order);
        }};
        REQUIRE(reader.get() == 0);
        std::this_thread::sleep_for(std::chrono::milliseconds{10}); // most likely asleep
        m.happen(io::join(path, log::head_name));
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
        append_next(*writer);
        m.undo(io::join(path, log::head_name));
        append_texts(*writer, "s", {std::string{last_text}});
        writer->close(); // which writes the first slot again, too
        CHECK(reader.get() == 3);
        CHECK(reader.wait() == static_cast<int>(verdict::all_in_order));
    }
}

TEST_CASE("a follower that is killed or stopped holds nothing and leaves nothing behind") {
    const scratch_dir directory;
    const auto path = directory / "log";
    auto writer = open_posix(path, access_mode::create);
    append_next(*writer);
    const auto files = io::posix_files();
    const auto listed = [&] {
        auto names = files->list(path);
        std::erase(names, log::next_segment_name); // the writer's, at any time
        return names;
    };
    const auto before = listed();
    const auto wait_for_ever = [&path](const numbers_out& say) {
        const auto log = open_reader(path, for_ever);
        say.put(0);
        return log->wait_for(position{1'000'000}, for_ever) ? 0 : 1;
    };
    child_process killed{wait_for_ever};
    child_process stopped{wait_for_ever};
    REQUIRE(killed.get() == 0);
    REQUIRE(stopped.get() == 0);
    std::this_thread::sleep_for(std::chrono::milliseconds{10}); // most likely asleep
    stopped.stop();
    killed.kill();
    CHECK(listed() == before);
    append_next(*writer);
    writer->close();
    writer = open_posix(path, access_mode::existing);
    append_next(*writer);
    CHECK(writer->index().end() == position{3});
    CHECK(files->list(path) == before);
}

TEST_CASE("a reader of a log at rest sleeps once, whatever was written last") {
    const scratch_dir directory;
    const auto path = directory / "log";
    const auto writer = open_posix(path, access_mode::create);
    const auto look = [&](const char* what) {
        CAPTURE(what);
        const auto reader = open_reader(path, for_ever);
        const auto is_there = reader->wait_for(position{1'000'000}, std::chrono::milliseconds{5});
        CHECK(!is_there);
        const auto sleeps = reader->count_sleeps();
        CHECK(sleeps.woken == 0);
        CHECK(sleeps.timed_out == 1);
        CHECK(sleeps.not_possible == 0);
    };
    look("the opening");
    append_next(*writer);
    look("an append");
    while (writer->count_segments().all < 3)
        append_next(*writer);
    look("a rotation");
    writer->archive([](const log::segment_index&) { return true; });
    look("an archive");
    writer->close();
    look("a close");
}

TEST_CASE("readers on several threads sleep and are woken together") {
    const scratch_dir directory;
    const auto path = directory / "log";
    const auto writer = open_posix(path, access_mode::create);
    const auto reader = open_reader(path, for_ever);
    std::array<bool, 4> came{};
    {
        std::vector<std::jthread> threads;
        for (auto& mine : came)
            threads.emplace_back([&] { mine = reader->wait_for(position{99}, too_long); });
        for (int i = 0; i < 100; ++i)
            append_next(*writer);
    }
    CHECK(came == std::array{true, true, true, true});
    CHECK(reader->count_sleeps().timed_out == 0);
}
