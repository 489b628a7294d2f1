// SPDX-License-Identifier: MIT
// What only the real file system has: modes, symbolic links, FIFOs, processes, descriptors.
#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <support/child_process.hpp>
#include <support/scratch_dir.hpp>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::io;
using everfold::testing::child_process;
using everfold::testing::numbers_out;
using everfold::testing::scratch_dir;

namespace {

class with_umask {
public:
    explicit with_umask(::mode_t mask)
        : before_{::umask(mask)} {}
    with_umask(const with_umask&) = delete;
    with_umask& operator=(const with_umask&) = delete;
    ~with_umask() { ::umask(before_); }

private:
    ::mode_t before_;
};

unsigned mode_of(const std::string& path) {
    struct ::stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

template <class Call>
std::string failure_of(Call call) {
    try {
        call();
        return "no failure";
    } catch (const io_error& e) {
        return e.message();
    }
}

// Runs `body` in a forked child; its answer is the child's exit code.
template <class Body>
int in_child(Body body) {
    const auto child = ::fork();
    REQUIRE(child != -1);
    if (child == 0) {
        int answer = 99;
        try {
            answer = body();
        } catch (...) {
        }
        ::_exit(answer);
    }
    int status{};
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The highest descriptor in use, and the flags of each, by asking the kernel.
std::vector<int> open_descriptors() {
    std::vector<int> out;
    for (int fd = 0; fd < 256; ++fd)
        if (::fcntl(fd, F_GETFD) != -1)
            out.push_back(fd);
    return out;
}

} // namespace

TEST_CASE("files are private to their owner whatever the umask says") {
    for (const ::mode_t mask : {0000U, 0022U, 0077U, 0277U, 0777U}) {
        CAPTURE(mask);
        const scratch_dir dir;
        const auto files = posix_files();
        const with_umask now{mask};
        (void)files->open(dir / "f", open_mode::create_new);
        CHECK(mode_of(dir / "f") == 0600);
        files->make_directory(dir / "d");
        CHECK(mode_of(dir / "d") == 0700);
        CHECK(files->try_lock(dir / "LOCK") != nullptr);
        CHECK(mode_of(dir / "LOCK") == 0600);
        replace_durably(*files, dir / "d/r", as_bytes("x"));
        CHECK(mode_of(dir / "d/r") == 0600);
    }
}

TEST_CASE("a symbolic link in a file's place is refused and its target left alone") {
    const scratch_dir dir;
    const auto files = posix_files();
    std::ofstream{dir / "target"} << "kept";
    std::filesystem::create_symlink(dir / "target", dir / "link");
    std::filesystem::create_symlink(dir / "nowhere", dir / "dangling");
    const auto linked = " the symbolic link '" + (dir / "link") + "': ";
    const auto is_refused = [&](const std::string& message, std::string_view verb) {
        CAPTURE(message);
        return message.starts_with("can't " + std::string{verb} + linked);
    };
    CHECK(is_refused(failure_of([&] { (void)files->open(dir / "link", open_mode::read); }), "open")
    );
    CHECK(is_refused(failure_of([&] { (void)files->open(dir / "link", open_mode::write); }), "open")
    );
    CHECK(is_refused(failure_of([&] { (void)files->try_lock(dir / "link"); }), "lock"));
    CHECK(is_refused(failure_of([&] { (void)files->lock_owner(dir / "link"); }), "read"));
    CHECK_THROWS_AS((void)files->open(dir / "link", open_mode::create_new), io_error);
    CHECK_THROWS_AS((void)files->open(dir / "dangling", open_mode::create_new), io_error);
    CHECK_THROWS_AS((void)files->try_lock(dir / "dangling"), io_error);
    CHECK(files->kind(dir / "nowhere") == path_kind::missing);
    CHECK(files->kind(dir / "link") == path_kind::other);
    CHECK(files->kind(dir / "link", true) == path_kind::regular_file);
    CHECK(files->kind(dir / "dangling", true) == path_kind::missing);
    // rename and remove act on the link itself.
    files->remove(dir / "link");
    CHECK(files->kind(dir / "target") == path_kind::regular_file);
}

TEST_CASE("a log's own directory may be reached through a symbolic link") {
    const scratch_dir dir;
    const auto files = posix_files();
    files->make_directory(dir / "real");
    std::filesystem::create_symlink(dir / "real", dir / "log");
    CHECK(files->kind(dir / "log", true) == path_kind::directory);
    replace_durably(*files, dir / "log/f", as_bytes("x"));
    CHECK(files->list(dir / "log") == std::vector<std::string>{"f"});
    CHECK(files->unsafe_kind(dir / "log").empty());
}

TEST_CASE("a FIFO in a file's place is refused at once, without waiting for its other end") {
    const scratch_dir dir;
    const auto files = posix_files();
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    const auto end = " as a regular file '" + (dir / "fifo") + "': Invalid argument";
    CHECK(failure_of([&] {
              (void)files->open(dir / "fifo", open_mode::read);
          }) == "can't open" + end);
    CHECK(failure_of([&] {
              (void)files->open(dir / "fifo", open_mode::write);
          }) == "can't open" + end);
    CHECK(failure_of([&] { (void)files->try_lock(dir / "fifo"); }) == "can't lock" + end);
    CHECK(failure_of([&] { (void)files->lock_owner(dir / "fifo"); }) == "can't read" + end);
    CHECK(files->kind(dir / "fifo") == path_kind::other);
    CHECK_THROWS_AS((void)files->open("/dev/null", open_mode::write), io_error);
    CHECK_THROWS_AS((void)files->open("/dev/zero", open_mode::read), io_error);
}

TEST_CASE("a lock survives the end of a forked child, which does not hold it") {
    const scratch_dir dir;
    const auto files = posix_files();
    auto lock = files->try_lock(dir / "LOCK");
    REQUIRE(lock != nullptr);
    const auto child_answer = in_child([&] {
        const bool is_held_there = lock->is_held();
        const bool is_free_there = files->try_lock(dir / "LOCK") != nullptr;
        lock.reset(); // the child's copy of the object ends, as in a full exit
        return (is_held_there ? 1 : 0) + (is_free_there ? 2 : 0);
    });
    CHECK(child_answer == 0);
    CHECK(lock->is_held());
    CHECK(files->try_lock(dir / "LOCK") == nullptr);
    CHECK(posix_files()->try_lock(dir / "LOCK") == nullptr);
    CHECK(in_child([&] { return posix_files()->try_lock(dir / "LOCK") ? 1 : 0; }) == 0);
    lock.reset();
    CHECK(in_child([&] { return posix_files()->try_lock(dir / "LOCK") ? 1 : 0; }) == 1);
}

TEST_CASE("a lock that its owner gives up is free, though a child that it forked lives on") {
    const scratch_dir dir;
    auto lock = posix_files()->try_lock(dir / "LOCK");
    REQUIRE(lock != nullptr);
    const child_process child{[](const numbers_out& say) {
        say.put(0);
        return ::pause();
    }};
    REQUIRE(child.get() == 0);
    lock.reset();
    CHECK(posix_files()->try_lock(dir / "LOCK") != nullptr);
}

TEST_CASE("whether a file is open for writing is told of every process, and harms nobody") {
    const scratch_dir dir;
    const auto files = posix_files();
    auto mine = files->open(dir / "f", open_mode::create_new);
    if (!files->is_open_for_writing(dir / "f")) {
        MESSAGE("not tested: this file system does not tell");
        return;
    }
    mine.reset();
    CHECK(!files->is_open_for_writing(dir / "f"));
    mine = files->open(dir / "f", open_mode::read);
    CHECK(!files->is_open_for_writing(dir / "f"));
    const auto open_and_close = [&](open_mode mode) {
        return child_process{[&files, &dir, mode](const numbers_out& say) {
            const auto f = files->open(dir / "f", mode);
            say.put(0);
            return ::pause();
        }};
    };
    {
        const auto reader = open_and_close(open_mode::read);
        REQUIRE(reader.get() == 0);
        CHECK(!files->is_open_for_writing(dir / "f"));
        const auto writer = open_and_close(open_mode::write);
        REQUIRE(writer.get() == 0);
        CHECK(files->is_open_for_writing(dir / "f"));
    }
    CHECK(!files->is_open_for_writing(dir / "f"));
    CHECK_THROWS_AS((void)files->is_open_for_writing(dir / "missing"), io_error);
    // Asked while others open it for writing all the time, nobody dies of the kernel's signal.
    child_process writer{[&](const numbers_out&) {
        for (int i = 0; i < 20'000; ++i) {
            try {
                (void)files->open(dir / "f", open_mode::write);
            } catch (const io_error& e) { // at the moment of asking
                if (e.error_number() != EAGAIN)
                    return 1;
            }
        }
        return 0;
    }};
    for (int i = 0; i < 20'000; ++i)
        (void)files->is_open_for_writing(dir / "f");
    CHECK(writer.wait() == 0);
}

TEST_CASE("the lock of a process that was killed is free") {
    const scratch_dir dir;
    const auto child = ::fork();
    REQUIRE(child != -1);
    if (child == 0) {
        const auto lock = posix_files()->try_lock(dir / "LOCK");
        lock->write_owner("the child");
        std::ofstream{dir / "ready"} << "x";
        while (true)
            ::pause();
    }
    while (!std::filesystem::exists(dir / "ready"))
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    CHECK(posix_files()->try_lock(dir / "LOCK") == nullptr);
    CHECK(posix_files()->lock_owner(dir / "LOCK") == "the child");
    ::kill(child, SIGKILL);
    int status{};
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(posix_files()->try_lock(dir / "LOCK") != nullptr);
}

TEST_CASE("of many threads that race for a lock exactly one gets it") {
    const scratch_dir dir;
    const auto files = posix_files();
    for (int round = 0; round < 50; ++round) {
        const auto path = dir / ("LOCK" + std::to_string(round));
        std::vector<std::unique_ptr<file_lock>> locks(8);
        std::vector<std::thread> threads;
        for (auto& lock : locks)
            threads.emplace_back([&] { lock = files->try_lock(path); });
        for (auto& t : threads)
            t.join();
        CHECK(std::count(locks.begin(), locks.end(), nullptr) == 7);
    }
}

TEST_CASE("relative paths keep their meaning when the program changes its directory") {
    const scratch_dir dir;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(dir.path());
    const auto files = posix_files();
    const auto lock = files->try_lock("LOCK");
    std::filesystem::current_path("/");
    REQUIRE(lock != nullptr);
    CHECK(lock->is_held());
    files->make_directory("d");
    replace_durably(*files, "d/f", as_bytes("x"));
    files->sync_directory(parent("LOCK"));
    std::filesystem::current_path(before);
    CHECK(std::filesystem::exists(dir / "d/f"));
    CHECK(files->list(".") == std::vector<std::string>{"LOCK", "d"});
}

TEST_CASE("no data file gets the descriptor of a standard stream") {
    const scratch_dir dir;
    const auto answer = in_child([&] {
        ::close(0);
        ::close(1);
        ::close(2);
        const auto files = posix_files();
        if (::fcntl(0, F_GETFD) != -1)
            return 2;
        const auto f = files->open(dir / "f", open_mode::create_new);
        const auto lock = files->try_lock(dir / "LOCK");
        const std::string_view noise = "printed by the program";
        const bool is_stream = ::write(1, noise.data(), noise.size()) != -1 ||
                               ::write(2, noise.data(), noise.size()) != -1;
        return is_stream || f->size() != 0 || !lock->is_held() ? 1 : 0;
    });
    CHECK(answer == 0);
}

TEST_CASE("every descriptor closes on exec and none is left behind") {
    const scratch_dir dir;
    const auto before = open_descriptors();
    {
        const auto system = posix_machine();
        const auto f = system.files->open(dir / "f", open_mode::create_new);
        const auto lock = system.files->try_lock(dir / "LOCK");
        (void)system.files->list(dir.string());
        CHECK_THROWS_AS((void)system.files->open(dir.string(), open_mode::read), io_error);
        CHECK_THROWS_AS((void)system.files->list(dir / "f"), io_error);
        CHECK(system.files->try_lock(dir / "LOCK") == nullptr);
        const auto now = open_descriptors();
        CHECK(now.size() == before.size() + 3); // the starting directory, the file, the lock
        for (const int fd : now)
            if (std::find(before.begin(), before.end(), fd) == before.end())
                CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("running out of descriptors is a failure with the path in it") {
    const scratch_dir dir;
    const auto files = posix_files();
    const auto answer = in_child([&] {
        const ::rlimit none{3, 3};
        if (::setrlimit(RLIMIT_NOFILE, &none) != 0)
            return 2;
        try {
            (void)files->open(dir / "f", open_mode::create_new);
        } catch (const io_error& e) {
            return e.error_number() == EMFILE && e.path() == dir / "f" ? 0 : 3;
        }
        return 4;
    });
    CHECK(answer == 0);
}

TEST_CASE("the process is named by its pid and start, the boot by a lasting id") {
    const auto one = posix_machine();
    const auto two = posix_machine();
    CHECK(one.process_name.starts_with("pid " + std::to_string(::getpid())));
    CHECK(one.boot_id == two.boot_id);
    const auto comma = one.process_name.find(", started ");
    REQUIRE(comma != std::string::npos);
    const auto start = timestamp::parse(one.process_name.substr(comma + 10));
    REQUIRE(start);
    const auto age = one.time->now().seconds() - start->seconds();
    CHECK(age >= -2);
    CHECK(age < 24 * 3600);
}

TEST_CASE("readers on many threads see what was written") {
    const scratch_dir dir;
    const auto files = posix_files();
    const auto f = files->open(dir / "f", open_mode::create_new);
    byte_buffer content(1_MiB);
    for (std::size_t i = 0; i < content.size(); ++i)
        content[i] = static_cast<std::byte>(i * 7 / 5);
    f->write_at(byte_offset{0}, content);
    std::vector<int> wrong(4, 0);
    std::vector<std::thread> threads;
    for (auto& count : wrong)
        threads.emplace_back([&] {
            byte_buffer piece(4096);
            for (std::size_t at = 0; at < content.size(); at += piece.size()) {
                const auto size = f->read_at(byte_offset{at}, piece);
                if (!std::equal(piece.begin(), piece.end(), &content[at]) || size != piece.size())
                    ++count;
            }
        });
    for (auto& t : threads)
        t.join();
    CHECK(wrong == std::vector<int>(4, 0));
}
