// SPDX-License-Identifier: MIT
// P22: what programs can do with a log as a whole, by the functions of store/tools.hpp.

#include <everfold/base/error.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/store/snapshot_files.hpp>
#include <everfold/store/tools.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <support/stores.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

struct scene {
    std::shared_ptr<io::simulated_disk> disk{std::make_shared<io::simulated_disk>()};
    io::machine machine{io::simulated_machine(disk)};

    scene() {
        auto s = open(
            "/log",
            quiet({.segment_bytes_max = 5000, .event_bytes_max = 512, .batch_bytes_max = 4096}),
            machine
        );
        for (std::uint32_t i = 0; i < 30; ++i)
            s.append(to_stream(i % 2 == 0 ? "a" : "b", {numbered(i)})).value();
        s.engine().save_snapshot({"a", "sum", revision{3}, position{6}, 7, 1, number_payload(6)});
        s.engine().save_snapshot({"b", "sum", revision{3}, position{7}, 7, 1, number_payload(7)});
        s.close();
    }

    [[nodiscard]] std::vector<std::string> snapshots() const {
        std::vector<std::string> out;
        for (const auto& path : disk->files_below("/log")) {
            if (path.ends_with(".evs"))
                out.push_back(path);
        }
        return out;
    }

    [[nodiscard]] std::vector<std::string> notes() const {
        const auto found = verify("/log", {}, machine);
        CHECK(found.is_intact());
        CHECK(found.events == 30);
        return found.notes;
    }
};

bool says(const std::string& note, const std::string& path, const char* what) {
    return note.find(path.substr(5)) != std::string::npos && note.find(what) != std::string::npos;
}

} // namespace

TEST_CASE("P22: verifying names each snapshot that is damaged, strange or of another past") {
    const scene s;
    REQUIRE(s.snapshots().size() == 2);
    CHECK(s.notes().empty());
    const auto path = s.snapshots().front();
    const auto intact = s.disk->content(path);

    auto changed = intact;
    changed[60] ^= std::byte{1};
    s.disk->set_content(path, changed);
    auto notes = s.notes();
    REQUIRE(notes.size() == 1);
    CHECK(says(notes[0], path, "does not match its checksum"));

    // Whole in themselves: of another log, of another past, under another's name.
    const auto mended = [&](auto change) {
        auto bytes = intact;
        change(bytes);
        store_le(
            bytes.data() + bytes.size() - 8,
            log::checksum(bytes_view{bytes}.first(bytes.size() - 8), 0)
        );
        s.disk->set_content(path, std::move(bytes));
    };
    mended([](byte_buffer& b) { b[20] ^= std::byte{1}; });
    notes = s.notes();
    REQUIRE(notes.size() == 1);
    CHECK(says(notes[0], path, "of another log"));
    mended([](byte_buffer& b) { b[33] ^= std::byte{1}; });
    notes = s.notes();
    REQUIRE(notes.size() == 1);
    CHECK(says(notes[0], path, "the log does not confirm it"));
    s.disk->set_content(path, s.disk->content(s.snapshots().back()));
    notes = s.notes();
    REQUIRE(notes.size() == 1);
    CHECK(says(notes[0], path, "its name is that of another one"));
}

TEST_CASE("P22: a program backs a log up, verifies it, and repairs it") {
    const scene s;
    CHECK(back_up("/log", "/copy", sealed_files::copied, s.machine).end == position{30});
    CHECK(verify("/copy", {}, s.machine).events == 30);

    std::uint64_t done = 0;
    const auto report = repair(
        "/log", "/same", [&](std::uint64_t positions) { done = positions; }, s.machine
    );
    CHECK(done == 30);
    CHECK(report.is_complete());
    auto before = open("/log", {.mode = open_mode::read_only}, s.machine);
    auto after = open("/same", {.mode = open_mode::read_only}, s.machine);
    CHECK(lines_of(before.read()) == lines_of(after.read()));
    CHECK(before.log_id() == after.log_id());
    const auto file = s.disk->content("/same/repair-report.json");
    const auto said = nlohmann::json::parse(as_text(file));
    CHECK(said == nlohmann::json::parse(to_json(report)));
    CHECK(said["complete"] == true);
}

TEST_CASE("P22: events keep their ids in a repaired log whose positions are others") {
    const scene s;
    std::vector<std::string> ids;
    {
        auto before = open("/log", {.mode = open_mode::read_only}, s.machine);
        for (const auto& e : before.read())
            ids.push_back(e.id.to_string());
    }
    const auto files = s.disk->files_below("/log");
    const auto segment =
        std::ranges::find_if(files, [](const std::string& p) { return p.ends_with(".evl"); });
    REQUIRE(segment != files.end());
    s.disk->remove(*segment);
    const auto report = repair("/log", "/new", {}, s.machine);
    REQUIRE(report.lost.size() == 1);
    const auto lost = report.lost.front().positions.count();
    auto after = open("/new", {.mode = open_mode::read_only}, s.machine);
    CHECK(after.log_id() != report.from);
    std::size_t n = lost;
    for (const auto& e : after.read()) {
        CHECK(e.id.to_string() == ids[n]);
        ++n;
    }
    CHECK(n == 30);
    CHECK(verify("/new", {}, s.machine).is_intact());
}

