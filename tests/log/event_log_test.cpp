// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/segment_file.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using access_mode = log::access;
using log::event_log;

namespace {

/// One machine with one log at "/log".
struct log_fixture {
    std::shared_ptr<io::simulated_disk> disk = std::make_shared<io::simulated_disk>();

    [[nodiscard]] std::unique_ptr<event_log>
    open(access_mode mode = access_mode::create, std::uint64_t segment_bytes = 1U << 20U) const {
        return event_log::open(io::simulated_machine(disk), "/log", small_log(mode, segment_bytes));
    }

    /// The only file of the log that ends so.
    [[nodiscard]] std::string file_ending(std::string_view end) const {
        std::string out;
        for (const auto& path : disk->files_below("/log")) {
            if (path.ends_with(end) && path.find(log::quarantine_name) == std::string::npos) {
                CHECK(out.empty());
                out = path;
            }
        }
        REQUIRE(!out.empty());
        return out;
    }

    void append_bytes_to(const std::string& path, const byte_buffer& more) const {
        auto content = disk->content(path);
        append_bytes(content, more);
        disk->set_content(path, content);
    }
};

errc code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const error& e) {
        return e.code();
    }
    FAIL("nothing was thrown");
    return errc::io;
}

std::vector<std::string> texts(event_log& from) {
    std::vector<std::string> out;
    for (const auto& e : read_all(from))
        out.push_back(e.payload);
    return out;
}

} // namespace

