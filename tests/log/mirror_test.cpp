// SPDX-License-Identifier: MIT
// A log that is kept in two directories: in step, taken over, brought up to date, or refused.

#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/log_workload.hpp>
#include <support/scratch_dir.hpp>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using log::event_log;

namespace {

constexpr const char* mirror = "/mirror";

struct two_directories {
    [[nodiscard]] std::unique_ptr<event_log> open(
        const std::string& directory,
        const std::string& mirrored_in = {},
        durability level = durability::commit()
    ) {
        auto options = small_log(log::access::create, tiny_segment);
        options.mirror = mirrored_in;
        options.level = level;
        return event_log::open(io::simulated_machine(disk, ++seed, boot), directory, options);
    }

    std::vector<std::string> read(const std::string& directory) {
        return texts_of(read_all(*event_log::open(
            io::simulated_machine(disk, ++seed, boot), directory, small_log(log::access::read_only)
        )));
    }

    /// Paths below a directory, and what is in the files.
    [[nodiscard]] std::map<std::string, byte_buffer> files_in(const std::string& directory) const {
        std::map<std::string, byte_buffer> out;
        for (const auto& path : disk->files_below(directory)) {
            if (!path.ends_with("/LOCK"))
                out.emplace(path.substr(directory.size()), disk->content(path));
        }
        return out;
    }

    /// Of opening both; nothing where that works.
    std::optional<error>
    refusal(const std::string& one = "/log", const std::string& other = mirror) {
        try {
            open(one, other)->close();
            return {};
        } catch (const error& e) {
            return e;
        }
    }

    void power_cut() {
        disk = disk->after_power_cut(io::power_cut::lose_all, ++seed);
        ++boot;
    }

    std::shared_ptr<io::simulated_disk> disk = std::make_shared<io::simulated_disk>();
    std::uint64_t seed{};
    std::uint64_t boot{1};
};

void append_some(event_log& to, int count, const std::string& what) {
    for (int i = 0; i < count; ++i)
        append_texts(to, "s-" + std::to_string(i % 3), {what + ' ' + std::to_string(i), "more"});
}

bool holds_first_segment(const log::segment_index& s) {
    return s.first() == position{0};
}

log::removal second_event(const log::readable_segment& in) {
    log::removal out;
    if (in.event_count > 4)
        out.events = {1};
    return out;
}

bool contains(const std::optional<error>& e, const std::string& text) {
    return e && std::string{e->what()}.find(text) != std::string::npos;
}

/// The power goes when an append is in the mirror's file: the log's own loses it.
void leave_an_append_to_the_mirror(two_directories& two) {
    const auto log = two.open("/log", mirror);
    append_some(*log, 1, "both");
    two.disk->observe([&](std::uint64_t at, io::operation op, const std::string& path) {
        if (op == io::operation::sync_data && path.ends_with(".evl"))
            two.disk->power_off_at(at);
    });
    CHECK_THROWS_AS(append_some(*log, 1, "in flight"), io::simulated_disk::powered_off);
    const auto kept = two.disk->after_power_cut(io::power_cut::keep_all, 0);
    two.power_cut();
    for (const auto& path : kept->files_below(mirror)) {
        if (path.ends_with(".evl"))
            two.disk->set_content(path, kept->content(path));
    }
}

} // namespace

TEST_CASE("a log and its mirror hold the same bytes, whatever was done") {
    two_directories two;
    {
        const auto log = two.open("/log", mirror);
        append_some(*log, 12, "first");
        CHECK(two.files_in("/log") == two.files_in(mirror));
        log->archive(holds_first_segment);
        CHECK(is_clean(io::simulated_machine(two.disk), mirror));
        CHECK(log->scavenge(second_event, "a test").events > 0);
        append_some(*log, 5, "second");
        CHECK(log->count_segments().all > 2);
        log->close();
    }
    CHECK(two.files_in("/log") == two.files_in(mirror));
    CHECK(two.read(mirror) == two.read("/log"));
    // And nothing is copied where nothing is missing.
    std::vector<std::string> created;
    two.disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (op == io::operation::create && path.starts_with("/mirror/seg-"))
            created.push_back(path);
    });
    const auto again = two.open("/log", mirror);
    CHECK(created.empty());
    CHECK(again->notes().notes.empty());
}

