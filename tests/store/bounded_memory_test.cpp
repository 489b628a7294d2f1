// SPDX-License-Identifier: MIT
// Reading takes the same memory, however large the log.

#include <everfold/store/open.hpp>

#include <doctest/doctest.h>
#include <support/counted_memory.hpp>
#include <support/scratch_dir.hpp>
#include <support/stores.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;
constexpr std::uint32_t streams = 500;

struct way_to_read {
    const char* name;
    query of;
};

std::vector<way_to_read> ways() {
    return {
        {"forwards", query{}},
        {"backwards", query{}.backwards()},
        {"a category", query{}.category("user")},
        {"a stream", query{}.stream("user-7")},
        {"a stream, backwards", query{}.stream("user-7").backwards()},
        {"a type", query{}.type("even")},
        {"a tag", query{}.tag("shard", "3")},
        {"by its payload", query{}.where("/n", comparison::less, 100)},
    };
}

/// Its segments are archived but for the last one, which is not full.
void write_log(const std::string& path, std::uint64_t bytes) {
    auto s = open(path, {.segment_bytes_max = 4 * mebibyte, .level = durability::os()});
    const std::string text(1000, 'x');
    std::uint32_t n = 0;
    bool is_archived = false;
    for (std::uint64_t written = 0; written < bytes;) {
        append_request batch;
        for (int i = 0; i < 50; ++i, ++n) {
            auto event =
                numbered(n, n % 2 == 0 ? "even" : "odd", {"shard:" + std::to_string(n % 8)});
            event.payload.front() = std::byte{0xA2};
            for (const auto c : std::string_view{"\x64text\x79\x03\xE8"})
                event.payload.push_back(static_cast<std::byte>(c));
            for (const auto c : text)
                event.payload.push_back(static_cast<std::byte>(c));
            batch.streams.push_back(
                {"user-" + std::to_string(n % streams),
                 expected_revision::any(),
                 {std::move(event)}}
            );
            written += 1000;
        }
        s.append(batch).value();
        if (written >= bytes && !is_archived) {
            s.engine().archive("user-0", revision{n}, "");
            is_archived = true;
            written -= mebibyte;
        }
    }
    s.close();
}

/// The most that reading all of it takes at once, and how many events there are.
std::pair<std::size_t, std::uint64_t> peak_of(store& s, const query& q) {
    const auto before = bytes_alive.load();
    begin_peak();
    std::uint64_t events = 0;
    for (const auto& e : s.read(q))
        events += e.payload.empty() ? 0 : 1;
    return {bytes_at_peak - before, events};
}

} // namespace

TEST_CASE("reading takes no more memory of a log that is ten times as large") {
    if (EVERFOLD_TEST_THREAD_SANITIZED == 1)
        return;
    const scratch_dir directory;
    write_log(directory / "small", 10 * mebibyte);
    write_log(directory / "large", 100 * mebibyte);
    auto small = open(directory / "small", {.mode = open_mode::read_only});
    auto large = open(directory / "large", {.mode = open_mode::read_only});
    // What is opened once, and kept, is not counted: both have read all of it before.
    static_cast<void>(peak_of(small, {}));
    static_cast<void>(peak_of(large, {}));
    for (const auto& way : ways()) {
        CAPTURE(way.name);
        const auto [of_small, few] = peak_of(small, way.of);
        const auto [of_large, many] = peak_of(large, way.of);
        std::printf(
            "%s: %llu events, at most %zu KiB at once; %llu events, %zu KiB\n",
            way.name,
            static_cast<unsigned long long>(few),
            of_small / 1024,
            static_cast<unsigned long long>(many),
            of_large / 1024
        );
        CHECK(many >= few);
        CHECK(of_large <= of_small + mebibyte / 4);
        CHECK(of_large <= 2 * mebibyte);
    }
}
