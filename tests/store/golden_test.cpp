// SPDX-License-Identifier: MIT
// What a released version has written is read for ever, and is what this version writes.

#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/log/format.hpp>
#include <everfold/store/tools.hpp>

#include <doctest/doctest.h>
#include <support/golden_log.hpp>
#include <support/scratch_dir.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using lines = std::vector<std::string>;

namespace {

constexpr const char* released[] = {"version_1"};

std::filesystem::path golden_folder() {
    const char* root = std::getenv("EVERFOLD_SOURCE_ROOT");
    REQUIRE(root != nullptr);
    return std::filesystem::path{root} / "tests" / "golden";
}

std::string content_of(const std::filesystem::path& path) {
    std::ifstream in{path, std::ios::binary};
    REQUIRE_MESSAGE(in.good(), path);
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// Everything that a reader is told of an event.
lines answers_of(store& s) {
    lines out;
    const auto add = [&](event_range range) {
        for (const auto& e : range) {
            auto line = std::to_string(e.log_position.value()) + ' ' + std::string{e.stream} + '@' +
                        std::to_string(e.stream_revision.value()) + ' ' + std::string{e.type} +
                        " v" + std::to_string(e.version) + ' ' + e.id.to_string() + ' ' +
                        e.recorded_at.to_string() + ' ' + e.occurred_at.to_string() + ' ' +
                        e.correlation_id.to_string() + ' ' + e.causation_id.to_string();
            for (const auto tag : e.tags)
                line += " [" + std::string{tag} + ']';
            line += ' ' + std::to_string(e.metadata.size()) + ' ' + e.to_json();
            out.push_back(std::move(line));
        }
        out.emplace_back("--");
    };
    add(s.read());
    add(s.read(query{}.stream("user-1").backwards()));
    add(s.read(query{}.stream("$streams")));
    add(s.read(query{}.tag("k:2").type("seen")));
    for (auto& name : s.streams())
        out.push_back(std::move(name));
    const auto snapshot = s.engine().load_snapshot("later", "counter", revision{99});
    out.push_back(snapshot ? "snapshot at " + std::to_string(snapshot->at.value()) : "none");
    out.push_back(std::to_string(s.end().value()));
    return out;
}

lines lines_in(const std::filesystem::path& path) {
    std::ifstream in{path};
    REQUIRE_MESSAGE(in.good(), path);
    lines out;
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    return out;
}

bool is_compressed(const std::string& name) {
    return name.ends_with(".evz");
}

std::map<std::string, std::string> files_of(io::file_system& disk) {
    std::map<std::string, std::string> out;
    for (const auto& name : disk.list("/log")) {
        const auto path = "/log/" + name;
        if (disk.kind(path) != io::path_kind::regular_file || name == "LOCK")
            continue;
        const auto bytes = io::read_whole(disk, path, std::size_t{1} << 20U);
        out[name] = std::string{as_text(bytes)};
    }
    return out;
}

struct golden {
    const char* name;
    bool is_closed;
    /// A folder of files that the format has gained since, and that such a log has, too.
    const char* more{nullptr};
};

/// Each is read for ever, also without what came later.
constexpr golden logs[] = {{"closed", true}, {"closed", true, "closed_index"}, {"killed", false}};
/// Each as it is written now.
constexpr golden logs_now[] = {{"closed", true, "closed_index"}, {"killed", false}};

/// Not a test of anything: writes the golden files of a new version, once, into a folder that is
/// not there yet.
bool wrote_golden_files() {
    const char* into = std::getenv("EVERFOLD_WRITE_GOLDEN");
    if (into == nullptr)
        return false;
    for (const auto& [name, is_closed, more] : logs_now) {
        const auto folder = std::filesystem::path{into} / name;
        REQUIRE(std::filesystem::create_directories(folder));
        const auto disk = golden_log(is_closed);
        for (const auto& [file, bytes] : files_of(*disk))
            std::ofstream{folder / file, std::ios::binary} << bytes;
        auto s = open("/log", {.mode = open_mode::read_only}, io::simulated_machine(disk, 77));
        std::ofstream text{folder.string() + ".txt"};
        for (const auto& line : answers_of(s))
            text << line << '\n';
    }
    return true;
}

/// Zeros may lie ahead of an open log's frames, as many as a writer likes.
std::string without_zeros(std::string content) {
    while (!content.empty() && content.back() == '\0')
        content.pop_back();
    return content;
}

} // namespace

TEST_CASE("P20: a log of every released version is read, verified and gone on with") {
    if (wrote_golden_files())
        return;
    for (const std::string version : released) {
        for (const auto& [log_name, is_closed, more] : logs) {
            const std::string name = log_name;
            CAPTURE(version);
            CAPTURE(name);
            const auto folder = golden_folder() / version;
            const auto expected = lines_in(folder / (name + ".txt"));
            CHECK(expected.size() > 60);
            scratch_dir scratch;
            const auto copy = std::filesystem::path{scratch / "log"};
            std::filesystem::copy(folder / name, copy);
            if (more != nullptr)
                std::filesystem::copy(folder / more, copy);
            {
                auto reader = open(copy.string(), {.mode = open_mode::read_only});
                CHECK(answers_of(reader) == expected);
                CHECK(reader.report().notes.empty());
            }
            const auto found = verify(copy.string());
            CHECK(found.damage.empty());
            CHECK(found.notes.empty());
            auto writer = open(copy.string(), quiet({.mode = open_mode::existing}));
            CHECK(answers_of(writer) == expected);
            writer.append(to_stream("user-2", {numbered(1)})).value();
            CHECK(writer.scavenge().events == 0);
            writer.close();
            writer = open(copy.string(), quiet({.mode = open_mode::existing}));
            CHECK(writer.end().value() + 1 > expected.size() / 3);
            CHECK(verify(copy.string()).damage.empty());
        }
    }
}

TEST_CASE("P20: what this version writes is, byte for byte, what its format was released with") {
    const auto folder = golden_folder() / released[std::size(released) - 1];
    std::size_t compared = 0;
    for (const auto& [name, is_closed, more] : logs_now) {
        CAPTURE(name);
        const auto disk = golden_log(is_closed);
        const auto written = files_of(*disk);
        std::size_t released_files = 0;
        std::vector<std::filesystem::directory_entry> entries;
        for (const auto* part : {name, more}) {
            if (part != nullptr)
                std::ranges::copy(
                    std::filesystem::directory_iterator{folder / part}, std::back_inserter(entries)
                );
        }
        for (const auto& entry : entries) {
            const auto file = entry.path().filename().string();
            CAPTURE(file);
            ++released_files;
            CHECK(written.contains(file));
            // What a compressor makes of it is its own affair; it was read above.
            if (is_compressed(file) || !written.contains(file))
                continue;
            const bool is_same =
                without_zeros(content_of(entry.path())) == without_zeros(written.at(file));
            CHECK(is_same);
            ++compared;
        }
        CHECK(released_files == written.size());
    }
    CHECK(compared > 10);
}

TEST_CASE("P20: a log of version 0, which was never released, is unsupported and not damaged") {
    const auto disk = golden_log(true);
    for (const auto& name : disk->list("/log")) {
        if (!name.ends_with(".evl"))
            continue;
        const auto file = disk->open("/log/" + name, io::open_mode::write);
        byte_buffer header(log::segment_header_size);
        REQUIRE(file->read_at(byte_offset{0}, header) == header.size());
        store_le(header.data() + 8, std::uint16_t{0});
        const auto covered = bytes_view{header}.first(header.size() - 8);
        store_le(header.data() + covered.size(), log::checksum(covered, 0));
        file->write_at(byte_offset{0}, header);
    }
    auto code = errc::io;
    try {
        auto s = open("/log", {.mode = open_mode::read_only}, io::simulated_machine(disk, 5));
        static_cast<void>(lines_of(s.read()));
    } catch (const error& e) {
        code = e.code();
    }
    CHECK(code == errc::unsupported);
}