TEST_CASE("a mirror is taken over by opening it, and the old log can become its mirror") {
    two_directories two;
    append_some(*two.open("/log", mirror), 9, "both");
    {
        const auto taken = two.open(mirror);
        CHECK(taken->notes().notes.empty());
        append_some(*taken, 9, "taken over");
    }
    const auto back = two.open(mirror, "/log");
    CHECK(read_all(*back).size() == 36);
    back->close();
    CHECK(two.files_in("/log") == two.files_in(mirror));
}

TEST_CASE("a reader of the mirror sees what is appended, once it is durable in both") {
    two_directories two;
    const auto log = two.open("/log", mirror);
    const auto reader = event_log::open(
        io::simulated_machine(two.disk, 77), mirror, small_log(log::access::read_only)
    );
    append_some(*log, 8, "seen");
    CHECK(read_all(*reader) == read_all(*log));
    std::size_t seen_at_sync = 0;
    two.disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        if (op == io::operation::sync_data && path.ends_with(".evl")) {
            two.disk->observe({});
            seen_at_sync = read_all(*reader).size();
        }
    });
    append_some(*log, 1, "in flight");
    CHECK(seen_at_sync == 16);
    CHECK(read_all(*reader).size() == 18);
}

TEST_CASE("a stale mirror is brought up to date, whatever became of the log meanwhile") {
    const std::vector<std::function<void(event_log&)>> fates{
        [](event_log&) {},
        [](event_log& log) { append_some(log, 1, "one more"); },
        [](event_log& log) { append_some(log, 30, "many more"); },
        [](event_log& log) { log.archive([](const log::segment_index&) { return true; }); },
        [](event_log& log) {
            append_some(log, 9, "more");
            static_cast<void>(log.scavenge(second_event, "a test"));
            append_some(log, 9, "still more");
            log.archive(holds_first_segment);
        },
    };
    for (const bool is_closed : {true, false}) {
        for (std::size_t fate = 0; fate < fates.size(); ++fate) {
            CAPTURE(is_closed);
            CAPTURE(fate);
            two_directories two;
            auto log = two.open("/log", mirror);
            append_some(*log, 4, "both");
            if (is_closed)
                log->close();
            else
                two.power_cut();
            {
                const auto alone = two.open("/log");
                fates[fate](*alone);
                alone->close();
            }
            const auto truth = two.read("/log");
            two.open("/log", mirror)->close();
            CHECK(two.read(mirror) == truth);
            CHECK(two.files_in("/log") == two.files_in(mirror));
        }
    }
}

TEST_CASE("a new mirror of an old log gets all of it, and none of its quarantine or snapshots") {
    two_directories two;
    {
        const auto log = two.open("/log");
        append_some(*log, 25, "old");
        log->archive(holds_first_segment);
    }
    two.disk->set_content("/log/snap-0.evs", byte_buffer(8));
    const auto log = two.open("/log", mirror);
    REQUIRE(log->notes().notes.size() == 1);
    CHECK(log->notes().notes.front() == "the mirror '/mirror' was made");
    CHECK(two.read(mirror) == two.read("/log"));
    CHECK(two.disk->kind("/mirror/snap-0.evs") == io::path_kind::missing);
}

TEST_CASE("a mirror that has gone its own way is refused, by position, and nothing is changed") {
    two_directories two;
    append_some(*two.open("/log", mirror), 3, "both");
    append_some(*two.open(mirror), 2, "the mirror's");
    append_some(*two.open("/log"), 4, "the log's");
    for (const bool is_exchanged : {false, true}) {
        const auto log_before = two.files_in("/log");
        const auto mirror_before = two.files_in(mirror);
        const auto said = is_exchanged ? two.refusal(mirror, "/log") : two.refusal("/log", mirror);
        REQUIRE(said);
        CHECK(said->code() == errc::diverged);
        CHECK(contains(said, "gone its own way from position 6"));
        CHECK(two.files_in("/log") == log_before);
        CHECK(two.files_in(mirror) == mirror_before);
    }
    CHECK(two.read("/log").size() == 14);
    CHECK(two.read(mirror).size() == 10);
}

