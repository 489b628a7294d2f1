// SPDX-License-Identifier: MIT
// How much slower are durable appends while segments are rotated, indexed and archived beside them?
// Compared with the same appends to one segment that is never full. And how long does the append
// take that rotates, where nothing else is going on?
#include "support/scratch_dir.hpp"

#include <everfold/everfold.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr int threads = 4;
constexpr std::uint64_t small_segment = std::uint64_t{1} << 20U;
constexpr std::uint64_t large_segment = std::uint64_t{1} << 30U;
constexpr std::size_t text_size = 1000;

struct reading_taken {
    static constexpr std::string_view event_type = "reading_taken";
    std::int64_t sensor{};
    std::string text{};
};

struct latencies {
    double p50{};
    double p99{};
    double max{};
    /// The median of the slowest appends, as many as there were rotations in the run that rotates.
    double slowest{};
    std::uint64_t segments{};
};

/// In microseconds.
latencies
run(const std::string& directory, std::uint64_t segment_bytes, int appends, std::uint64_t rotations
) {
    using clock = std::chrono::steady_clock;
    auto store = everfold::open(directory, {.segment_bytes_max = segment_bytes});
    std::vector<std::vector<double>> taken(threads);
    std::vector<std::thread> workers;
    workers.reserve(threads);
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            auto& mine = taken[static_cast<std::size_t>(t)];
            std::uint32_t state = 12345U + static_cast<std::uint32_t>(t);
            for (int i = 0; i < appends; ++i) {
                reading_taken e{.sensor = t, .text = std::string(text_size, ' ')};
                for (auto& c : e.text) { // not too easy to compress
                    state = state * 1664525U + 1013904223U;
                    c = static_cast<char>('a' + (state >> 28U));
                }
                const auto start = clock::now();
                store.append("sensor-" + std::to_string(t), e).value();
                mine.push_back(
                    std::chrono::duration<double, std::micro>(clock::now() - start).count()
                );
            }
        });
    }
    for (auto& w : workers)
        w.join();
    std::vector<double> all;
    for (const auto& mine : taken)
        all.insert(all.end(), mine.begin(), mine.end());
    std::ranges::sort(all);
    latencies out;
    out.segments = store.stats().segments;
    if (rotations == 0)
        rotations = std::max<std::uint64_t>(out.segments - 1, 1);
    out.p50 = all[all.size() / 2];
    out.p99 = all[all.size() * 99 / 100];
    out.max = all.back();
    out.slowest = all[all.size() - std::min<std::size_t>(rotations, all.size()) / 2 - 1];
    store.close();
    return out;
}

void print(const char* what, const latencies& l) {
    std::printf(
        "%-22s %4llu segments   p50 %8.0f us   p99 %8.0f us   max %8.0f us   slowest %8.0f us\n",
        what,
        static_cast<unsigned long long>(l.segments),
        l.p50,
        l.p99,
        l.max,
        l.slowest
    );
}

/// One thread, nothing beside it but the index of what was sealed.
void time_rotations(const std::string& directory) {
    using clock = std::chrono::steady_clock;
    auto store = everfold::open(
        directory, {.segment_bytes_max = std::uint64_t{256} << 10U, .compress_sealed = false}
    );
    std::vector<double> ordinary;
    std::vector<double> rotating;
    auto segments = store.stats().segments;
    for (int i = 0; i < 1'000; ++i) {
        const reading_taken e{.sensor = i, .text = std::string(10 * text_size, 'x')};
        const auto start = clock::now();
        store.append("sensor", e).value();
        const auto took = std::chrono::duration<double, std::micro>(clock::now() - start).count();
        const auto now = store.stats().segments;
        (now == segments ? ordinary : rotating).push_back(took);
        segments = now;
    }
    const auto median = [](std::vector<double>& of) {
        std::ranges::sort(of);
        return of.empty() ? 0.0 : of[of.size() / 2];
    };
    const auto a = median(ordinary);
    const auto b = median(rotating);
    std::printf(
        "alone, median of %zu ordinary appends %.0f us, of %zu that rotate %.0f us   ratio %.2f\n",
        ordinary.size(),
        a,
        rotating.size(),
        b,
        b / a
    );
}

} // namespace

int main(int argc, char** argv) {
    try {
        const int appends = argc > 1 ? std::atoi(argv[1]) : 4'000; // each thread
        const everfold::testing::scratch_dir scratch;
        static_cast<void>(run(scratch / "warm", large_segment, appends / 10, 1));
        const auto sealing = run(scratch / "sealing", small_segment, appends, 0);
        const auto alone = run(scratch / "alone", large_segment, appends, sealing.segments - 1);
        print("one large segment", alone);
        print("beside sealing", sealing);
        std::printf(
            "%-22s ratio           p50 %8.2f      p99 %8.2f      max %8.2f      slowest %8.2f\n",
            "",
            sealing.p50 / alone.p50,
            sealing.p99 / alone.p99,
            sealing.max / alone.max,
            sealing.slowest / alone.slowest
        );
        time_rotations(scratch / "rotations");
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
