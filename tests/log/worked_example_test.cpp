// SPDX-License-Identifier: MIT
#include <everfold/io/simulated.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/format.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace everfold;

namespace {

/// A line of the page's dump: bytes, and where in the file they are.
struct dumped {
    std::uint64_t at{};
    byte_buffer bytes{};
};

std::string text_of_page() {
    const auto* root = std::getenv("EVERFOLD_SOURCE_ROOT");
    REQUIRE(root != nullptr);
    std::ifstream file{std::string{root} + "/framework/docs/log_format.md"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// The lines of the first code block below the heading: an offset, two blanks, bytes with one blank
/// between them, two blanks, words.
std::vector<dumped> read_dump(const std::string& page, const std::string& heading) {
    std::istringstream lines{page};
    std::string line;
    while (std::getline(lines, line) && line != heading) {
    }
    while (std::getline(lines, line) && line != "```") {
    }
    std::vector<dumped> out;
    while (std::getline(lines, line) && line != "```") {
        const auto bytes_at = line.find("  ", line.find_first_not_of(' ')) + 2;
        dumped entry{.at = std::stoull(line)};
        std::istringstream pairs{line.substr(bytes_at, line.find("  ", bytes_at) - bytes_at)};
        for (std::string pair; pairs >> pair;)
            entry.bytes.push_back(static_cast<std::byte>(std::stoul(pair, nullptr, 16)));
        out.push_back(std::move(entry));
    }
    return out;
}

/// The event of event_encoding.md's example, with a tag, in a log that has the same bytes each
/// time.
byte_buffer segment_of_one_append() {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto machine = io::simulated_machine(disk, 1);
    machine.time = std::make_shared<io::simulated_clock>(
        timestamp::from_milliseconds(1'704'067'200'000), std::chrono::nanoseconds{0}
    );
    const auto made = log::event_log::open(machine, "/log", testing::small_log());
    constexpr std::string_view payload = "\xa3\x67user_id\x18\x7b\x64name\x65"
                                         "Alice\x65"
                                         "email\xf6";
    const std::vector<std::string> tags{"user:123"};
    const log::draft event{
        .stream = "user-123", .type = "user_created", .tags = tags, .payload = as_bytes(payload)};
    static_cast<void>(made->append({&event, 1}, {}, [](const log::stream_heads&) { return true; }));
    made->close();
    for (const auto& path : disk->files_below("/log")) {
        if (path.ends_with(".evl"))
            return disk->content(path);
    }
    return {};
}

} // namespace

TEST_CASE("the worked example of log_format.md is what an append writes") {
    const auto segment = segment_of_one_append();
    const auto page = text_of_page();
    const auto dump = read_dump(page, "## A worked example");
    REQUIRE(!dump.empty());
    // From the header some fields, from there on everything.
    std::uint64_t next = log::segment_header_size;
    for (const auto& line : dump) {
        CAPTURE(line.at);
        REQUIRE(line.at + line.bytes.size() <= segment.size());
        CHECK(
            to_hex(line.bytes) == to_hex(bytes_view{segment}.subspan(line.at, line.bytes.size()))
        );
        if (line.at >= log::segment_header_size) {
            CHECK(line.at == next);
            next = line.at + line.bytes.size();
        }
    }
    CHECK(next == segment.size());

    const auto body = bytes_view{segment}.subspan(
        log::segment_header_size + log::frame_header_size,
        segment.size() - log::segment_header_size - log::frame_overhead
    );
    byte_buffer chain;
    for (unsigned shift = 64; shift > 0; shift -= 8)
        chain.push_back(
            static_cast<std::byte>(log::chain_after(0, log::checksum(body, 0)) >> (shift - 8))
        );
    CHECK(page.find("0x" + to_hex(chain)) != page.npos);
}
