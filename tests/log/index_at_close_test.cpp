// SPDX-License-Identifier: MIT
// The index that closing leaves of the active segment: opening reads it and not the segment, and
// believes it only where everything fits.

#include <everfold/base/error.hpp>
#include <everfold/log/backup.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/index_at_close.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/stored_index.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>

#include <cerrno>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using access_mode = log::access;
using log::event_log;

namespace {

constexpr std::uint64_t medium_segment = 64U << 10U;
constexpr std::uint64_t large_segment = 32U << 20U;

std::unique_ptr<event_log> reopened(
    const std::shared_ptr<io::simulated_disk>& disk,
    access_mode mode,
    std::uint64_t segment_bytes = medium_segment,
    std::uint64_t seed = 1
) {
    return event_log::open(
        io::simulated_machine(disk, seed), "/log", small_log(mode, segment_bytes)
    );
}

log::segment_entry active_of(io::file_system& disk) {
    return log::read_manifest(disk, "/log").content.segments.back();
}

std::string index_path(io::file_system& disk) {
    return io::join("/log", log::index_file_name(active_of(disk)));
}

/// Appends `count` batches of random events.
void append_random(event_log& to, std::mt19937_64& random, int count) {
    const auto below = [&](std::uint64_t n) { return static_cast<std::size_t>(random() % n); };
    const std::vector<std::string> labels{"k:1", "k:2", "lang:é", "rare"};
    for (int i = 0; i < count; ++i) {
        std::vector<std::vector<std::string>> tags(1 + below(4));
        std::vector<std::string> streams(tags.size());
        const std::string payload(below(120), 'x');
        std::vector<log::draft> drafts(tags.size());
        for (std::size_t k = 0; k < drafts.size(); ++k) {
            for (const auto& label : labels) {
                if (below(3) == 0)
                    tags[k].push_back(label);
            }
            if (below(9) == 0)
                tags[k].push_back("t:" + std::to_string(below(50)));
            streams[k] = (below(4) == 0 ? "$own-" : "s-") + std::to_string(below(40));
            drafts[k] = {
                .stream = streams[k],
                .type = below(2) == 0 ? "opened" : "closed",
                .version = 1 + static_cast<std::uint32_t>(below(3)),
                .tags = tags[k],
                .occurred_at = timestamp::from_milliseconds(static_cast<std::int64_t>(below(1000))),
                .payload = as_bytes(payload)};
        }
        uuid id;
        if (below(3) == 0)
            id.octets.fill(static_cast<std::byte>(1 + below(200)));
        static_cast<void>(to.append(drafts, id, [](const log::stream_heads&) { return true; }));
    }
}

/// A log whose active segment is stored with its index.
std::shared_ptr<io::simulated_disk> closed_log(int batches = 60) {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = reopened(disk, access_mode::create);
    std::mt19937_64 random{7};
    append_random(*log, random, batches);
    log->close();
    REQUIRE(disk->kind(index_path(*disk)) == io::path_kind::regular_file);
    return disk;
}

std::uint64_t bytes_read_of_active(io::simulated_disk& disk) {
    return disk.bytes_read(io::join("/log", active_of(disk).file));
}

/// Bytes of the active segment that an opening reads.
std::uint64_t cost_of_opening(const std::shared_ptr<io::simulated_disk>& disk, access_mode mode) {
    const auto before = bytes_read_of_active(*disk);
    const auto log = reopened(disk, mode, large_segment, 5);
    return bytes_read_of_active(*disk) - before;
}

/// What an index says of a sealed segment, made from the frames alone.
byte_buffer made_anew(io::simulated_disk& disk, const log::segment_entry& entry) {
    const auto shared =
        std::shared_ptr<io::file>{disk.open(io::join("/log", entry.file), io::open_mode::read)};
    const auto m = log::read_manifest(disk, "/log").content;
    const auto index = log::walk_sealed_segment(
        log::open_plain(shared, entry.file), entry, nullptr, m.log_id, m.limits.batch_bytes_max
    );
    return log::encode(
        *index,
        {.log_id = m.log_id,
         .segment_id = entry.id,
         .first = entry.first,
         .end = entry.end,
         .end_offset = entry.end_offset,
         .chain_end = entry.chain_end,
         .event_count = entry.event_count}
    );
}

} // namespace

