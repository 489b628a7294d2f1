// SPDX-License-Identifier: MIT
// How soon has somebody an event who sleeps until there is one, on another thread and in another
// process?
#include "compared.hpp"
#include "users.hpp"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

constexpr std::uint32_t rounds = 200;
constexpr auto patience = std::chrono::seconds{20};

std::int64_t now_ns() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

void let_fall_asleep() {
    std::this_thread::sleep_for(std::chrono::microseconds{300});
}

/// Of what lies between two times in nanoseconds.
measured latencies_of(std::vector<double> us) {
    const auto median = percentile(us, 0.5);
    return {{median, percentile(us, 0.99)}, {}};
}

double us_between(std::int64_t from, std::int64_t to) {
    return static_cast<double>(to - from) / 1000;
}

struct ticked {
    static constexpr std::string_view event_type = "ticked";
    std::int64_t n{};
};

// ---- another thread

measured wake_slot() {
    auto store = open("memory:");
    std::vector<double> took;
    took.reserve(rounds);
    std::atomic<std::int64_t> seen{0};
    live watching{store};
    watching.on<ticked>([&](const ticked&) { seen = now_ns(); });
    for (std::uint32_t n = 0; n < rounds; ++n) {
        let_fall_asleep();
        seen = 0;
        const auto begun = now_ns();
        const auto at = store.append("clock", ticked{n})->last;
        if (!watching.wait_for(at, patience))
            throw std::runtime_error{"an event was not delivered"};
        took.push_back(us_between(begun, seen));
    }
    watching.close();
    return latencies_of(std::move(took));
}

measured wake_thread() {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint32_t set = 0;
    std::uint32_t answered = 0;
    std::int64_t seen = 0;
    std::vector<double> took;
    took.reserve(rounds);
    const std::jthread sleeper{[&] {
        for (std::uint32_t n = 1; n <= rounds; ++n) {
            std::unique_lock held{mutex};
            changed.wait(held, [&] { return set >= n; });
            seen = now_ns();
            answered = n;
            changed.notify_all();
        }
    }};
    for (std::uint32_t n = 1; n <= rounds; ++n) {
        let_fall_asleep();
        const auto begun = now_ns();
        std::unique_lock held{mutex};
        set = n;
        changed.notify_all();
        changed.wait(held, [&] { return answered == n; });
        took.push_back(us_between(begun, seen));
    }
    return latencies_of(std::move(took));
}

// ---- another process

/// A number that another process can sleep on.
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

struct meeting_place {
    shared_count set{};
    shared_count asleep{};
    shared_count answered{};
    std::int64_t seen{};
};

/// Memory that a child shares.
class shared_place {
public:
    shared_place()
        : at_{::mmap(
              nullptr,
              sizeof(meeting_place),
              PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS,
              -1,
              0
          )} {
        if (at_ == MAP_FAILED)
            throw std::runtime_error{"no memory to share"};
        place_ = new (at_) meeting_place;
    }
    shared_place(const shared_place&) = delete;
    shared_place& operator=(const shared_place&) = delete;
    shared_place(shared_place&&) = delete;
    shared_place& operator=(shared_place&&) = delete;
    ~shared_place() { ::munmap(at_, sizeof(meeting_place)); }

    meeting_place& operator*() const { return *place_; }
    meeting_place* operator->() const { return place_; }

private:
    void* at_;
    meeting_place* place_{};
};

