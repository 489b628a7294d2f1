// SPDX-License-Identifier: MIT
// P22: repair, one kind of damage after the other. Random damage is in repair_property_test.cpp.

#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_file.hpp>

#include <doctest/doctest.h>
#include <support/repair_verbs.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using log::event_log;

namespace {

/// A closed log of some segments, of which the first is archived, and what it holds.
struct scene {
    std::shared_ptr<io::simulated_disk> disk{std::make_shared<io::simulated_disk>()};
    io::machine machine{io::simulated_machine(disk)};
    std::vector<whole_event> truth{};
    std::vector<log::segment_entry> segments{};

    scene() {
        const auto made =
            event_log::open(machine, "/log", small_log(log::access::create, 4096 + 2000));
        for (int i = 0; i < 40; ++i)
            append_texts(
                *made,
                "s-" + std::to_string(i % 3),
                {std::string(120, 'x'), "second of " + std::to_string(i)},
                {"k:" + std::to_string(i % 2)}
            );
        made->archive([](const log::segment_index& s) { return s.first() == position{}; });
        made->close();
        truth = read_whole(machine, "/log");
        segments = log::read_manifest(*disk, "/log").content.segments;
        REQUIRE(segments.size() > 4);
        REQUIRE(segments.front().kind == log::segment_kind::archived);
    }

    [[nodiscard]] std::string path_of(const log::segment_entry& s) const {
        return io::join("/log", s.file);
    }

    void change(const std::string& path, const std::function<void(byte_buffer&)>& how) const {
        auto content = disk->content(path);
        how(content);
        disk->set_content(path, std::move(content));
    }

    /// One bit that has changed would be found.
    void change_two_bits(const std::string& path, std::size_t at) const {
        change(path, [&](byte_buffer& content) { content.at(at) ^= std::byte{0x11}; });
    }

    /// The first frame of a segment that begins behind `from`.
    [[nodiscard]] log::frame_view
    frame_behind(const log::segment_entry& s, byte_offset from) const {
        const auto id = log::read_manifest(*disk, "/log").content.log_id;
        log::frame_reader reader{
            log::open_segment(machine, "/log", s, id), log::header_seed(id, s.id), 1U << 20U};
        const auto found = reader.find_header(from, byte_offset{1U << 20U});
        REQUIRE(found);
        return *found;
    }
};

bool is_whole(const repair_report& r, const scene& s) {
    return r.lost.empty() && r.events == s.truth.size() && r.from == r.into &&
           r.kept == std::vector<kept_range>{{{position{}, position{s.truth.size()}}, position{}}};
}

} // namespace

TEST_CASE("P22: repair of an intact log gives the same log, batch by batch") {
    const scene s;
    const auto report = repaired(s.disk);
    CHECK(report.is_complete());
    CHECK(report.damage.empty());
    CHECK(is_whole(report, s));
    CHECK(report.batches == 40);
    static_cast<void>(check_repair(s.disk, report, s.truth));
    // An ordinary log: a writer goes on with it.
    const auto made =
        event_log::open(io::simulated_machine(s.disk, 5), "/new", small_log(log::access::existing));
    CHECK(made->notes().notes.empty());
    CHECK(append_texts(*made, "s-0", {"more"}) == position{s.truth.size()});
}

TEST_CASE("P22: a log whose manifest or head mark is lost is repaired from its segments") {
    for (const auto* name : {"LOG", "head"}) {
        for (const bool is_removed : {true, false}) {
            const scene s;
            CAPTURE(name);
            const auto path = io::join("/log", name);
            if (is_removed)
                s.disk->remove(path);
            else
                s.change(path, [](byte_buffer& content) {
                    content[20] ^= std::byte{1};
                    content[content.size() / 2 + 30] ^= std::byte{1};
                });
            CHECK_THROWS_AS(
                static_cast<void>(
                    event_log::open(s.machine, "/log", small_log(log::access::read_only))
                ),
                error
            );
            const auto report = repaired(s.disk);
            CHECK(is_whole(report, s));
            CHECK(report.is_end_known == (std::string{name} == "LOG"));
            CHECK(report.damage.size() == 1);
            CHECK(report.damage.front().file == path);
            static_cast<void>(check_repair(s.disk, report, s.truth));
        }
    }
}