TEST_CASE("a mirror that holds more than the log is not cut, and the message says to open it") {
    two_directories two;
    append_some(*two.open("/log", mirror), 3, "both");
    append_some(*two.open(mirror), 20, "the mirror's");
    const auto before = two.files_in(mirror);
    const auto said = two.refusal();
    CHECK(said->code() == errc::diverged);
    CHECK(contains(said, "from position 6 on"));
    CHECK(contains(said, "open the mirror"));
    CHECK(two.files_in(mirror) == before);
    two.open(mirror, "/log")->close();
    CHECK(two.read("/log").size() == 46);
}

TEST_CASE("what a mirror that was written alone acknowledged is kept, durable or not") {
    two_directories two;
    append_some(*two.open("/log", mirror), 3, "both");
    const auto alone = two.open(mirror, {}, durability::os());
    append_some(*alone, 2, "acknowledged, and only written");
    two.disk = two.disk->after_kill();
    const auto said = two.refusal();
    CHECK(said->code() == errc::diverged);
    CHECK(two.read(mirror).size() >= 6);
    CHECK(read_all(*two.open(mirror)).size() == 10);
}

TEST_CASE("what only the mirror has of an append in flight stays, once it was opened alone") {
    two_directories two;
    leave_an_append_to_the_mirror(two);
    CHECK(read_all(*two.open(mirror)).size() == 4); // whole, though nobody was told
    two.disk = two.disk->after_kill();
    CHECK(two.refusal()->code() == errc::diverged); // and now somebody may have read it
}

TEST_CASE("what only the mirror has of an append in flight is put aside, and told") {
    two_directories two;
    leave_an_append_to_the_mirror(two);
    const auto again = two.open("/log", mirror);
    CHECK(read_all(*again).size() == 2);
    bool is_told = false;
    for (const auto& note : again->notes().notes)
        is_told = is_told || note.find("/mirror/quarantine/seg-") != std::string::npos;
    CHECK(is_told);
    again->close();
    CHECK(two.read(mirror) == two.read("/log"));
}

TEST_CASE("a damaged log does not damage its mirror, and a damaged mirror is not overwritten") {
    for (const std::string damaged : {"/log", "/mirror"}) {
        CAPTURE(damaged);
        two_directories two;
        append_some(*two.open("/log", mirror), 3, "both");
        for (const auto& path : two.disk->files_below(damaged)) {
            if (!path.ends_with(".evl"))
                continue;
            auto content = two.disk->content(path);
            content[5000 - 700] ^= std::byte{1};
            two.disk->set_content(path, content);
        }
        const auto before = two.files_in(mirror);
        const auto said = two.refusal();
        REQUIRE(said);
        CHECK(said->code() == errc::damaged);
        CHECK(contains(said, damaged + "/seg-"));
        CHECK(two.files_in(mirror) == before);
    }
}

TEST_CASE("a mirror must be another directory, and hold the same log or nothing") {
    two_directories two;
    two.open("/log")->close();
    two.open("/other")->close();
    two.disk->make_directory("/full");
    two.disk->set_content("/full/holiday.jpg", byte_buffer(3));
    two.disk->set_content("/file", byte_buffer(3));
    const auto code_of = [&](const std::string& one, const std::string& other) {
        const auto said = two.refusal(one, other);
        return said ? std::optional{said->code()} : std::nullopt;
    };
    CHECK(code_of("/log", "/log") == errc::invalid);
    CHECK(code_of("/log", "/log/") == errc::invalid);
    CHECK(code_of("/log", "/log/within") == errc::invalid);
    CHECK(code_of("/log", "/") == errc::invalid);
    CHECK(code_of("/log", "/other") == errc::invalid);
    CHECK(code_of("/log", "/full") == errc::not_a_log);
    CHECK(code_of("/log", "/file") == errc::not_a_log);
    CHECK(code_of("/gone", "/log") == errc::not_a_log);
    CHECK(two.disk->kind("/gone") == io::path_kind::missing);
    auto reading = small_log(log::access::read_only);
    reading.mirror = mirror;
    CHECK_THROWS_AS(
        static_cast<void>(event_log::open(io::simulated_machine(two.disk), "/log", reading)), error
    );
}