TEST_CASE("opening a closed log reads little of its active segment, however much that holds") {
    const auto disk = std::make_shared<io::simulated_disk>();
    constexpr std::uint64_t last_frame = 400;
    {
        const auto log = reopened(disk, access_mode::create, large_segment);
        for (int i = 0; i < 3000; ++i)
            append_texts(*log, "s-" + std::to_string(i % 700), {std::string(200, 'x')});
        append_texts(*log, "last", {std::string(200, 'x')});
        log->close();
    }
    REQUIRE(disk->content(io::join("/log", active_of(*disk).file)).size() > 800'000);
    for (const auto mode : {access_mode::read_only, access_mode::existing}) {
        CHECK(cost_of_opening(disk, mode) <= (64U << 10U) + last_frame);
        CHECK(cost_of_opening(disk, mode) > 0);
    }
    // What came since is walked, and is stored once it is much.
    for (int round = 0; round < 40; ++round) {
        auto log = reopened(disk, access_mode::existing, large_segment, 5);
        append_texts(*log, "more", {std::string(5000, 'y')});
        log->close();
        log.reset();
        CHECK(cost_of_opening(disk, access_mode::read_only) <= (64U << 10U) + 6000);
    }
    // Without the index all of it is read, and everything is there.
    const auto truth = read_all(*reopened(disk, access_mode::read_only, large_segment));
    CHECK(truth.size() == 3041);
    disk->remove(index_path(*disk));
    CHECK(cost_of_opening(disk, access_mode::read_only) > 800'000);
    const auto without = reopened(disk, access_mode::read_only, large_segment);
    CHECK(read_all(*without) == truth);
    CHECK(without->notes().notes.empty());
    CHECK(without->take_notes().empty());
}

TEST_CASE("what was opened by its index answers and grows as if its frames had been walked") {
    int taken_up = 0;
    int sealed = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random{seed};
        auto disk = std::make_shared<io::simulated_disk>();
        auto log = reopened(disk, access_mode::create, medium_segment, seed);
        for (int round = 0; round < 25; ++round) {
            append_random(*log, random, static_cast<int>(random() % 40));
            if (random() % 8 == 0) {
                disk = disk->after_kill();
                log = nullptr;
            } else {
                log->close();
                const auto with = read_all(*log);
                log = nullptr;
                CHECK(is_clean(io::simulated_machine(disk, 3), "/log"));
                const auto path = index_path(*disk);
                if (disk->kind(path) == io::path_kind::regular_file) {
                    ++taken_up;
                    const auto reader = reopened(disk, access_mode::read_only, medium_segment, 2);
                    CHECK(read_all(*reader) == with);
                    for (const auto* tag : {"k:1", "rare", "t:7"}) {
                        log::selection wanted;
                        wanted.items.push_back({.tags = {tag}});
                        const auto found = read_all(*reader, wanted);
                        const auto walked = disk->after_kill();
                        walked->remove(path);
                        const auto other =
                            reopened(walked, access_mode::read_only, medium_segment, 2);
                        CHECK(found == read_all(*other, wanted));
                    }
                    CHECK(reader->take_notes().empty());
                }
            }
            log = reopened(disk, access_mode::existing, medium_segment, seed * 100 + 7);
            CHECK(log->notes().notes.empty());
        }
        log->close();
        CHECK(log->take_notes().empty());
        for (const auto& s : log::read_manifest(*disk, "/log").content.segments) {
            if (s.kind == log::segment_kind::active)
                continue;
            ++sealed;
            const bool is_same =
                disk->content(io::join("/log", log::index_file_name(s))) == made_anew(*disk, s);
            CHECK(is_same);
        }
    }
    CHECK(taken_up > 60);
    CHECK(sealed > 12);
}

TEST_CASE("a writer that goes on from an index knows each stream's end, each tag and each append") {
    const auto disk = std::make_shared<io::simulated_disk>();
    uuid id;
    id.octets.fill(std::byte{9});
    const std::vector<std::string> tags{"first"};
    const auto always = [](const log::stream_heads&) { return true; };
    {
        const auto log = reopened(disk, access_mode::create);
        std::mt19937_64 random{3};
        append_random(*log, random, 60);
        const std::vector<log::draft> one{{.stream = "known", .type = "noted", .tags = tags}};
        static_cast<void>(log->append(one, id, always));
        log->close();
    }
    const auto log = reopened(disk, access_mode::existing);
    const std::vector<log::draft> two{
        {.stream = "known", .type = "noted", .tags = tags},
        {.stream = "known", .type = "noted"},
        {.stream = "new", .type = "other", .tags = tags}};
    const auto placed = log->append(two, {}, [&](const log::stream_heads& heads) {
        CHECK(heads.last("known") == revision{0});
        CHECK_FALSE(heads.last("new"));
        CHECK(heads.has_append(id));
        return true;
    });
    CHECK(placed->revisions == std::vector{revision{1}, revision{2}, revision{0}});
    log::selection wanted;
    wanted.items.push_back({.tags = {"first"}});
    CHECK(read_all(*log, wanted).size() == 3);
    CHECK(log->index().next_revision("known") == 3);
    CHECK(log->index().next_revision("new") == 1);
    // What lies on both sides of the end of the index is one list.
    log::selection stream;
    stream.items.push_back({.streams = log::selection_item::stream_names{.exact = {"known"}}});
    CHECK(read_all(*log, stream).size() == 3);
    const auto first = log->index().first_match(stream.items, position{}, log->index().end());
    const auto second = log->index().first_match(stream.items, first->next(), log->index().end());
    CHECK(second == placed->first);
    log->close();
    CHECK(is_clean(io::simulated_machine(disk, 4), "/log"));
}

TEST_CASE("a damaged index of the active segment is told, costs time, and is made again") {
    const auto intact = closed_log();
    const auto path = index_path(*intact);
    const auto truth = read_all(*reopened(intact, access_mode::read_only));
    const auto whole = intact->content(path);
    for (const auto mode : {access_mode::read_only, access_mode::existing}) {
        for (std::size_t at = 0; at < whole.size(); at += 97) {
            CAPTURE(at);
            const auto disk = intact->after_kill();
            auto changed = whole;
            changed[at] ^= std::byte{16};
            disk->set_content(path, changed);
            CHECK_FALSE(is_clean(io::simulated_machine(disk, 3), "/log"));
            const auto log = reopened(disk, mode, medium_segment, 3);
            CHECK(read_all(*log) == truth);
            const auto notes = log->take_notes();
            REQUIRE(notes.size() == 1);
            CHECK(notes.front().find(".evi' is not used") != std::string::npos);
            if (mode == access_mode::read_only)
                continue;
            log->close();
            CHECK(disk->content(path) == whole);
        }
    }
}

TEST_CASE("an index is not believed where the log was not closed, or is not as it was") {
    const auto closed = closed_log();
    const auto segment = io::join("/log", active_of(*closed).file);
    const auto path = index_path(*closed);
    const auto size = closed->content(segment).size();
    REQUIRE(cost_of_opening(closed->after_kill(), access_mode::read_only) < size / 2);
    const auto truth = read_all(*reopened(closed, access_mode::read_only));

    // A writer came and was killed: all is walked.
    auto disk = closed->after_kill();
    {
        const auto log = reopened(disk, access_mode::existing);
        disk = disk->after_kill();
    }
    CHECK(cost_of_opening(disk, access_mode::read_only) >= size);

    // The last frame is another one than the index says; the one before it is, too.
    for (const std::size_t behind : {40U, 900U}) {
        disk = closed->after_kill();
        auto bytes = disk->content(segment);
        bytes[bytes.size() - behind] ^= std::byte{1};
        disk->set_content(segment, bytes);
        CHECK_THROWS_AS(read_all(*reopened(disk, access_mode::read_only)), corruption);
    }

    // More or less is there than was closed.
    for (const int more : {-8, 8}) {
        disk = closed->after_kill();
        auto bytes = disk->content(segment);
        bytes.resize(static_cast<std::size_t>(static_cast<int>(bytes.size()) + more));
        disk->set_content(segment, bytes);
        if (more < 0)
            CHECK_THROWS_AS(static_cast<void>(reopened(disk, access_mode::read_only)), corruption);
        else
            CHECK(read_all(*reopened(disk, access_mode::read_only)) == truth);
        CHECK(disk->bytes_read(segment) >= size / 2);
    }

    // It is of another segment.
    const auto other = std::make_shared<io::simulated_disk>();
    {
        const auto log = reopened(other, access_mode::create, medium_segment, 99);
        std::mt19937_64 random{8};
        append_random(*log, random, 60);
        log->close();
    }
    disk = closed->after_kill();
    disk->set_content(path, other->content(index_path(*other)));
    const auto log = reopened(disk, access_mode::read_only);
    CHECK(read_all(*log) == truth);
    CHECK(log->take_notes().size() == 1);
}

TEST_CASE(
    "a small active segment is closed without an index, and one that is there is not in the way"
) {
    const auto disk = std::make_shared<io::simulated_disk>();
    {
        const auto log = reopened(disk, access_mode::create);
        append_texts(*log, "s", {"a little"});
        log->close();
    }
    CHECK(disk->kind(index_path(*disk)) == io::path_kind::missing);

    // The index from before a segment was sealed has the name of the one that it then gets.
    const auto closed = closed_log();
    const auto was_active = active_of(*closed);
    const auto path = index_path(*closed);
    const auto before = closed->content(path);
    auto log = reopened(closed, access_mode::existing);
    const auto everything = [](const log::segment_index&) { return true; };
    static_cast<void>(log->archive(everything));
    log->close();
    const auto truth = read_all(*reopened(closed, access_mode::read_only));
    CHECK(closed->content(path) != before);
    closed->set_content(path, before); // as a crash leaves it
    CHECK(is_clean(io::simulated_machine(closed, 3), "/log"));
    const auto reader = reopened(closed, access_mode::read_only);
    CHECK(read_all(*reader) == truth);
    CHECK(reader->take_notes().empty());
}

TEST_CASE("whatever operation of leaving or taking up an index fails, the log opens and is whole") {
    const auto closed = closed_log();
    const auto truth = read_all(*reopened(closed, access_mode::read_only));
    int failures = 0;
    for (std::uint64_t at = 0;; ++at) {
        const auto disk = closed->after_kill();
        bool has_fired = false;
        std::uint64_t seen = 0;
        disk->observe(
            [&, raw = disk.get()](std::uint64_t number, io::operation, const std::string& path) {
                if (path.find(".evi") == std::string::npos)
                    return;
                if (seen++ == at) {
                    raw->fail_at(number, EIO);
                    has_fired = true;
                }
            }
        );
        auto expected = truth.size();
        {
            const auto log = reopened(disk, access_mode::existing, medium_segment, 3);
            for (int i = 0; i < 10; ++i)
                append_texts(*log, "more", {std::string(2000, 'z')});
            expected += 10;
            log->close();
        }
        disk->observe({});
        CAPTURE(at);
        CHECK(
            read_all(*reopened(disk, access_mode::read_only, medium_segment, 4)).size() == expected
        );
        CHECK(verified(io::simulated_machine(disk, 4), "/log").is_intact());
        if (!has_fired)
            break;
        ++failures;
    }
    CHECK(failures > 4);
}

TEST_CASE("a backup of a closed log opens as fast, and a follower goes on from an index") {
    const auto disk = closed_log();
    static_cast<void>(log::back_up(io::simulated_machine(disk, 3), "/log", "/copy"));
    CHECK(is_clean(io::simulated_machine(disk, 3), "/copy"));
    const auto segment = io::join("/copy", active_of(*disk).file);
    const auto before = disk->bytes_read(segment);
    const auto copy = event_log::open(
        io::simulated_machine(disk, 3), "/copy", small_log(access_mode::read_only, medium_segment)
    );
    CHECK(disk->bytes_read(segment) - before < disk->content(segment).size() / 2);

    const auto reader = reopened(disk, access_mode::read_only, medium_segment, 4);
    const auto count = read_all(*reader).size();
    const auto writer = reopened(disk, access_mode::existing, medium_segment, 5);
    for (int i = 0; i < 60; ++i) {
        append_texts(*writer, "more", {std::string(3000, 'z')}, {"late"});
        CHECK(read_all(*reader).size() == count + static_cast<std::size_t>(i) + 1);
    }
    CHECK(writer->count_segments().all > 2);
    CHECK(read_all(*reader) == read_all(*writer));
    CHECK(reader->take_notes().empty());
}