TEST_CASE("P22: of a missing segment every position and every revision is named") {
    for (const std::size_t n : {std::size_t{0}, std::size_t{2}}) {
        const scene s;
        const auto& gone = s.segments[n];
        s.disk->remove(s.path_of(gone));
        const auto report = repaired(s.disk);
        REQUIRE(report.lost.size() == 1);
        CHECK(report.lost.front().positions == position_range{gone.first, gone.end});
        CHECK(report.from != report.into);
        CHECK(report.is_end_known);
        std::uint64_t revisions = 0;
        for (const auto& l : report.streams)
            revisions += l.end - l.first;
        CHECK(revisions == gone.end - gone.first);
        const auto kept = check_repair(s.disk, report, s.truth);
        CHECK(kept.size() == s.truth.size() - (gone.end - gone.first));
    }
}

TEST_CASE("P22: the last segment may be missing: the head mark tells what it held") {
    const scene s;
    REQUIRE(s.segments.back().first.value() < s.truth.size());
    s.disk->remove(s.path_of(s.segments.back()));
    const auto report = repaired(s.disk);
    REQUIRE(report.lost.size() == 1);
    CHECK(
        report.lost.front().positions ==
        position_range{s.segments.back().first, position{s.truth.size()}}
    );
    static_cast<void>(check_repair(s.disk, report, s.truth));
}

TEST_CASE("P22: a damaged frame costs its own events, and no others") {
    const scene s;
    const auto& segment = s.segments[2];
    const auto frame = s.frame_behind(segment, byte_offset{5000});
    for (const std::uint64_t at : {std::uint64_t{3}, std::uint64_t{100}}) {
        const auto path = s.path_of(segment);
        s.change_two_bits(
            path, static_cast<std::size_t>(frame.at.value() + at)
        ); // its header; its body
        const auto into = "/new-" + std::to_string(at);
        const auto report = repaired(s.disk, "/log", into);
        s.change_two_bits(path, static_cast<std::size_t>(frame.at.value() + at));
        REQUIRE(report.lost.size() == 1);
        CHECK(
            report.lost.front().positions ==
            position_range{frame.header.first, frame.header.first.advanced(2)}
        );
        REQUIRE(report.damage.size() == 1);
        CHECK(report.damage.front().file == path);
        CHECK(report.damage.front().at == frame.at);
        REQUIRE(report.streams.size() == 1);
        CHECK(report.streams.front().end - report.streams.front().first == 2);
        REQUIRE(report.kept.size() == 2);
        CHECK(report.kept[1].now == frame.header.first);
        static_cast<void>(check_repair(s.disk, report, s.truth, into));
    }
    // The trailer only says again what the header says.
    s.change_two_bits(
        s.path_of(segment),
        static_cast<std::size_t>(frame.at.value() + frame.header.frame_size() - 1)
    );
    const auto report = repaired(s.disk);
    CHECK(is_whole(report, s));
    CHECK(report.damage.size() == 1);
}