TEST_CASE("a mirror is refused under whatever name leads back to the log") {
    const scratch_dir here;
    const auto machine = io::posix_machine();
    auto options = small_log();
    event_log::open(machine, here / "log", options)->close();
    std::filesystem::create_directory_symlink(here / "log", here / "link");
    for (const auto* name : {"link", "link/within", "log/../log"}) {
        CAPTURE(name);
        options.mirror = here / name;
        std::optional<errc> said;
        try {
            event_log::open(machine, here / "log", options)->close();
        } catch (const error& e) {
            said = e.code();
        }
        CHECK(said == errc::invalid);
    }
    options.mirror = here / "mirror";
    const auto log = event_log::open(machine, here / "log", options);
    append_texts(*log, "s", {"on a real disk"});
    log->close();
    CHECK(is_clean(machine, here / "mirror"));
}

TEST_CASE("a mirror that a writer has open is in use, and so are both while they are written") {
    two_directories two;
    two.open("/log", mirror)->close();
    {
        const auto other = two.open(mirror);
        const auto said = two.refusal();
        CHECK(said->code() == errc::in_use);
        CHECK(contains(said, "'/mirror' is in use by another writer: simulated"));
    }
    const auto log = two.open("/log", mirror);
    CHECK(two.refusal(mirror, "/log")->code() == errc::in_use);
    CHECK_THROWS_AS(static_cast<void>(two.open(mirror)), error);
    CHECK_THROWS_AS(static_cast<void>(two.open("/log")), error);
    two.disk->remove("/mirror/LOCK");
    CHECK_THROWS_AS(append_some(*log, 1, "fenced"), error);
}

TEST_CASE("whichever side finds its disk full, the same writer goes on once there is room") {
    for (const std::string full : {"/log/", "/mirror/"}) {
        CAPTURE(full);
        two_directories two;
        const auto log = two.open("/log", mirror);
        append_some(*log, 3, "before");
        two.disk->observe([&](std::uint64_t at, io::operation op, const std::string& path) {
            if (op == io::operation::write && path.starts_with(full) && path.ends_with(".evl"))
                two.disk->fail_at(at, ENOSPC);
        });
        for (int i = 0; i < 3; ++i)
            CHECK_THROWS_AS(append_some(*log, 1, "no room"), io_error);
        two.disk->observe({});
        append_some(*log, 3, "after");
        CHECK(read_all(*log).size() == 12);
        log->close();
        CHECK(two.files_in("/log") == two.files_in(mirror));
    }
}

TEST_CASE("a failed sync of either side ends the writer, and both go on without believing a cache"
) {
    for (const std::string failing : {"/log/", "/mirror/"}) {
        CAPTURE(failing);
        two_directories two;
        auto log = two.open("/log", mirror);
        append_some(*log, 3, "before");
        two.disk->observe([&](std::uint64_t at, io::operation op, const std::string& path) {
            if (op == io::operation::sync_data && path.starts_with(failing))
                two.disk->fail_at(at, EIO);
        });
        std::optional<io_error> failed;
        try {
            append_some(*log, 1, "lost");
        } catch (const io_error& e) {
            failed = e;
        }
        REQUIRE(failed);
        CHECK(failed->path().starts_with(failing));
        two.disk->observe({});
        CHECK_THROWS_AS(append_some(*log, 1, "again"), writer_failed);
        two.disk = two.disk->after_kill();
        {
            const auto again = two.open("/log", mirror);
            CHECK(read_all(*again).size() == 6);
            append_some(*again, 2, "after");
        }
        two.power_cut();
        CHECK(two.read("/log").size() == 10);
        CHECK(two.read(mirror).size() == 10);
    }
}
