// SPDX-License-Identifier: MIT
// Indexes on disk: they say what the frames say, whatever happens to them, and spare what is sealed
// from being read.

#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/stored_index.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/random_log.hpp>
#include <support/scratch_dir.hpp>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using access_mode = log::access;
using log::event_log;

namespace {

/// All that an index can be asked, in lines.
std::vector<std::string> answers(const log::segment_index& index) {
    std::vector<std::string> out;
    const auto say = [&](const std::string& what, const log::ordinal_list& list) {
        auto line = what + ':';
        for (const auto ordinal : list)
            line += ' ' + std::to_string(ordinal);
        out.push_back(std::move(line));
    };
    log::ordinal_list list;
    for (std::uint32_t i = 0; i < index.event_count(); ++i)
        list.push_back(static_cast<std::uint32_t>(index.offset_of(i).value()));
    say("offsets", list);
    for (std::size_t i = 0; i < index.frame_count(); ++i) {
        const auto f = index.frame(i);
        out.push_back(
            "frame " + std::to_string(f.at_8) + ' ' + std::to_string(f.first_ordinal) + ' ' +
            std::to_string(f.recorded_last_ns) + ' ' + std::to_string(f.occurred_min_ns) + ' ' +
            std::to_string(f.occurred_max_ns) + ' ' + std::to_string(f.chain_after)
        );
    }
    for (std::uint32_t i = 0; i < index.stream_count(); ++i) {
        list.clear();
        index.append_stream(i, list);
        const auto stream = index.stream(i);
        say("stream " + std::string{stream.name} + ' ' + std::to_string(stream.base), list);
        CHECK(index.find_stream(stream.name) == i);
        CHECK(index.count_of_stream(i) == list.size());
        for (std::uint32_t k = 0; k < list.size(); ++k)
            CHECK(index.ordinal_in_stream(i, k) == list[k]);
    }
    for (std::uint32_t i = 0; i < index.type_count(); ++i) {
        list.clear();
        index.append_type(i, list);
        const auto type = index.type(i);
        say("type " + std::string{type.name} + ' ' + std::to_string(type.version), list);
        CHECK(std::ranges::count(index.find_types(type.name), i) == 1);
    }
    for (std::uint32_t i = 0; i < index.tag_count(); ++i) {
        list.clear();
        index.append_tag(i, list);
        say("tag " + std::string{index.tag(i)}, list);
        CHECK(index.find_tag(index.tag(i)) == i);
    }
    for (const auto* prefix : {"", "a", "a-", "b-1", "z", "zz", "none"}) {
        auto found = index.find_streams_with(prefix);
        std::ranges::sort(found);
        say(std::string{"prefix "} + prefix, found);
    }
    for (const auto* name : {"", "a-", "none", "zz"}) {
        CHECK_FALSE(index.find_stream(name));
        CHECK_FALSE(index.find_tag(name));
        CHECK(index.find_types(name).empty());
    }
    return out;
}

/// A sealed segment of a log: its entry, its index from its frames, where its index file is.
struct sealed {
    log::segment_entry entry{};
    std::shared_ptr<log::growing_index> truth{};
    log::index_identity identity{};
    std::string path{};
};

std::vector<sealed> sealed_segments(const std::shared_ptr<io::simulated_disk>& disk) {
    const auto machine = io::simulated_machine(disk, 2);
    const auto m = log::read_manifest(*disk, "/log").content;
    std::vector<sealed> out;
    for (const auto& s : m.segments) {
        if (s.kind == log::segment_kind::active)
            continue;
        out.push_back(
            {s,
             log::walk_sealed_segment(
                 log::open_segment(machine, "/log", s, m.log_id),
                 s,
                 nullptr,
                 m.log_id,
                 m.limits.batch_bytes_max
             ),
             {m.log_id,
              s.id,
              s.first,
              s.end,
              s.end_offset,
              s.chain_end,
              s.event_count,
              s.is_rewritten},
             io::join("/log", log::index_file_name(s))}
        );
    }
    return out;
}

/// How many bytes and operations of each kind an action costs, by file ending.
class operations {
public:
    explicit operations(const std::shared_ptr<io::simulated_disk>& disk)
        : disk_{disk} {
        disk->observe([this](std::uint64_t, io::operation op, const std::string& path) {
            ++counts_[{op, path}];
        });
    }

    operations(const operations&) = delete;
    operations& operator=(const operations&) = delete;
    operations(operations&&) = delete;
    operations& operator=(operations&&) = delete;

    ~operations() { disk_->observe({}); }