TEST_CASE("P22: a single bit that has changed in a frame costs nothing") {
    const scene s;
    const auto& segment = s.segments.back();
    // The first frame brings names that others need, and there is no index.
    const auto frame = s.frame_behind(segment, byte_offset{4096});
    REQUIRE(frame.at == log::first_frame);
    const auto path = s.path_of(segment);
    const auto size = frame.header.frame_size();
    for (std::uint64_t bit = 0; bit < size * 8; bit += bit < 64 * 8 ? 13 : 41) {
        CAPTURE(bit);
        const auto disk = s.disk->after_kill();
        auto content = disk->content(path);
        content[frame.at.value() + bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        disk->set_content(path, std::move(content));
        const auto report = repaired(disk);
        CHECK(is_whole(report, s));
        REQUIRE(report.damage.size() == 1);
        CHECK_FALSE(report.damage.front().first_lost);
    }
}

TEST_CASE("P22: an archive is read by its blocks where its trailer is damaged") {
    const scene s;
    const auto path = s.path_of(s.segments.front());
    const auto size = s.disk->content(path).size();
    s.change_two_bits(path, size - 10);
    CHECK(is_whole(repaired(s.disk, "/log", "/one"), s));
    s.change(path, [&](byte_buffer& content) { content.resize(content.size() - 40); });
    CHECK(is_whole(repaired(s.disk, "/log", "/two"), s));
    s.disk->remove("/log/LOG"); // then only the block itself says whose it is
    CHECK(is_whole(repaired(s.disk, "/log", "/three"), s));
    s.change_two_bits(path, 200);
    const auto report = repaired(s.disk, "/log", "/four");
    REQUIRE(report.lost.size() == 1);
    CHECK(report.lost.front().positions.end == s.segments[1].first);
    static_cast<void>(check_repair(s.disk, report, s.truth, "/four"));
}

TEST_CASE("P22: indexes only help: a damaged one is ignored") {
    const scene s;
    for (const auto& path : s.disk->files_below("/log")) {
        if (path.ends_with(".evi"))
            s.change_two_bits(path, 130);
    }
    CHECK(is_whole(repaired(s.disk), s));
}

TEST_CASE("P22: without index and manifest a stream's lost revisions show where it goes on") {
    const scene s;
    const auto& segment = s.segments[2];
    // A later frame of the segment, which brings no name that others need.
    const auto frame = s.frame_behind(segment, byte_offset{segment.end_offset.value() - 700});
    s.change_two_bits(s.path_of(segment), static_cast<std::size_t>(frame.at.value() + 90));
    for (const auto& path : s.disk->files_below("/log")) {
        if (path.ends_with(".evi") || path.ends_with("/LOG"))
            s.disk->remove(path);
    }
    const auto report = repaired(s.disk);
    REQUIRE(report.lost.size() == 1);
    CHECK(report.lost.front().positions.first == frame.header.first);
    REQUIRE(report.streams.size() == 1);
    CHECK(report.streams.front().stream == s.truth[frame.header.first.value()].stream);
    CHECK(report.streams.front().first.value() == s.truth[frame.header.first.value()].revision);
    static_cast<void>(check_repair(s.disk, report, s.truth));
}

TEST_CASE("P22: of a segment before and after a removal the later one is read, if it is whole") {
    const scene s;
    const auto& segment = s.segments[2];
    const auto source = s.disk->content(s.path_of(segment));
    {
        const auto made = event_log::open(s.machine, "/log", small_log(log::access::existing));
        const auto done = made->scavenge(
            [&](const log::readable_segment& in) {
                return log::removal{
                    .events = in.index->first() == segment.first ? log::ordinal_list{1, 2, 3}
                                                                 : log::ordinal_list{}};
            },
            "a test"
        );
        REQUIRE(done.events == 3);
        made->close();
    }
    const auto rewritten = log::read_manifest(*s.disk, "/log").content.segments[2];
    REQUIRE(rewritten.is_rewritten);
    // As a removal leaves it that was interrupted, and the manifest is lost.
    s.disk->set_content(s.path_of(segment), source);
    s.disk->remove("/log/LOG");
    const std::set<std::uint64_t> gone{
        segment.first.value() + 1, segment.first.value() + 2, segment.first.value() + 3};
    auto report = repaired(s.disk);
    CHECK(report.lost.empty());
    CHECK(report.damage.size() == 1);
    CHECK(report.removed_events() == 3);
    REQUIRE(report.removals.size() == 1);
    CHECK(report.removals.front().events == 3);
    CHECK(report.removals.front().why == "a test");
    CHECK(report.from != report.into);
    static_cast<void>(check_repair(s.disk, report, s.truth, "/new", gone));
    // Half written.
    s.change(s.path_of(rewritten), [](byte_buffer& content) { content.resize(5000); });
    CHECK(is_whole(repaired(s.disk, "/log", "/all"), s));
}

TEST_CASE("P22: an unfinished last append is left out and counted, and is not called lost") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto machine = io::simulated_machine(disk);
    const auto made = event_log::open(machine, "/log", small_log());
    append_texts(*made, "s", {"one", "two"});
    const auto killed = disk->after_kill();
    const auto entry = log::read_manifest(*killed, "/log").content.segments.front();
    auto content = killed->content(io::join("/log", entry.file));
    content.resize(end_of_frames(content));
    content.resize(content.size() + 100, std::byte{0x5A});
    killed->set_content(io::join("/log", entry.file), content);
    const auto report = repaired(killed);
    CHECK(report.torn_bytes == 100);
    CHECK(report.is_complete());
    CHECK(report.damage.empty());
    CHECK(report.events == 2);
}

