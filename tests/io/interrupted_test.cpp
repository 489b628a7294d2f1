// SPDX-License-Identifier: MIT
// A kernel that interrupts calls, and reads and writes less than it was asked to. Each is rare on a
// local disk, and allowed. The calls of this program come here first, so it is one by itself.
#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>

#include <doctest/doctest.h>
#include <support/scratch_dir.hpp>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <limits>
#include <string>

using namespace everfold;
using everfold::testing::scratch_dir;

namespace {

/// What the kernel does from now on.
struct kernel_mood {
    /// Each call is interrupted so often before it is done.
    unsigned interruptions{};
    /// So many bytes at most are read or written at once.
    std::size_t bytes_max{std::numeric_limits<std::size_t>::max()};
    /// After so many bytes the disk is full.
    std::size_t room{std::numeric_limits<std::size_t>::max()};

    unsigned interrupted{};
    unsigned shortened{};
    unsigned in_a_row{};
};

kernel_mood& mood() {
    static kernel_mood now;
    return now;
}

bool is_interrupted() {
    auto& now = mood();
    if (now.in_a_row >= now.interruptions) {
        now.in_a_row = 0;
        return false;
    }
    ++now.in_a_row;
    ++now.interrupted;
    errno = EINTR;
    return true;
}

std::size_t shortened(std::size_t size) {
    auto& now = mood();
    if (size <= now.bytes_max)
        return size;
    ++now.shortened;
    return now.bytes_max;
}

} // namespace

extern "C" {

::ssize_t pread(int fd, void* into, std::size_t size, ::off_t at) {
    if (is_interrupted())
        return -1;
    return ::syscall(SYS_pread64, fd, into, shortened(size), at);
}

::ssize_t pwrite(int fd, const void* from, std::size_t size, ::off_t at) {
    if (is_interrupted())
        return -1;
    auto& room = mood().room;
    const auto wanted = std::min(shortened(size), room);
    if (wanted == 0) {
        errno = ENOSPC;
        return -1;
    }
    const auto done = ::syscall(SYS_pwrite64, fd, from, wanted, at);
    room -= static_cast<std::size_t>(std::max<long>(done, 0));
    return done;
}

int fsync(int fd) {
    return is_interrupted() ? -1 : static_cast<int>(::syscall(SYS_fsync, fd));
}

int fdatasync(int fd) {
    return is_interrupted() ? -1 : static_cast<int>(::syscall(SYS_fdatasync, fd));
}
}

namespace {

byte_buffer some_bytes(std::size_t size) {
    byte_buffer out(size);
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<std::byte>(i * 7 + 1);
    return out;
}

} // namespace

TEST_CASE("whatever calls are cut short or interrupted, what was written is read back") {
    const auto content = some_bytes(300);
    for (const unsigned interruptions : {0U, 1U, 3U}) {
        for (const std::size_t bytes_max : {1U, 150U, 299U, 1000U}) {
            CAPTURE(interruptions);
            CAPTURE(bytes_max);
            const scratch_dir scratch;
            const auto files = io::posix_files();
            mood() = {.interruptions = interruptions, .bytes_max = bytes_max};
            const auto path = io::join(scratch.string(), "file");
            {
                const auto file = files->open(path, io::open_mode::create_new);
                file->write_at(byte_offset{5}, content);
                file->sync_data();
                file->sync_all();
                files->sync_directory(scratch.string());
            }
            const auto whole = io::read_whole(*files, path, 1000);
            byte_buffer beyond(400);
            const auto size =
                files->open(path, io::open_mode::read)->read_at(byte_offset{200}, beyond);
            const auto seen = mood();
            mood() = {};
            CHECK((seen.interrupted > 0) == (interruptions > 0));
            CHECK((seen.shortened > 0) == (bytes_max < 1000));
            REQUIRE(whole.size() == 305);
            CHECK(std::equal(content.begin(), content.end(), whole.begin() + 5));
            CHECK(size == 105);
            CHECK(std::equal(content.begin() + 195, content.end(), beyond.begin()));
        }
    }
}

TEST_CASE("a write that comes to an end of the disk half-way is a failure") {
    const scratch_dir scratch;
    const auto files = io::posix_files();
    const auto file = files->open(io::join(scratch.string(), "file"), io::open_mode::create_new);
    for (const std::size_t room : {0U, 1U, 299U}) {
        CAPTURE(room);
        mood() = {.room = room};
        bool is_disk_full = false;
        try {
            file->write_at(byte_offset{0}, some_bytes(300));
        } catch (const io_error& e) {
            is_disk_full = e.is_disk_full();
        }
        mood() = {};
        CHECK(is_disk_full);
    }
    file->write_at(byte_offset{0}, some_bytes(300));
    CHECK(file->size() == 300);
}