    [[nodiscard]] int of(io::operation op, std::string_view path_end) const {
        int out = 0;
        for (const auto& [what, count] : counts_) {
            if (what.first == op && what.second.ends_with(path_end))
                out += count;
        }
        return out;
    }

private:
    std::shared_ptr<io::simulated_disk> disk_;
    std::map<std::pair<io::operation, std::string>, int> counts_{};
};

} // namespace

TEST_CASE("a stored index answers everything as the frames themselves do") {
    std::size_t segments = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        const auto disk = random_log(seed, 60);
        for (const auto& s : sealed_segments(disk)) {
            ++segments;
            std::string why;
            const auto stored = log::open_stored_index(*disk, s.path, s.identity, why);
            REQUIRE_MESSAGE(stored != nullptr, why);
            CHECK(answers(*stored) == answers(*s.truth));
        }
    }
    CHECK(segments > 60);
    MESSAGE(segments << " segments compared");
}

TEST_CASE("an index of another segment, or of another state of it, is not used") {
    const auto disk = random_log(3, 40);
    const auto all = sealed_segments(disk);
    REQUIRE(all.size() > 2);
    const auto is_used = [&](const std::string& path, const log::index_identity& of) {
        std::string why;
        const auto index = log::open_stored_index(*disk, path, of, why);
        CHECK((index != nullptr) == why.empty());
        return index != nullptr;
    };
    CHECK(is_used(all[0].path, all[0].identity));
    CHECK_FALSE(is_used(all[1].path, all[0].identity));
    auto changed = all[0].identity;
    changed.chain_end ^= 1U;
    CHECK_FALSE(is_used(all[0].path, changed));
    changed = all[0].identity;
    changed.log_id = io::simulated_random{9}.next_uuid();
    CHECK_FALSE(is_used(all[0].path, changed));
}

TEST_CASE("an index whose checksum was mended after a change throws or answers, and no more") {
    constexpr std::uint64_t seed = 20;
    CAPTURE(seed);
    const auto disk = random_log(seed, 40);
    const auto s = sealed_segments(disk).front();
    const auto content = disk->content(s.path);
    std::mt19937_64 random{seed};
    int refused = 0;
    int threw = 0;
    int answered = 0;
    for (int i = 0; i < 20'000; ++i) {
        auto changed = content;
        for (auto n = 1 + random() % 3; n > 0; --n)
            changed[random() % (changed.size() - 8)] = static_cast<std::byte>(random() & 0xFFU);
        if (random() % 16 == 0)
            changed.resize(random() % changed.size() + 1);
        if (changed.size() >= 8)
            store_le(
                changed.data() + changed.size() - 8,
                log::checksum(bytes_view{changed}.first(changed.size() - 8), s.identity.segment_id)
            );
        disk->set_content(s.path, std::move(changed));
        std::string why;
        const auto index = log::open_stored_index(*disk, s.path, s.identity, why);
        if (index == nullptr) {
            ++refused;
            continue;
        }
        const auto probe = [&](const auto& ask) {
            try {
                ask();
                ++answered;
            } catch (const corruption&) {
                ++threw;
            }
        };
        log::ordinal_list list;
        probe([&] {
            for (std::uint32_t k = 0; k < index->event_count(); ++k)
                static_cast<void>(index->offset_of(k));
        });
        for (std::uint32_t k = 0; k < index->stream_count(); ++k)
            probe([&] {
                index->append_stream(k, list);
                static_cast<void>(index->find_stream(index->stream(k).name));
                static_cast<void>(index->find_streams_with("a"));
            });
        for (std::uint32_t k = 0; k < index->type_count(); ++k)
            probe([&] {
                index->append_type(k, list);
                static_cast<void>(index->find_types(index->type(k).name));
            });
        for (std::uint32_t k = 0; k < index->tag_count(); ++k)
            probe([&] {
                index->append_tag(k, list);
                static_cast<void>(index->find_tag(index->tag(k)));
            });
    }
    CHECK(refused > 100);
    CHECK(threw > 100);
    CHECK(answered > 1000);
    MESSAGE(refused << " refused, " << threw << " threw, " << answered << " answered");
}

TEST_CASE("opening a long log reads its active segment and none of the sealed ones") {
    for (const auto mode : {access_mode::read_only, access_mode::existing}) {
        const auto disk = random_log(5, 300);
        const auto all = sealed_segments(disk);
        REQUIRE(all.size() > 30);
        const operations seen{disk};
        const auto log = event_log::open(io::simulated_machine(disk, 3), "/log", small_log(mode));
        for (const auto& s : all) {
            CHECK(seen.of(io::operation::read, s.entry.file) == 0);
            CHECK(seen.of(io::operation::open, s.path) == 0);
        }
        CHECK(log->index().end() > position{500});
        // A stream's end is found in indexes alone.
        CHECK(log->index().next_revision("zürich-1"));
        for (const auto& s : all)
            CHECK(seen.of(io::operation::read, s.entry.file) == 0);
    }
}

