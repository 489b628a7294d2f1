// SPDX-License-Identifier: MIT
// The processes of the suites on real ones: a writer, a reader and a follower. The oracle at the
// other end of standard output outlives them.

#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/projection/subscription.hpp>
#include <everfold/store/open.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace everfold;

const store_options small_segments{
    .segment_bytes_max = 64'000, .event_bytes_max = 1024, .batch_bytes_max = 8192};

/// One line for the oracle. A single write of less than a pipe's unit arrives whole or not at all.
void say(char kind, std::uint64_t a, std::uint64_t b) {
    char line[64];
    const auto size = std::snprintf(
        line,
        sizeof line,
        "%c %llu %llu\n",
        kind,
        static_cast<unsigned long long>(a),
        static_cast<unsigned long long>(b)
    );
    if (::write(STDOUT_FILENO, line, static_cast<std::size_t>(size)) != size)
        throw std::runtime_error{"the oracle is gone"};
}

/// {"n": token}, the token in eight bytes of CBOR.
byte_buffer payload_of(std::uint64_t token) {
    byte_buffer out;
    out.reserve(12);
    append_bytes(out, as_bytes("\xA1\x61n\x1B"));
    for (int shift = 56; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::byte>((token >> static_cast<unsigned>(shift)) & 0xFFU));
    return out;
}

std::uint64_t token_of(const recorded_event& e) {
    // Through the JSON that users see: the number is what stands behind {"n":.
    const auto text = e.to_json();
    return std::stoull(text.substr(5));
}

std::uint64_t look(store& s, std::uint64_t from, char kind) {
    for (const auto& e : s.read(query{}.from(position{from}))) {
        if (e.log_position.value() != from)
            throw std::runtime_error{"a gap in the log"};
        say(kind, from++, token_of(e));
    }
    return from;
}

/// Opens for writing, says what it finds from `from` on ("f"), and closes.
int look_through(const std::string& directory, std::uint64_t from) {
    auto s = open(directory, small_segments);
    const auto next = look(s, from, 'f');
    say('o', s.end().value(), next);
    s.close();
    return 0;
}

/// Says what it finds, then for each append what it submits ("s", one line an
/// event), and what was acknowledged ("a": one past the last position, and how many). Tokens begin
/// with `tokens`.
int write_events(
    const std::string& directory, std::uint64_t from, std::uint64_t tokens, bool planted
) {
    auto s = open(directory, small_segments);
    auto next = look(s, from, 'f');
    say('o', s.end().value(), next);
    std::minstd_rand random{static_cast<std::uint32_t>(tokens >> 20U) + 1U};
    for (;;) {
        const auto count = random() % 3U + 1U;
        append_request request;
        request.streams.push_back(
            {.stream = "s-" + std::to_string(random() % 5U),
             .expected = expected_revision::any(),
             .events = {}}
        );
        for (std::uint64_t i = 0; i < count; ++i) {
            say('s', next + i, tokens);
            request.streams.back().events.push_back(
                {.type = "counted", .payload = payload_of(tokens++)}
            );
        }
        if (planted) { // the bug: acknowledged before it is there
            say('a', next + count, count);
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        }
        next = s.append(request).value().last.value() + 1;
        if (!planted)
            say('a', next, count);
    }
}

/// Sees what is durable, time and again ("r").
int read_events(const std::string& directory) {
    auto s = open(directory, {.mode = open_mode::read_only});
    for (std::uint64_t next = 0;;) {
        next = look(s, next, 'r');
        static_cast<void>(s.engine().wait_for(position{next}, std::chrono::milliseconds{100}));
    }
}

/// Is called with each event ("r"), and keeps a checkpoint.
int follow_events(const std::string& directory, const std::string& kept) {
    auto s = open(directory, {.mode = open_mode::read_only});
    subscription all{s, checkpoint_file{kept}, {}, {.save_every = 50}};
    all.on_any([](const recorded_event& e) { say('r', e.log_position.value(), token_of(e)); });
    all.follow({});
    return 0;
}

std::uint64_t entries_of(const char* directory) {
    const std::filesystem::directory_iterator all{directory};
    return static_cast<std::uint64_t>(std::distance(begin(all), end(all)));
}

std::uint64_t lines_of(const char* file) {
    std::ifstream in{file};
    std::uint64_t out = 0;
    for (std::string line; std::getline(in, line);)
        ++out;
    return out;
}

std::uint64_t resident_kib() {
    std::ifstream in{"/proc/self/statm"};
    std::uint64_t pages = 0;
    in >> pages >> pages;
    return pages * (static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024);
}

append_request some_events(std::uint64_t first, std::uint64_t count) {
    constexpr auto token_min = std::uint64_t{1} << 40U; // of those that take eight bytes
    append_request out;
    out.streams.push_back(
        {.stream = "s-" + std::to_string(first % 7),
         .expected = expected_revision::any(),
         .events = {}}
    );
    for (std::uint64_t i = 0; i < count; ++i)
        out.streams.back().events.push_back(
            {.type = "counted", .payload = payload_of(token_min + i), .tags = {"kind:soaked"}}
        );
    return out;
}

/// A log's whole life: segments that follow one another, followers that come and go, removals,
/// compression, and an end. How long its slowest append took, in microseconds.
std::uint64_t live_once(const std::string& directory) {
    using clock = std::chrono::steady_clock;
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    auto s = open(directory + "/log", small_segments);
    std::uint64_t slowest = 0;
    for (std::uint64_t n = 0; n < 1200; n += 4) {
        const auto before = clock::now();
        static_cast<void>(s.append(some_events(n, 4)).value());
        const auto took =
            std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - before);
        slowest = std::max(slowest, static_cast<std::uint64_t>(took.count()));
        if (n % 400 != 0)
            continue;
        std::uint64_t count = 0;
        subscription follower{s, checkpoint_file{directory + "/kept"}, {}, {.save_every = 50}};
        follower.on_any([&](const recorded_event&) { ++count; });
        static_cast<void>(follower.catch_up());
        for (const auto& e : s.read(query{}.tag("kind:soaked")))
            count += e.payload.size();
        auto reader = open(directory + "/log", {.mode = open_mode::read_only});
        if (count == 0 || reader.end() != s.end())
            throw std::runtime_error{"a reader saw nothing, or less than was written"};
    }
    static_cast<void>(s.truncate("s-1", revision{100}));
    static_cast<void>(s.scavenge());
    s.close();
    return slowest;
}