TEST_CASE("P22: a sector that can't be read costs what lies in it") {
    const scene s;
    const auto path = s.path_of(s.segments[2]);
    s.disk->observe([&](std::uint64_t at, io::operation op, const std::string& of) {
        if (op == io::operation::read && of == path)
            s.disk->fail_at(at, EIO);
    });
    const auto report = repaired(s.disk);
    s.disk->observe({});
    REQUIRE(report.lost.size() == 1);
    CHECK(report.lost.front().positions == position_range{s.segments[2].first, s.segments[2].end});
    static_cast<void>(check_repair(s.disk, report, s.truth));
}

TEST_CASE("P22: repair goes into a new directory outside of the log only, and from a log only") {
    const scene s;
    const auto before = s.disk->files_below("/log");
    for (const auto* into : {"/log", "/log/inside", "/log/"}) {
        CAPTURE(into);
        CHECK_THROWS_AS(repaired(s.disk, "/log", into), error);
    }
    CHECK(s.disk->files_below("/log") == before);
    static_cast<void>(repaired(s.disk));
    CHECK_THROWS_AS(repaired(s.disk), error); // there is a log by now
    CHECK_THROWS_AS(repaired(s.disk, "/none", "/other"), error);
    s.disk->make_directory("/empty");
    CHECK_THROWS_AS(repaired(s.disk, "/empty", "/other"), error);
    CHECK(s.disk->kind("/other") == io::path_kind::missing);
}

TEST_CASE("P22: power lost while a log is repaired leaves no log or all of it, and harms nothing") {
    const scene s;
    s.disk->remove(s.path_of(s.segments[1]));
    const auto durable = s.disk->after_power_cut(io::power_cut::keep_all, 1);
    const auto wanted = repaired(durable->after_kill()).events;
    std::map<std::string, byte_buffer> before;
    for (const auto& path : durable->files_below("/log"))
        before[path] = durable->content(path);
    int states = 0;
    int whole = 0;
    for (std::uint64_t at = 0;; at += at < 40 ? 1 : 3) {
        const auto disk = durable->after_kill();
        disk->power_off_at(at);
        bool is_done = false;
        try {
            static_cast<void>(repaired(disk));
            is_done = true;
        } catch (const io::simulated_disk::powered_off&) {
        }
        for (const auto kind :
             {io::power_cut::lose_all, io::power_cut::keep_all, io::power_cut::random}) {
            CAPTURE(at);
            ++states;
            const auto left = disk->after_power_cut(kind, at);
            for (const auto& [path, content] : before)
                CHECK(left->content(path) == content);
            try {
                const auto seen = read_whole(io::simulated_machine(left, 3), "/new");
                CHECK(seen.size() == wanted);
                ++whole;
            } catch (const error& e) {
                CHECK_FALSE(is_done);
                CHECK((e.code() == errc::not_a_log || e.code() == errc::damaged));
            }
        }
        if (is_done)
            break;
    }
    CHECK(whole >= 3);
    std::printf("P22: %d power cuts during repairs, %d whole, 0 half\n", states, whole);
}