/// Runs in a process of its own, which is waited for.
class child {
public:
    explicit child(const std::function<void()>& work)
        : id_{::fork()} {
        if (id_ != 0)
            return;
        int answer = 0;
        try {
            work();
        } catch (const std::exception& e) {
            std::fprintf(stderr, "the other process failed: %s\n", e.what());
            answer = 1;
        }
        ::_exit(answer);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    child(child&&) = delete;
    child& operator=(child&&) = delete;
    ~child() {
        int ignored = 0;
        if (id_ > 0)
            ::waitpid(id_, &ignored, 0);
    }

    void join() {
        int status = 0;
        ::waitpid(id_, &status, 0);
        id_ = 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            throw std::runtime_error{"the other process did not see every event"};
    }

private:
    pid_t id_;
};

template <class Wake>
std::vector<double> wake_and_wait(meeting_place& place, const Wake& wake) {
    std::vector<double> took;
    took.reserve(rounds);
    for (std::uint32_t n = 0; n < rounds; ++n) {
        place.asleep.wait_for(n + 1);
        let_fall_asleep();
        const auto begun = now_ns();
        wake(n);
        place.answered.wait_for(n + 1);
        took.push_back(us_between(begun, place.seen));
    }
    return took;
}

measured wake_reader(const std::string& path) {
    std::filesystem::remove_all(path);
    const store_options writing{.compress_sealed = false, .allow_unsafe_file_system = true};
    auto log = open(path, writing);
    const shared_place place;
    child reader{[&] {
        auto from = open(path, {.mode = open_mode::read_only, .allow_unsafe_file_system = true});
        for (std::uint32_t n = 0; n < rounds; ++n) {
            place->asleep.set(n + 1);
            if (!from.wait_for(position{n}, patience))
                throw std::runtime_error{"an event was not seen"};
            for (const auto& e : from.read(query{}.from(position{n})))
                if (e.log_position != position{n})
                    throw std::runtime_error{"another event was seen"};
            place->seen = now_ns();
            place->answered.set(n + 1);
        }
    }};
    auto took =
        wake_and_wait(*place, [&](std::uint32_t n) { log.append("clock", ticked{n}).value(); });
    reader.join();
    return latencies_of(std::move(took));
}

/// Writes a frame's bytes, syncs, and wakes; the other reads them.
measured wake_process(const std::string& path) {
    std::filesystem::remove_all(path);
    constexpr std::streamsize frame = 96;
    std::ofstream file{path, std::ios::binary};
    const shared_place place;
    child reader{[&] {
        std::ifstream from{path, std::ios::binary};
        std::string bytes(static_cast<std::size_t>(frame), '\0');
        for (std::uint32_t n = 0; n < rounds; ++n) {
            place->asleep.set(n + 1);
            place->set.wait_for(n + 1);
            from.clear();
            if (!from.read(bytes.data(), frame))
                throw std::runtime_error{"a frame was not there"};
            place->seen = now_ns();
            place->answered.set(n + 1);
        }
    }};
    const std::string bytes(static_cast<std::size_t>(frame), 'x');
    auto took = wake_and_wait(*place, [&](std::uint32_t n) {
        file.write(bytes.data(), frame);
        file.flush();
        place->set.set(n + 1);
    });
    reader.join();
    return latencies_of(std::move(took));
}

/// Where a sync costs nothing, so that the disk is not what is measured.
std::string in_memory(const options& how) {
    return std::filesystem::exists("/dev/shm")
               ? "/dev/shm/everfold-benchmark-" + std::to_string(::getpid())
               : how.data + "/live";
}

contest prepare(std::string operation, std::string work) {
    contest c;
    c.operation = std::move(operation);
    c.events = rounds;
    c.work = std::move(work);
    c.aspects = {
        {.what = "median", .unit = "us", .target = at_most(2)},
        {.what = "99th percentile", .unit = "us"}};
    c.warms_up = true;
    return c;
}

void questions(const options& how) {
    auto within = prepare("live delivery to a thread", "from append() to the slot, in memory");
    within.ours = {"Everfold", wake_slot};
    within.limit = {"condition variable", wake_thread};
    compare(how, within);
    const auto path = in_memory(how);
    auto across = prepare(
        "live delivery to a process", "from append() to the event read there, on a disk in memory"
    );
    across.ours = {"Everfold", [&] { return wake_reader(path); }};
    across.limit = {"write(), futex, read()", [&] { return wake_process(path); }};
    compare(how, across);
    std::filesystem::remove_all(path);
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
