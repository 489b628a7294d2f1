// SPDX-License-Identifier: MIT
// How long until the first event of one tag's history, of 100,000 tags in a log of 1,000,000
// events, once the log is warm? And how much is read for all of it? Takes the number of events.
#include "support/scratch_dir.hpp"

#include <everfold/everfold.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>
#include <vector>

namespace {

using stopwatch = std::chrono::steady_clock;

constexpr std::uint64_t events_a_tag = 10;
constexpr std::uint64_t events_a_batch = 1000;

everfold::new_event visit_of(std::uint64_t user, std::uint64_t n) {
    everfold::new_event out{.type = "visited", .tags = {"user:" + std::to_string(user)}};
    everfold::cbor_writer w{out.payload};
    w.begin_map(2);
    w.write_text("user");
    w.write_integer(user);
    w.write_text("n");
    w.write_integer(n);
    w.end();
    w.finish();
    return out;
}

void fill(everfold::store& store, std::uint64_t events, std::uint64_t tags) {
    std::mt19937_64 random{1};
    for (std::uint64_t n = 0; n < events;) {
        everfold::append_request request;
        request.streams.push_back({.stream = "visits"});
        for (std::uint64_t i = 0; i < events_a_batch && n < events; ++i)
            request.streams.front().events.push_back(visit_of(random() % tags, n++));
        store.append(request).value();
    }
}

double at(const std::vector<double>& sorted, double part) {
    return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

void print(const char* what, std::vector<double>& times) {
    std::ranges::sort(times);
    std::printf(
        "%-22s p50 %8.1f us   p99 %8.1f us   max %8.1f us\n",
        what,
        at(times, 0.5),
        at(times, 0.99),
        times.back()
    );
}

void measure(everfold::store& store, std::uint64_t tags, int rounds) {
    std::vector<double> to_first;
    std::vector<double> to_last;
    everfold::reading_explanation read;
    std::mt19937_64 random{2};
    for (int i = 0; i < rounds; ++i) {
        const auto q = everfold::query{}.tag("user", random() % tags);
        const auto start = stopwatch::now();
        auto range = store.read(q);
        auto it = range.begin();
        const auto first = stopwatch::now();
        for (; it != range.end(); ++it) {
        }
        const auto last = stopwatch::now();
        const auto r = range.explanation().reading.value();
        to_first.push_back(std::chrono::duration<double, std::micro>(first - start).count());
        to_last.push_back(std::chrono::duration<double, std::micro>(last - start).count());
        read.candidates += r.candidates;
        read.frames_read += r.frames_read;
        read.events_decoded += r.events_decoded;
        read.events_delivered += r.events_delivered;
    }
    print("to the first event", to_first);
    print("to the last event", to_last);
    std::printf(
        "a tag, on average: %.1f candidates, %.1f frames read, %.1f events decoded, %.1f handed "
        "out\n",
        static_cast<double>(read.candidates) / rounds,
        static_cast<double>(read.frames_read) / rounds,
        static_cast<double>(read.events_decoded) / rounds,
        static_cast<double>(read.events_delivered) / rounds
    );
}

} // namespace

int main(int argc, char** argv) {
    try {
        const auto events =
            argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::uint64_t{1'000'000};
        const auto tags = std::max<std::uint64_t>(1, events / events_a_tag);
        const everfold::testing::scratch_dir directory;
        auto store = everfold::open(directory / "log");
        fill(store, events, tags);
        store.close();
        store = everfold::open(directory / "log", {.mode = everfold::open_mode::read_only});
        std::printf(
            "%llu events, %llu tags, %llu segments, batches of %llu\n",
            static_cast<unsigned long long>(events),
            static_cast<unsigned long long>(tags),
            static_cast<unsigned long long>(store.stats().segments),
            static_cast<unsigned long long>(events_a_batch)
        );
        measure(store, tags, 200); // warms
        measure(store, tags, 5000);
        std::fputs(store.explain(everfold::query{}.tag("user", 7)).to_string().c_str(), stdout);
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
