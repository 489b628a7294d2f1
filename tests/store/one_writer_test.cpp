// SPDX-License-Identifier: MIT
// P10 on real files: one writer, whatever names, processes and links lead to the log.

#include <everfold/base/error.hpp>

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <support/child_process.hpp>
#include <support/stores.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#include <sys/mount.h>
#endif

using namespace everfold;
using namespace everfold::testing;
namespace fs = std::filesystem;

namespace {

const store_options small_segments{
    .segment_bytes_max = 20'000,
    .event_bytes_max = 1024,
    .batch_bytes_max = 4096,
    .compress_sealed = false};

/// What opening for writing answers: "opened", or "in use by" and what it says of the owner.
std::string answer_of_open(const std::string& path) {
    try {
        static_cast<void>(open(path, small_segments));
        return "opened";
    } catch (const error& e) {
        return (e.code() == errc::in_use ? "in use: " : "not possible: ") + e.message();
    }
}

bool is_refused_naming(const std::string& answer, ::pid_t owner) {
    return answer.starts_with("in use: ") &&
           answer.find(" pid " + std::to_string(owner) + ' ') != std::string::npos;
}

std::string answer_of_append(store& s) {
    try {
        const auto n = static_cast<std::uint32_t>(s.end().value());
        s.append(to_stream("s", {numbered(n)})).value();
        return "appended";
    } catch (const error& e) {
        return e.code() == errc::in_use ? "in use" : e.message();
    }
}

void append_numbers(store& s, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
        s.append(to_stream("s", {numbered(static_cast<std::uint32_t>(s.end().value()))})).value();
}

/// One past the last event; each must be the number of its place.
std::uint64_t count_in_order(store& s) {
    std::uint64_t next = 0;
    for (const auto& e : s.read()) {
        REQUIRE(e.log_position.value() == next);
        REQUIRE(e.to_json() == "{\"n\":" + std::to_string(next) + "}");
        ++next;
    }
    return next;
}

/// Every file of a directory with its bytes.
std::map<std::string, std::string> contents(const std::string& path) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::directory_iterator{path}) {
        std::ifstream in{entry.path(), std::ios::binary};
        out[entry.path().filename().string()] = {std::istreambuf_iterator<char>{in}, {}};
    }
    return out;
}

/// Whether this file system says who has a file open for writing.
bool tells_writers(const std::string& path) {
    if (io::posix_files()->is_open_for_writing(path + "/head"))
        return true;
    MESSAGE("not tested: this file system does not tell who has a file open for writing");
    return false;
}

} // namespace

TEST_CASE("P10: whatever name leads to the directory, a second writer is told the pid of the first"
) {
    const scratch_dir dir;
    const auto path = dir / "log";
    auto s = open(path, small_segments);
    fs::create_directory_symlink(path, dir / "linked");
    fs::create_directory_symlink(dir / "linked", dir / "linked twice");
    fs::create_directory(dir / "other");
    for (const auto& name :
         {path,
          path + "/",
          path + "/.",
          dir / "other/../log",
          dir / "linked",
          dir / "linked/",
          dir / "linked twice",
          fs::relative(path).string()}) {
        CAPTURE(name);
        const auto answer = answer_of_open(name);
        CHECK(is_refused_naming(answer, ::getpid()));
        child_process other{[&name](const numbers_out&) {
            return is_refused_naming(answer_of_open(name), ::getppid()) ? 0 : 1;
        }};
        CHECK(other.wait() == 0);
    }
    CHECK(answer_of_append(s) == "appended");
}

#ifdef __linux__

TEST_CASE("P10: a directory that is mounted under a second name is the same log") {
    const scratch_dir dir;
    const auto path = dir / "log";
    auto s = open(path, small_segments);
    fs::create_directory(dir / "mounted");
    constexpr int not_possible = 77;
    // In a namespace of its own, which ends with it, whatever happens.
    child_process other{[&](const numbers_out&) {
        if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return not_possible;
        if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(path.c_str(), (dir / "mounted").c_str(), nullptr, MS_BIND, nullptr) != 0)
            return not_possible;
        if (!fs::exists(dir / "mounted/LOG"))
            return 2;
        return is_refused_naming(answer_of_open(dir / "mounted"), ::getppid()) ? 0 : 1;
    }};
    const auto answer = other.wait();
    if (answer == not_possible)
        MESSAGE("not tested: this process may not mount");
    else
        CHECK(answer == 0);
}

