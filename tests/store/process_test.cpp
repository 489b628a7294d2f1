// SPDX-License-Identifier: MIT
// A writer in another process, killed at any moment: what it acknowledged is there, and a reader
// has seen nothing that is not.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <thread>

using namespace everfold;
using namespace everfold::testing;

namespace {

const store_options small_segments{
    .segment_bytes_max = 20'000, .event_bytes_max = 1024, .batch_bytes_max = 4096};

/// A child process that appends numbered events and says through a pipe how many were acknowledged.
class writer_process {
public:
    explicit writer_process(const std::string& directory) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        pid_ = fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            close(ends[0]);
            append_until_killed(directory, ends[1]);
        }
        close(ends[1]);
        acknowledgements_ = ends[0];
    }

    writer_process(const writer_process&) = delete;
    writer_process& operator=(const writer_process&) = delete;
    writer_process(writer_process&&) = delete;
    writer_process& operator=(writer_process&&) = delete;

    ~writer_process() {
        kill();
        close(acknowledgements_);
    }

    /// Waits for the first acknowledgement.
    void wait_for_one() { last_ = read_one(); }

    void kill() {
        if (pid_ <= 0)
            return;
        REQUIRE(::kill(pid_, SIGKILL) == 0);
        REQUIRE(waitpid(pid_, nullptr, 0) == pid_);
        pid_ = 0;
    }

    /// One past the last position that was acknowledged before the process died.
    [[nodiscard]] std::uint64_t acknowledged() {
        for (auto end = read_one(); end != 0; end = read_one())
            last_ = end;
        return last_;
    }

private:
    [[noreturn]] static void append_until_killed(const std::string& directory, int to) {
        try {
            auto s = open(directory, small_segments);
            for (;;) {
                const auto n = static_cast<std::uint32_t>(s.end().value());
                const auto done = s.append(to_stream("s", {numbered(n), numbered(n + 1)})).value();
                const std::uint64_t end = done.last.value() + 1;
                if (write(to, &end, sizeof end) != sizeof end)
                    break;
                if (n % 40 == 0)
                    s.engine().archive("s", revision{n}, "");
            }
        } catch (const std::exception& e) {
            std::fprintf(stderr, "the writer process failed: %s\n", e.what());
        }
        _exit(1);
    }

    [[nodiscard]] std::uint64_t read_one() const {
        std::uint64_t end = 0;
        return read(acknowledgements_, &end, sizeof end) == sizeof end ? end : 0;
    }

    pid_t pid_{};
    int acknowledgements_{};
    std::uint64_t last_{};
};

/// Reads all that can be seen and checks each event; one past the last.
std::uint64_t look_through(store& s) {
    std::uint64_t next = 0;
    for (const auto& e : s.read()) {
        REQUIRE(e.log_position.value() == next);
        REQUIRE(e.to_json() == "{\"n\":" + std::to_string(next) + "}");
        ++next;
    }
    return next;
}

} // namespace

TEST_CASE("a killed writer loses nothing, and a reader beside it saw nothing that went away") {
    constexpr int cycles = 60;
    const std::uint64_t seed = 11;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const scratch_dir directory;
    const auto path = directory / "log";
    open(path, small_segments).close();
    std::uint64_t events = 0;
    std::uint64_t looks = 0;
    for (int cycle = 0; cycle < cycles; ++cycle) {
        CAPTURE(cycle);
        writer_process writer{path};
        writer.wait_for_one();
        auto reader = open(path, {.mode = open_mode::read_only});
        const auto until =
            std::chrono::steady_clock::now() + std::chrono::microseconds{random() % 15'000};
        std::uint64_t seen = 0;
        while (std::chrono::steady_clock::now() < until) {
            const auto now = look_through(reader);
            REQUIRE(now >= seen);
            seen = now;
            ++looks;
        }
        writer.kill();
        const auto acknowledged = writer.acknowledged();
        CHECK(look_through(reader) >= seen);
        auto after = open(path, {.mode = open_mode::existing});
        events = look_through(after);
        CHECK(events >= acknowledged);
        CHECK(events >= seen);
        CHECK(events % 2 == 0); // no half of a batch
        after.close();
    }
    std::printf(
        "processes: %d writers killed, %llu events acknowledged and found, %llu looks beside "
        "them\n",
        cycles,
        static_cast<unsigned long long>(events),
        static_cast<unsigned long long>(looks)
    );
}

TEST_CASE("a second process can't write, and is told who does") {
    const scratch_dir directory;
    const auto path = directory / "log";
    writer_process writer{path};
    writer.wait_for_one();
    try {
        static_cast<void>(open(path, small_segments));
        FAIL("two writers");
    } catch (const error& e) {
        CHECK(e.code() == errc::in_use);
        CHECK(e.message().find("pid") != std::string::npos);
    }
    writer.kill();
    CHECK(
        look_through(*std::make_unique<store>(open(path, small_segments))) >= writer.acknowledged()
    );
}

TEST_CASE("a forked child can't write through its parent's store") {
    const scratch_dir directory;
    auto s = open(directory / "log", small_segments);
    s.append(to_stream("s", {numbered(0)})).value();
    const auto child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int result = 1;
        try {
            s.append(to_stream("s", {numbered(1)})).value();
        } catch (const error& e) {
            result = e.code() == errc::in_use ? 0 : 2;
        }
        _exit(result);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    s.append(to_stream("s", {numbered(1)})).value();
    CHECK(look_through(s) == 2);
}

TEST_CASE("a forked child ends as it likes, though its parent was archiving and waiting") {
    const scratch_dir directory;
    std::optional<store> s{open(
        directory / "log",
        {.segment_bytes_max = 200'000, .event_bytes_max = 1U << 16U, .batch_bytes_max = 1U << 20U}
    )};
    std::jthread waiting{[engine = &s->engine()] {
        static_cast<void>(engine->wait_for(position{1'000'000}, std::chrono::milliseconds{1500}));
    }};
    auto event = numbered(0);
    event.payload.clear(); // {"n": 30,000 bytes}
    append_bytes(event.payload, as_bytes("\xA1\x61n\x59\x75\x30" + std::string(30'000, 'x')));
    for (int i = 0; i < 60; ++i) {
        s->append(to_stream("s", {event})).value();
        if (i % 4 != 0)
            continue;
        const auto child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            alarm(20); // rather than hang
            int result = 1;
            try {
                s->close();
            } catch (const error& e) {
                result = e.code() == errc::in_use ? 0 : 2;
            }
            s.reset();
            _exit(result);
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }
    waiting.join();
    CHECK(lines_of(s->read()).size() == 60);
    s->close();
    auto again = open(directory / "log", {.mode = open_mode::read_only});
    CHECK(lines_of(again.read()).size() == 60);
}