TEST_CASE("a missing or damaged index loses nothing but time, and a writer makes it again") {
    const auto disk = random_log(6, 200);
    const auto all = sealed_segments(disk);
    const auto read_with = [&](access_mode mode) {
        const auto log = event_log::open(io::simulated_machine(disk, 4), "/log", small_log(mode));
        log::selection wanted;
        wanted.items.push_back({.tags = {"k:2"}});
        auto events = read_all(*log, wanted);
        return std::pair{std::move(events), log->take_notes()};
    };
    const auto truth = read_with(access_mode::read_only).first;
    REQUIRE(truth.size() > 20);
    disk->remove(all[1].path);
    auto damaged = disk->content(all[2].path);
    damaged[damaged.size() / 2] ^= std::byte{4};
    disk->set_content(all[2].path, damaged);

    const auto [as_reader, notes] = read_with(access_mode::read_only);
    CHECK(as_reader == truth);
    REQUIRE(notes.size() == 1);
    CHECK(notes.front().find("checksum") != std::string::npos);
    CHECK(disk->kind(all[1].path) == io::path_kind::missing); // a reader changes nothing

    CHECK(read_with(access_mode::existing).first == truth);
    std::string why;
    for (const auto& s : all)
        CHECK(log::open_stored_index(*disk, s.path, s.identity, why) != nullptr);
    CHECK(read_with(access_mode::read_only).second.empty());
}

TEST_CASE("an index that can't be stored is kept in memory, with a note, and appends go on") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(
        io::simulated_machine(disk), "/log", small_log(access_mode::create, small_segment)
    );
    disk->observe([&](std::uint64_t number, io::operation op, const std::string& path) {
        if (op == io::operation::write && path.ends_with(".evi.tmp"))
            disk->fail_at(number, ENOSPC);
    });
    for (int i = 0; i < 40; ++i)
        append_texts(*log, "s", {std::string(200, 'x')});
    disk->observe({});
    CHECK(log->count_segments().all > 3);
    CHECK(read_all(*log).size() == 40);
    const auto notes = log->take_notes();
    REQUIRE(!notes.empty());
    CHECK(notes.front().find("kept in memory") != std::string::npos);
    log->close();
}

TEST_CASE("verification reads every segment and every index, and says which index is wrong") {
    const auto disk = random_log(7, 100);
    const auto all = sealed_segments(disk);
    const auto verify = [&] { return verified(io::simulated_machine(disk, 5), "/log"); };
    CHECK(verify().segments == all.size() + 1);
    CHECK(verify().notes.empty());
    // One that is whole, but of another truth: only a comparison finds it.
    auto lying = disk->content(all[0].path);
    const auto other = log::encode(*all[1].truth, all[0].identity);
    disk->set_content(all[0].path, other);
    const auto notes = verify().notes;
    REQUIRE(notes.size() == 1);
    CHECK(notes.front().find(log::index_file_name(all[0].entry)) != std::string::npos);

    auto segment = disk->content(io::join("/log", all[3].entry.file));
    segment[5000] ^= std::byte{1};
    disk->set_content(io::join("/log", all[3].entry.file), segment);
    const auto damaged = verify();
    REQUIRE(damaged.damage.size() == 1);
    CHECK(damaged.damage.front().file == io::join("/log", all[3].entry.file));
    CHECK(damaged.damage.front().first_lost);
    CHECK(damaged.notes.size() == 1);
}

TEST_CASE("a log of many segments is read and written with few descriptors") {
    const scratch_dir scratch;
    const auto machine = io::posix_machine();
    const auto directory = io::join(scratch.string(), "log");
    constexpr int batches = 400;
    {
        const auto log =
            event_log::open(machine, directory, small_log(access_mode::create, small_segment));
        for (int i = 0; i < batches; ++i)
            append_texts(*log, "s-" + std::to_string(i % 7), {std::string(1000, 'x')});
        CHECK(log->count_segments().all > 150);
    }
    ::rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    auto few = before;
    few.rlim_cur = 64;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (const auto mode : {access_mode::read_only, access_mode::existing}) {
        const auto log = event_log::open(machine, directory, small_log(mode, small_segment));
        CHECK(read_all(*log).size() == batches);
        CHECK(log->index().next_revision("s-3"));
    }
    CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}