TEST_CASE("P10: a program that a writer started does not keep the log locked, nor any of its files"
) {
    const scratch_dir dir;
    const auto path = dir / "log";
    child_process writer{[&path](const numbers_out& say) {
        auto s = open(path, small_segments);
        append_numbers(s, 3);
        const auto started = ::fork();
        if (started == 0) {
            ::execl("/bin/sleep", "sleep", "120", nullptr);
            ::_exit(1);
        }
        say.put(static_cast<std::uint64_t>(started));
        return ::pause();
    }};
    const auto started = static_cast<::pid_t>(writer.get().value());
    const auto process = "/proc/" + std::to_string(started);
    const auto is_started = [&] {
        std::string name;
        std::getline(std::ifstream{process + "/comm"}, name);
        return name == "sleep";
    };
    for (int turn = 0; turn < 10'000 && !is_started(); ++turn)
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    REQUIRE(is_started());
    for (const auto& entry : fs::directory_iterator{process + "/fd"}) {
        std::error_code is_closed_again; // by what loads the program
        const auto open_file = fs::read_symlink(entry.path(), is_closed_again).string();
        CHECK(open_file.find(path) == std::string::npos);
    }
    CHECK(is_refused_naming(answer_of_open(path), writer.pid()));
    writer.kill();
    CHECK(is_started());
    CHECK(answer_of_open(path) == "opened");
    ::kill(started, SIGKILL);
}

#endif

TEST_CASE("P10: a log that its writer closed is free, though a child that it forked lives on") {
    const scratch_dir dir;
    const auto path = dir / "log";
    auto s = std::optional{open(path, small_segments)};
    append_numbers(*s, 2);
    const child_process child{[](const numbers_out& say) {
        say.put(0);
        return ::pause();
    }};
    REQUIRE(child.get() == 0);
    CHECK(is_refused_naming(answer_of_open(path), ::getpid()));
    s.reset();
    CHECK(answer_of_open(path) == "opened");
}

TEST_CASE("P10: other names of the lock file, and links in its place, let nobody in") {
    const scratch_dir dir;
    const auto path = dir / "log";
    auto s = open(path, small_segments);
    fs::create_hard_link(path + "/LOCK", dir / "second name");
    CHECK(is_refused_naming(answer_of_open(path), ::getpid()));
    // Two logs with one lock file are one log to the lock.
    open(dir / "neighbour", small_segments).close();
    fs::remove(dir / "neighbour/LOCK");
    fs::create_hard_link(path + "/LOCK", dir / "neighbour/LOCK");
    CHECK(is_refused_naming(answer_of_open(dir / "neighbour"), ::getpid()));
    CHECK(answer_of_append(s) == "appended");
    s.close();
    // The owner's own file, a file that is free, nothing: a symbolic link is never followed.
    std::ofstream{dir / "free"} << "kept";
    for (const auto& target : {dir / "second name", dir / "free", dir / "nowhere"}) {
        CAPTURE(target);
        fs::remove(path + "/LOCK");
        fs::create_symlink(target, path + "/LOCK");
        const auto answer = answer_of_open(path);
        CHECK(answer.starts_with("not possible: can't lock the symbolic link"));
    }
    CHECK(!fs::exists(dir / "nowhere"));
    CHECK(fs::file_size(dir / "free") == 4);
    fs::remove(path + "/LOCK");
    CHECK(answer_of_open(path) == "opened");
}

TEST_CASE("P10: a writer whose lock file or directory is no longer at its name writes nothing more"
) {
    struct loss {
        const char* name;
        void (*happen)(const std::string& path);
        bool is_moved;
    };
    const std::array losses{
        loss{"lock file removed", [](const std::string& p) { fs::remove(p + "/LOCK"); }, false},
        loss{
            "lock file renamed",
            [](const std::string& p) { fs::rename(p + "/LOCK", p + "/LOCK.old"); },
            false},
        loss{
            "lock file replaced",
            [](const std::string& p) {
                fs::remove(p + "/LOCK");
                std::ofstream{p + "/LOCK"};
            },
            false},
        loss{
            "lock file replaced by a copy",
            [](const std::string& p) {
                fs::copy_file(p + "/LOCK", p + "/LOCK.new");
                fs::rename(p + "/LOCK.new", p + "/LOCK");
            },
            false},
        loss{
            "lock file replaced by a link to itself",
            [](const std::string& p) {
                fs::rename(p + "/LOCK", p + "/LOCK.old");
                fs::create_symlink("LOCK.old", p + "/LOCK");
            },
            false},
        loss{"directory renamed", [](const std::string& p) { fs::rename(p, p + ".moved"); }, true},
        loss{
            "directory replaced by another log",
            [](const std::string& p) {
                fs::rename(p, p + ".moved");
                open(p, small_segments).close();
            },
            true},
    };
    for (const auto& l : losses) {
        CAPTURE(l.name);
        const scratch_dir dir;
        const auto path = dir / "log";
        auto s = open(path, small_segments);
        append_numbers(s, 5);
        l.happen(path);
        const auto now = l.is_moved ? path + ".moved" : path;
        const auto before = contents(now);
        const auto there =
            l.is_moved && fs::exists(path) ? contents(path) : std::map<std::string, std::string>{};
        CHECK(answer_of_append(s) == "in use");
        CHECK(answer_of_append(s) != "appended"); // and it stays so
        CHECK_THROWS_AS(s.close(), error);
        CHECK(contents(now) == before);
        if (!there.empty())
            CHECK(contents(path) == there);
    }
}

TEST_CASE("P10: removing the lock file of a living writer lets no second one in") {
    const scratch_dir dir;
    const auto path = dir / "log";
    auto s = std::optional{open(path, small_segments)};
    append_numbers(*s, 5);
    if (!tells_writers(path))
        return;
    fs::remove(path + "/LOCK");
    const auto before = contents(path);
    for (int attempt = 0; attempt < 2; ++attempt) { // the first makes a new lock file
        CAPTURE(attempt);
        const auto answer = answer_of_open(path);
        CHECK(answer.starts_with("in use: "));
        CHECK(answer.find("lock file was removed") != std::string::npos);
    }
    auto after = contents(path);
    CHECK(after.erase("LOCK") == 1);
    CHECK(after == before);
    CHECK(answer_of_append(*s) == "in use");
    s.reset();
    auto next = open(path, small_segments);
    CHECK(count_in_order(next) == 5);
    CHECK(answer_of_append(next) == "appended");
}

TEST_CASE("P10: a writer that was stopped, and wakes when its lock file is another, spoils nothing"
) {
    const scratch_dir dir;
    const auto path = dir / "log";
    {
        const auto s = open(path, small_segments);
        if (!tells_writers(path))
            return;
    }
    std::mt19937 random{17};
    for (int round = 0; round < 20; ++round) {
        CAPTURE(round);
        child_process writer{[&path](const numbers_out& say) {
            auto s = open(path, small_segments);
            for (;;) {
                const auto answer = answer_of_append(s);
                if (answer != "appended")
                    return answer == "in use" ? 0 : 1;
                say.put(s.end().value());
            }
        }};
        std::uint64_t acknowledged = 0;
        for (int i = 0; i < 20; ++i)
            acknowledged = writer.get().value();
        std::this_thread::sleep_for(std::chrono::microseconds{random() % 3000});
        writer.stop();
        fs::remove(path + "/LOCK");
        const auto answer = answer_of_open(path);
        CHECK(answer.starts_with("in use: "));
        writer.signal(SIGCONT);
        while (const auto end = writer.get())
            acknowledged = *end;
        CHECK(writer.wait() == 0);
        auto s = open(path, small_segments);
        CHECK(count_in_order(s) >= acknowledged);
        append_numbers(s, 1);
    }
}

TEST_CASE("P10: two copies of the library in one process exclude each other") {
    const auto* build = std::getenv("EVERFOLD_BUILD_ROOT");
    REQUIRE(build != nullptr);
    const auto module = std::string{build} + "/tests/second_copy.so";
    // Never closed: libraries with threads don't like it.
    auto* copy = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
    CAPTURE(module);
    REQUIRE(copy != nullptr);
    const auto open_copy =
        reinterpret_cast<void* (*)(const char*, int*)>(::dlsym(copy, "open_copy"));
    const auto close_copy = reinterpret_cast<void (*)(void*)>(::dlsym(copy, "close_copy"));
    REQUIRE((open_copy != nullptr));
    REQUIRE((close_copy != nullptr));
    constexpr int opened = 0;
    constexpr int in_use = 1;
    const scratch_dir dir;
    const auto path = dir / "log";
    int answer = -1;
    {
        auto mine = open(path, small_segments);
        append_numbers(mine, 2);
        CHECK(open_copy(path.c_str(), &answer) == nullptr);
        CHECK(answer == in_use);
        append_numbers(mine, 1);
    }
    auto* theirs = open_copy(path.c_str(), &answer);
    REQUIRE(answer == opened);
    CHECK(is_refused_naming(answer_of_open(path), ::getpid()));
    close_copy(theirs);
    auto again = open(path, small_segments);
    CHECK(count_in_order(again) == 3);
}

TEST_CASE("P10: of threads and processes that race to open or create a log, one gets it") {
    const scratch_dir dir;
    for (int round = 0; round < 20; ++round) {
        CAPTURE(round);
        const auto path = dir / ("log" + std::to_string(round));
        if (round % 2 == 0)
            open(path, small_segments).close();
        std::atomic<bool> go{false};
        std::atomic<int> refused{0};
        std::atomic<int> failed{0};
        std::array<std::optional<store>, 6> opened{};
        {
            std::vector<std::jthread> threads;
            for (auto& mine : opened)
                threads.emplace_back([&] {
                    while (!go)
                        std::this_thread::yield();
                    try {
                        mine.emplace(open(path, small_segments));
                    } catch (const error& e) {
                        ++(e.code() == errc::in_use ? refused : failed);
                    }
                });
            go = true;
        }
        CHECK(refused == 5);
        CHECK(failed == 0);
        for (auto& winner : opened)
            if (winner)
                CHECK(answer_of_append(*winner) == "appended");
    }
    for (int round = 0; round < 10; ++round) {
        CAPTURE(round);
        const auto path = dir / ("shared" + std::to_string(round));
        const auto race = [&path](const numbers_out& say) {
            try {
                auto s = open(path, small_segments);
                say.put(1);
                return ::pause();
            } catch (const error& e) {
                say.put(e.code() == errc::in_use ? 0 : 100);
                return 0;
            }
        };
        std::array<child_process, 4> racers{
            child_process{race}, child_process{race}, child_process{race}, child_process{race}};
        std::uint64_t winners = 0;
        for (auto& r : racers)
            winners += r.get().value_or(100);
        CHECK(winners == 1);
    }
}