/// Life after life ("c": how many KiB are resident, and the slowest append; "d": descriptors and
/// threads; "m": mappings), until nobody listens.
int soak(const std::string& directory, bool planted) {
    for (;;) {
        const auto slowest = live_once(directory);
        if (planted) // the bug: a descriptor a life
            static_cast<void>(::dup(STDERR_FILENO));
        say('d', entries_of("/proc/self/fd"), entries_of("/proc/self/task"));
        say('m', lines_of("/proc/self/maps"), 0);
        say('c', resident_kib(), slowest);
    }
}

int run(const std::vector<std::string>& words) {
    const auto& what = words.at(0);
    if (what == "make") {
        open(words.at(1), small_segments).close();
        return 0;
    }
    if (what == "look")
        return look_through(words.at(1), std::stoull(words.at(2)));
    if (what == "write")
        return write_events(
            words.at(1), std::stoull(words.at(2)), std::stoull(words.at(3)), words.size() > 4
        );
    if (what == "read")
        return read_events(words.at(1));
    if (what == "follow")
        return follow_events(words.at(1), words.at(2));
    if (what == "soak")
        return soak(words.at(1), words.size() > 2);
    throw std::runtime_error{"worker make|look|write|read|follow|soak DIRECTORY ..."};
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const error& e) {
        std::fprintf(stderr, "worker: %s\n", e.what());
        return e.code() == errc::in_use ? 5 : 1;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "worker: %s\n", e.what());
        return 1;
    }
}
