// SPDX-License-Identifier: MIT
#include "raw_durable.hpp"

#include "raw_frame.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace {

std::atomic<std::uint64_t> syncs{0};

[[noreturn]] void fail(const char* what) {
    throw std::system_error{errno, std::generic_category(), what};
}

} // namespace

/// In front of the C library's own, so that the syncs of all contestants are counted alike.
extern "C" int fdatasync(int descriptor) {
    syncs.fetch_add(1, std::memory_order_relaxed);
    return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}

namespace everfold::benchmarks {

std::uint64_t count_syncs() noexcept {
    return syncs.load();
}

filled_file::filled_file(const std::string& path, std::uint64_t bytes)
    : descriptor_{::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR, 0600)} {
    if (descriptor_ < 0)
        fail("open");
    const std::string zeros(std::size_t{1} << 20U, '\0');
    for (std::uint64_t at = 0; at < bytes; at += zeros.size())
        write(at, zeros);
    if (::fsync(descriptor_) != 0)
        fail("fsync");
}

filled_file::~filled_file() {
    ::close(descriptor_);
}

void filled_file::write(std::uint64_t at, const std::string& bytes) const {
    if (::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(bytes.size()))
        fail("pwrite");
}

void filled_file::sync() const {
    if (::fdatasync(descriptor_) != 0)
        fail("fdatasync");
}

namespace {

void append_frame(const user_event& e, std::string& to) {
    std::array<char, raw_frame_size_max> frame{};
    to.append(frame.data(), frame_event(e, frame.data()));
}

/// Group commit with an adaptive cohort.
class group {
public:
    explicit group(const filled_file& to)
        : to_{&to} {}

    void append(const user_event& e) {
        std::unique_lock held{mutex_};
        append_frame(e, queue_);
        const auto mine = queued_.fetch_add(1) + 1;
        for (;;) {
            if (durable_ >= mine)
                return;
            if (!is_busy_) {
                lead(held);
                return;
            }
            const auto seen = generation_.load();
            held.unlock();
            generation_.wait(seen);
            held.lock();
        }
    }

private:
    using clock = std::chrono::steady_clock;

    void lead(std::unique_lock<std::mutex>& held) {
        is_busy_ = true;
        const auto before = durable_;
        held.unlock();
        const auto until = clock::now() + std::chrono::microseconds{60};
        while (queued_.load() - before < expected_ && clock::now() < until)
            ::sched_yield();
        held.lock();
        std::string bytes;
        bytes.swap(queue_);
        const auto last = queued_.load();
        const auto at = end_;
        end_ += bytes.size();
        held.unlock();
        to_->write(at, bytes);
        to_->sync();
        held.lock();
        expected_ = std::max<std::uint64_t>(1, queued_.load() - before);
        durable_ = last;
        is_busy_ = false;
        ++generation_;
        held.unlock();
        generation_.notify_all();
    }

    const filled_file* to_;
    std::mutex mutex_{};
    std::string queue_{};
    std::uint64_t end_{};
    std::uint64_t durable_{};
    std::uint64_t expected_{1}; // read and written by who is busy
    bool is_busy_{};
    std::atomic<std::uint64_t> queued_{0};
    std::atomic<std::uint32_t> generation_{0};
};

} // namespace

void append_synced(const filled_file& to, std::span<const user_event> events) {
    std::uint64_t end = 0;
    std::string frame;
    for (const auto& e : events) {
        frame.clear();
        append_frame(e, frame);
        to.write(end, frame);
        to.sync();
        end += frame.size();
    }
}

void append_synced_together(const filled_file& to, const shares& of_threads) {
    group g{to};
    std::vector<std::jthread> threads;
    threads.reserve(of_threads.size());
    for (const auto& mine : of_threads)
        threads.emplace_back([&] {
            for (const auto& e : mine)
                g.append(e);
        });
}

void append_synced_ahead(
    const filled_file& to, std::span<const user_event> events, std::size_t outstanding
) {
    std::mutex mutex;
    std::condition_variable has_work;
    std::condition_variable has_room;
    std::string queue;
    std::size_t queued = 0;
    bool is_done = false;
    const std::jthread flusher{[&] {
        std::string bytes;
        std::uint64_t end = 0;
        for (;;) {
            std::unique_lock held{mutex};
            has_work.wait(held, [&] { return queued > 0 || is_done; });
            if (queued == 0)
                return;
            bytes.clear();
            bytes.swap(queue);
            const auto taken = queued;
            held.unlock();
            to.write(end, bytes);
            to.sync();
            end += bytes.size();
            held.lock();
            queued -= taken;
            has_room.notify_one();
        }
    }};
    for (const auto& e : events) {
        std::unique_lock held{mutex};
        has_room.wait(held, [&] { return queued < outstanding; });
        append_frame(e, queue);
        if (queued++ == 0)
            has_work.notify_one();
    }
    const std::lock_guard held{mutex};
    is_done = true;
    has_work.notify_one();
}

} // namespace everfold::benchmarks