TEST_CASE("P22: what a rule put out of reach stays there in a repaired log, whatever is lost") {
    std::uint64_t shifted = 0;
    std::uint64_t added = 0;
    for (std::size_t gone = 0; gone < 12; ++gone) {
        for (const bool is_scavenged : {false, true}) {
            CAPTURE(gone);
            CAPTURE(is_scavenged);
            const auto disk = std::make_shared<io::simulated_disk>();
            const auto machine = io::simulated_machine(disk);
            std::vector<std::string> ids;
            {
                auto s = open(
                    "/log",
                    quiet(
                        {.segment_bytes_max = 5000, .event_bytes_max = 512, .batch_bytes_max = 4096}
                    ),
                    machine
                );
                const std::vector<std::string> streams{"a", "b", "c", "d"};
                for (std::uint32_t i = 0; i < 40; ++i)
                    s.append(to_stream(streams[i % 4], {numbered(i)})).value();
                s.truncate("a", revision{4}).value();
                s.retain("b", {.max_count = 3}).value();
                s.tombstone("c").value();
                s.truncate("d", revision{10}).value();
                if (is_scavenged)
                    REQUIRE(s.scavenge({.why = "a test"}).events > 10);
                for (std::uint32_t i = 0; i < 10; ++i)
                    s.append(to_stream("a", {numbered(i)})).value();
                for (const auto& e : s.read())
                    ids.push_back(e.id.to_string());
                s.close();
            }
            auto files = disk->files_below("/log");
            std::erase_if(files, [](const std::string& p) {
                return !p.ends_with(".evl") && !p.ends_with(".evr");
            });
            std::ranges::sort(files);
            // Of the segments that do not hold the rules, one; or none.
            const auto holds_rules = [&](const std::string& path) {
                return as_text(disk->content(path)).find("$tr") != std::string::npos;
            };
            if (gone > 0 && gone <= files.size()) {
                if (holds_rules(files[gone - 1]))
                    continue;
                disk->remove(files[gone - 1]);
            }
            const auto report = repair("/log", "/new", {}, machine);
            auto now = open("/new", quiet({}), machine);
            for (const auto& e : now.read())
                CHECK(std::ranges::find(ids, e.id.to_string()) != ids.end());
            CHECK(now.stats().events == report.events + report.added);
            for (const auto& n : report.notes)
                shifted += n.find("begins at revision") != std::string::npos ? 1U : 0U;
            added += report.added;
            if (report.lost.empty()) {
                std::vector<std::string> left;
                for (const auto& e : now.read())
                    left.push_back(e.id.to_string());
                CHECK(left == ids);
            }
            // What comes next can be reached.
            for (const auto* stream : {"a", "b", "d"}) {
                now.append(to_stream(stream, {numbered(1)})).value();
                const auto last = lines_of(now.read(query{}.stream(stream).backwards().limit(1)));
                REQUIRE(last.size() == 1);
                CHECK(last.front().find(R"({"n":1})") != std::string::npos);
            }
            now.close();
            CHECK(verify("/new", {}, machine).is_intact());
        }
    }
    CHECK(shifted > 5);
    CHECK(added > 0);
}

TEST_CASE("P22: an event whose data is not well-formed is damage, and is not repaired into a log") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto machine = io::simulated_machine(disk);
    {
        const auto log = log::event_log::open(
            machine,
            "/log",
            {.limits =
                 {.segment_bytes_max = 1U << 20U, .event_bytes_max = 4096, .batch_bytes_max = 4096}}
        );
        for (const std::string_view payload : {"\xa0", "\xa1\x61", "\xa0"}) {
            const log::draft draft{.stream = "s", .type = "t", .payload = as_bytes(payload)};
            static_cast<void>(log->append({&draft, 1}, {}, [](const log::stream_heads&) {
                return true;
            }));
        }
        log->close();
    }
    const auto found = verify("/log", {}, machine);
    REQUIRE(found.damage.size() == 1);
    CHECK(found.damage[0].first_lost == position{1});
    CHECK(found.events == 2);
    const auto report = repair("/log", "/new", {}, machine);
    REQUIRE(report.lost.size() == 1);
    CHECK(report.lost[0].positions == position_range{position{1}, position{2}});
    CHECK(report.streams == std::vector<missing_revisions>{{"s", revision{1}, revision{2}}});
    CHECK(verify("/new", {}, machine).is_intact());
}
