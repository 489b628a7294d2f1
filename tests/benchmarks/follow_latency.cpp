// SPDX-License-Identifier: MIT
// How soon does a reader in another process, asleep, have an event that was just appended? At best
// it takes the append and a bare wake-up of one process by another, which the same run measures in
// turn with it.
#include "support/scratch_dir.hpp"
#include "support/stores.hpp"

#include <everfold/everfold.hpp>

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <thread>

namespace {

using namespace everfold;

constexpr std::uint32_t rounds = 1000;

std::int64_t now_ns() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

/// A number that another process can wait for.
class shared_count {
public:
    void set(std::uint32_t to) {
        value_.store(to);
        call(FUTEX_WAKE, INT_MAX);
    }

    void wait_for(std::uint32_t wanted) {
        for (auto now = value_.load(); now < wanted; now = value_.load())
            call(FUTEX_WAIT, now);
    }

private:
    void call(int operation, std::uint32_t number) {
        ::syscall(SYS_futex, &value_, operation, number, nullptr, nullptr, 0);
    }

    std::atomic<std::uint32_t> value_{};
};

/// What the two processes share.
struct meeting_place {
    shared_count bare{};   // the parent wakes the child
    shared_count asleep{}; // the child is about to sleep
    shared_count answered{};
    std::array<std::int64_t, rounds> bare_seen{};
    std::array<std::int64_t, rounds> event_seen{};
};

// Each round: first the bare wake-up, then an event.
int follow(meeting_place& place, const std::string& path) {
    auto log = open(path, {.mode = open_mode::read_only});
    for (std::uint32_t n = 0; n < rounds; ++n) {
        place.asleep.set(2 * n + 1);
        place.bare.wait_for(n + 1);
        place.bare_seen[n] = now_ns();
        place.answered.set(2 * n + 1);
        place.asleep.set(2 * n + 2);
        if (!log.wait_for(position{n}, std::chrono::seconds{20}))
            return 1;
        for (const auto& e : log.read(query{}.from(position{n})))
            if (e.log_position.value() != n)
                return 1;
        place.event_seen[n] = now_ns();
        place.answered.set(2 * n + 2);
    }
    return 0;
}

struct percentiles {
    double median{};
    double p99{};
};

percentiles of(std::array<std::int64_t, rounds> ns) {
    std::ranges::sort(ns);
    return {
        static_cast<double>(ns[rounds / 2]) / 1000,
        static_cast<double>(ns[rounds * 99 / 100]) / 1000};
}

void print(const char* what, percentiles p) {
    std::printf("%-44s p50 %9.1f us   p99 %9.1f us\n", what, p.median, p.p99);
}

int measure(meeting_place& place, const std::string& path) {
    auto log = open(path);
    const auto child = ::fork();
    if (child == 0) {
        int answer = 1;
        try {
            answer = follow(place, path);
        } catch (const std::exception& e) {
            std::fprintf(stderr, "the follower failed: %s\n", e.what());
        }
        ::_exit(answer);
    }
    std::array<std::int64_t, rounds> bare{};
    std::array<std::int64_t, rounds> acknowledged{};
    std::array<std::int64_t, rounds> seen{};
    std::array<std::int64_t, rounds> seen_after{};
    const auto let_fall_asleep = [&](std::uint32_t count) {
        place.asleep.wait_for(count);
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    };
    for (std::uint32_t n = 0; n < rounds; ++n) {
        let_fall_asleep(2 * n + 1);
        const auto set_at = now_ns();
        place.bare.set(n + 1);
        place.answered.wait_for(2 * n + 1);
        bare[n] = place.bare_seen[n] - set_at;
        let_fall_asleep(2 * n + 2);
        const auto begun_at = now_ns();
        static_cast<void>(log.append(testing::to_stream("s", {testing::numbered(n)})).value());
        const auto done_at = now_ns();
        place.answered.wait_for(2 * n + 2);
        acknowledged[n] = done_at - begun_at;
        seen[n] = place.event_seen[n] - begun_at;
        seen_after[n] = place.event_seen[n] - done_at;
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        std::fprintf(stderr, "the follower did not see every event\n");
        return 1;
    }
    print("append, until acknowledged", of(acknowledged));
    print("append, until the other process has read it", of(seen));
    print("from acknowledged to read there", of(seen_after));
    print("a bare wake-up of the other process", of(bare));
    std::printf(
        "ratio of medians, read there to append and bare wake-up: %.2f\n",
        of(seen).median / (of(acknowledged).median + of(bare).median)
    );
    return 0;
}

} // namespace

int main() {
    try {
        void* shared = ::mmap(
            nullptr,
            sizeof(meeting_place),
            PROT_READ | PROT_WRITE,
            MAP_SHARED | MAP_ANONYMOUS,
            -1,
            0
        );
        if (shared == MAP_FAILED)
            return 1;
        const testing::scratch_dir directory;
        return measure(*new (shared) meeting_place, directory / "log");
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