TEST_CASE("a reader of a log at rest reads one word each time, and opens nothing") {
    const log_fixture here;
    const auto writer = here.open();
    append_texts(*writer, "s", {"one"});
    const auto reader = here.open(access_mode::read_only);
    CHECK(texts(*reader) == std::vector<std::string>{"one"});
    const auto head = "/log/" + std::string{log::head_name};
    int opened = 0;
    here.disk->observe([&](std::uint64_t, io::operation op, const std::string&) {
        opened += op == io::operation::open ? 1 : 0;
    });
    const auto before = here.disk->bytes_read(head);
    for (int i = 0; i < 100; ++i)
        static_cast<void>(reader->index());
    CHECK(opened == 0);
    CHECK(here.disk->bytes_read(head) - before == 400);
    here.disk->observe({});

    // What is new is seen at once, also through a head mark that took the old one's place.
    append_texts(*writer, "s", {"two"});
    CHECK(reader->index().end() == position{2});
    const auto copy = here.disk->content(head);
    io::replace_durably(*io::simulated_machine(here.disk).files, head, copy);
    CHECK(reader->index().end() == position{2});
    writer->close();
    const auto next = here.open(access_mode::existing);
    append_texts(*next, "s", {"three"});
    CHECK(texts(*reader) == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("an append that is not admitted leaves nothing to the next") {
    const log_fixture here;
    const auto log = here.open();
    append_texts(*log, "known", {"one"});
    const auto refused = [&](const std::string& stream) {
        const auto text = std::string{"refused"};
        const std::vector<log::draft> drafts{
            {.stream = "known", .type = "noted", .payload = as_bytes(text)},
            {.stream = stream, .type = "noted", .payload = as_bytes(text)}};
        std::optional<revision> of_known;
        std::optional<revision> of_new;
        const auto placed = log->append(drafts, {}, [&](const log::stream_heads& heads) {
            of_new = heads.last(drafts[1].stream); // not in their order
            of_known = heads.last(drafts[0].stream);
            return false;
        });
        CHECK(!placed);
        CHECK(!of_new);
        return of_known;
    };
    for (int i = 0; i < 50; ++i)
        CHECK(refused("new-" + std::to_string(i)) == revision{0});
    append_texts(*log, "new-7", {"first"});
    append_texts(*log, "known", {"two", "three"});
    CHECK(refused("new-8") == revision{2});
    const auto names = log->index().stream_names();
    CHECK(names == std::vector<std::string>{"known", "new-7"});
    CHECK(texts(*log) == std::vector<std::string>{"one", "first", "two", "three"});
}

TEST_CASE("a log that is missing is created, or not a log, as the caller says") {
    const log_fixture f;
    CHECK(code_of([&] { static_cast<void>(f.open(access_mode::read_only)); }) == errc::not_a_log);
    CHECK(code_of([&] { static_cast<void>(f.open(access_mode::existing)); }) == errc::not_a_log);
    CHECK(f.disk->kind("/log") == io::path_kind::missing);
    CHECK(texts(*f.open()).empty());
    CHECK(texts(*f.open(access_mode::existing)).empty());
    CHECK(texts(*f.open(access_mode::read_only)).empty());
}

TEST_CASE("a directory with other things in it is not made a log") {
    const log_fixture f;
    f.disk->make_directory("/log");
    f.disk->set_content("/log/notes.txt", byte_buffer(3));
    CHECK(code_of([&] { static_cast<void>(f.open()); }) == errc::not_a_log);
    CHECK(f.disk->files_below("/log") == std::vector<std::string>{"/log/notes.txt"});
}

TEST_CASE("a file is not a log") {
    const log_fixture f;
    f.disk->set_content("/log", byte_buffer(3));
    for (const auto mode : {access_mode::create, access_mode::existing, access_mode::read_only})
        CHECK(code_of([&] { static_cast<void>(f.open(mode)); }) == errc::not_a_log);
}

TEST_CASE("segments without a manifest are damage, and nothing is created over them") {
    const log_fixture f;
    append_texts(*f.open(), "s", {"one"});
    f.disk->remove("/log/LOG");
    for (const auto mode : {access_mode::create, access_mode::existing, access_mode::read_only})
        CHECK(code_of([&] { static_cast<void>(f.open(mode)); }) == errc::damaged);
}

TEST_CASE("a second writer fails at once and names the owner") {
    const log_fixture f;
    const auto first = f.open();
    try {
        static_cast<void>(f.open());
        FAIL("two writers");
    } catch (const error& e) {
        CHECK(e.code() == errc::in_use);
        CHECK(e.message().find(io::simulated_machine(f.disk).process_name) != std::string::npos);
    }
    append_texts(*first, "s", {"still mine"});
    CHECK(texts(*f.open(access_mode::read_only)) == std::vector<std::string>{"still mine"});
    first->close();
    CHECK(texts(*f.open()) == std::vector<std::string>{"still mine"});
}

TEST_CASE("a writer whose lock file was replaced writes nothing more") {
    const log_fixture f;
    const auto first = f.open();
    append_texts(*first, "s", {"one"});
    f.disk->remove("/log/LOCK");
    const auto second = f.open();
    append_texts(*second, "s", {"two"});
    const auto before = f.disk->content(f.file_ending(".evl"));
    const auto head_before = f.disk->content("/log/head");
    CHECK(code_of([&] { append_texts(*first, "s", {"three"}); }) == errc::in_use);
    CHECK(code_of([&] { append_texts(*first, "s", {"four"}); }) == errc::writer_failed);
    CHECK(f.disk->content(f.file_ending(".evl")) == before);
    CHECK(f.disk->content("/log/head") == head_before);
    append_texts(*second, "s", {"five"});
    CHECK(texts(*second) == std::vector<std::string>{"one", "two", "five"});
}

TEST_CASE("opening for reading changes no byte and takes no lock") {
    const log_fixture f;
    const auto writer = f.open();
    append_texts(*writer, "s", {"one"});
    const auto operations = [&] {
        std::vector<io::operation> out;
        f.disk->observe([&](std::uint64_t, io::operation op, const std::string&) {
            out.push_back(op);
        });
        CHECK(texts(*f.open(access_mode::read_only)) == std::vector<std::string>{"one"});
        f.disk->observe({});
        return out;
    }();
    for (const auto op : operations)
        CHECK((op == io::operation::open || op == io::operation::read || op == io::operation::list)
        );
}

TEST_CASE("a reader follows a living writer through rotation and archiving") {
    const log_fixture f;
    const auto writer = f.open(access_mode::create, 5000);
    const auto reader = f.open(access_mode::read_only);
    std::vector<std::string> written;
    for (int i = 0; i < 60; ++i) {
        written.push_back("event " + std::to_string(i));
        append_texts(*writer, "s-" + std::to_string(i % 2), {written.back()});
        if (i % 20 == 19)
            writer->archive([](const log::segment_index&) { return true; });
        if (i % 3 == 0)
            CHECK(texts(*reader) == written);
    }
    CHECK(texts(*reader) == written);
    CHECK(texts(*f.open(access_mode::read_only)) == written);
    CHECK(writer->count_segments().archived > 5);
}

TEST_CASE("a reader does not see what is written and not yet durable") {
    const log_fixture f;
    const auto writer = f.open();
    append_texts(*writer, "s", {"durable"});
    // A kill between write and sync: the bytes are in the file, the mark is not.
    f.disk->observe(
        [&, seen = false](std::uint64_t number, io::operation op, const std::string&) mutable {
            if (op == io::operation::sync_data && !seen) {
                seen = true;
                f.disk->power_off_at(number);
            }
        }
    );
    CHECK_THROWS(append_texts(*writer, "s", {"never acknowledged"}));
    const log_fixture after{f.disk->after_kill()};
    CHECK(texts(*after.open(access_mode::read_only)) == std::vector<std::string>{"durable"});
    // The next writer syncs what it finds before it shows it.
    CHECK(texts(*after.open()) == std::vector<std::string>{"durable", "never acknowledged"});
    const log_fixture cut{after.disk->after_power_cut(io::power_cut::lose_all, 1)};
    CHECK(texts(*cut.open()) == std::vector<std::string>{"durable", "never acknowledged"});
}

TEST_CASE("a torn tail is put aside, counted and named, and the log goes on") {
    const log_fixture f;
    append_texts(*f.open(), "s", {"one"});
    const auto segment = f.file_ending(".evl");
    f.append_bytes_to(segment, byte_buffer(100, std::byte{0x5A}));
    {
        const auto reader = f.open(access_mode::read_only);
        CHECK(texts(*reader) == std::vector<std::string>{"one"});
    }
    const auto log = f.open();
    CHECK(log->notes().torn_bytes == 100);
    CHECK(f.disk->content(log->notes().quarantine_file) == byte_buffer(100, std::byte{0x5A}));
    REQUIRE(log->notes().notes.size() == 1);
    append_texts(*log, "s", {"two"});
    log->close();
    const auto again = f.open();
    CHECK(again->notes().notes.empty());
    CHECK(texts(*again) == std::vector<std::string>{"one", "two"});
}

TEST_CASE("zeros after the last frame are not worth a word") {
    const log_fixture f;
    append_texts(*f.open(), "s", {"one"});
    f.append_bytes_to(f.file_ending(".evl"), byte_buffer(5000));
    const auto log = f.open();
    CHECK(log->notes().notes.empty());
    append_texts(*log, "s", {"two"});
    CHECK(texts(*log) == std::vector<std::string>{"one", "two"});
}

TEST_CASE("more after the last frame than one group can be is damage, not a torn tail") {
    const log_fixture f;
    append_texts(*f.open(), "s", {"one"});
    f.append_bytes_to(f.file_ending(".evl"), byte_buffer(200'000, std::byte{0x5A}));
    CHECK(code_of([&] { static_cast<void>(f.open()); }) == errc::damaged);
}

TEST_CASE("a log cut on a frame boundary is damaged, though every frame in it is whole") {
    const log_fixture f;
    std::uint64_t boundary = 0;
    {
        const auto log = f.open();
        append_texts(*log, "s", {"one"});
        boundary = end_of_frames(f.disk->content(f.file_ending(".evl")));
        append_texts(*log, "s", {"two"});
    }
    const auto segment = f.file_ending(".evl");
    auto content = f.disk->content(segment);
    content.resize(static_cast<std::size_t>(boundary));
    f.disk->set_content(segment, content);
    for (const auto mode : {access_mode::create, access_mode::read_only}) {
        try {
            static_cast<void>(f.open(mode));
            FAIL("an acknowledged event was lost in silence");
        } catch (const corruption& e) {
            CHECK(e.file() == segment);
            CHECK(e.at() == byte_offset{boundary});
            CHECK(e.first_lost == position{1});
        }
    }
}

TEST_CASE("a frame that lies about the past is found by what follows it") {
    // The middle of three batches is damaged: its watermark's successor vouches for it.
    const log_fixture f;
    std::vector<std::uint64_t> ends;
    {
        const auto log = f.open();
        for (const auto* text : {"one", "two", "three"}) {
            append_texts(*log, "s", {text});
            ends.push_back(end_of_frames(f.disk->content(f.file_ending(".evl"))));
        }
    }
    // Take the head mark back to the beginning: only the watermarks are left.
    const auto segment = f.file_ending(".evl");
    auto content = f.disk->content(segment);
    content[static_cast<std::size_t>(ends[0]) + 70] ^= std::byte{1};
    f.disk->set_content(segment, content);
    CHECK(code_of([&] { static_cast<void>(f.open()); }) == errc::damaged);
}

TEST_CASE(
    "after a failed sync the writer stays failed, reads go on, and reopening believes no cache"
) {
    const log_fixture f;
    const auto log = f.open();
    append_texts(*log, "s", {"one"});
    bool has_failed = false;
    f.disk->observe([&](std::uint64_t number, io::operation op, const std::string&) {
        if (op == io::operation::sync_data && !has_failed) {
            has_failed = true;
            f.disk->fail_at(number, EIO);
        }
    });
    CHECK(code_of([&] { append_texts(*log, "s", {"lost"}); }) == errc::io);
    f.disk->observe({});
    CHECK(code_of([&] { append_texts(*log, "s", {"two"}); }) == errc::writer_failed);
    CHECK(code_of([&] { append_texts(*log, "s", {"two"}); }) == errc::writer_failed);
    CHECK(texts(*log) == std::vector<std::string>{"one"});
    CHECK(code_of([&] { log->close(); }) == errc::writer_failed);

    // Same boot: the bytes are in the page cache and would check, but may never reach the disk.
    const auto again = f.open();
    CHECK(again->notes().torn_bytes > 0);
    CHECK(texts(*again) == std::vector<std::string>{"one"});
    append_texts(*again, "s", {"three"});
    const log_fixture cut{f.disk->after_power_cut(io::power_cut::lose_all, 1)};
    CHECK(texts(*cut.open()) == std::vector<std::string>{"one", "three"});
}

TEST_CASE("a segment that the manifest does not name is put aside and never read") {
    const log_fixture f;
    append_texts(*f.open(), "s", {"one"});
    const auto stray = "/log/" + log::segment_file_name(position{1}, 42, "evl");
    f.disk->set_content(stray, f.disk->content(f.file_ending(".evl")));
    const auto log = f.open();
    CHECK(texts(*log) == std::vector<std::string>{"one"});
    CHECK(f.disk->kind(stray) == io::path_kind::missing);
    CHECK(log->notes().notes.size() == 1);
    CHECK(f.disk->files_below("/log/quarantine").size() == 1);
}

TEST_CASE("limits are those of the log's creation, whatever a later opening asks for") {
    const log_fixture f;
    append_texts(*f.open(), "s", {"one"});
    auto larger = small_log(access_mode::existing);
    larger.limits.event_bytes_max = 1U << 20U;
    larger.limits.batch_bytes_max = 1U << 20U;
    const auto log = event_log::open(io::simulated_machine(f.disk), "/log", larger);
    CHECK(code_of([&] { append_texts(*log, "s", {std::string(20'000, 'x')}); }) == errc::limit);
    auto senseless = small_log();
    senseless.limits.batch_bytes_max = 10;
    CHECK(code_of([&] {
              static_cast<void>(event_log::open(io::simulated_machine(f.disk), "/other", senseless)
              );
          }) == errc::invalid);
}

TEST_CASE("appends that wait at the same time share a sync") {
    const log_fixture f;
    const auto log = f.open();
    std::atomic<std::uint64_t> syncs{0};
    f.disk->observe([&](std::uint64_t, io::operation op, const std::string&) {
        if (op == io::operation::sync_data) {
            ++syncs;
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
    });
    constexpr int writers = 8;
    constexpr int appends = 25;
    std::vector<std::thread> threads;
    for (int w = 0; w < writers; ++w)
        threads.emplace_back([&, w] {
            for (int i = 0; i < appends; ++i)
                append_texts(*log, "w-" + std::to_string(w), {std::to_string(i)});
        });
    for (auto& t : threads)
        t.join();
    f.disk->observe({});
    CHECK(log->index().end() == position{writers * appends});
    CHECK(syncs < writers * appends / 2);
    log->close();
    CHECK(read_all(*f.open()).size() == writers * appends);
}

TEST_CASE("recorded time never runs backwards, whatever the clock does") {
    const log_fixture f;
    auto machine = io::simulated_machine(f.disk);
    const auto clock = std::make_shared<io::simulated_clock>();
    machine.time = clock;
    const auto log = event_log::open(machine, "/log", small_log());
    for (const std::int64_t year : {2024, 1970, 2038, 1999, 2261, 2000}) {
        clock->set(timestamp{(year - 1970) * 31'556'952, 0});
        append_texts(*log, "s", {std::to_string(year)});
    }
    log::selection all{.items = {{}}};
    log::log_cursor cursor{log->index(), all};
    std::int64_t last = 0;
    std::size_t count = 0;
    while (const auto* event = cursor.next()) {
        CHECK(event->record.recorded_ns >= last);
        last = event->record.recorded_ns;
        ++count;
    }
    CHECK(count == 6);
}

TEST_CASE("a segment that is changed behind an open log is noticed, and no other data is given") {
    const log_fixture f;
    const auto log = f.open();
    append_texts(*log, "s", {"one"});
    append_texts(*log, "s", {"two"});
    const auto segment = f.file_ending(".evl");
    const auto original = f.disk->content(segment);
    // The same log, written again from the same beginning with another content: every frame checks.
    const log_fixture other{f.disk->after_kill()};
    auto shorter = original;
    shorter.resize(log::segment_header_size);
    other.disk->set_content(segment, shorter);
    auto head = log::read_head_mark(*other.disk, "/log", log->index().log_id());
    head.mark.durable = byte_offset{log::segment_header_size};
    head.mark.end = position{0};
    log::replace_head_mark(*other.disk, "/log", log->index().log_id(), head.mark, head.generation);
    {
        const auto rewritten = other.open();
        append_texts(*rewritten, "t", {"1+1"});
        append_texts(*rewritten, "t", {"2+2"});
    }
    f.disk->set_content(segment, other.disk->content(segment));
    CHECK_THROWS_AS(static_cast<void>(texts(*log)), corruption);
    f.disk->set_content(segment, original);
    CHECK(texts(*log) == std::vector<std::string>{"one", "two"});
}
