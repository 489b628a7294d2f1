// SPDX-License-Identifier: MIT
#pragma once
// The seam to everything outside the process: files, clock, randomness. The rest of Everfold makes
// no system call, so that the simulated machine (simulated.hpp) can break every one of them.

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::io {

/// How a file is opened. None of these ever follows a symbolic link in the last component or
/// accepts anything but a regular file.
enum class open_mode : std::uint8_t {
    read,       ///< must exist
    write,      ///< read and write; must exist
    create_new, ///< read and write; must not exist; mode 0600 whatever the umask
};

/// A file's content in memory, as it was when it was mapped. It outlives the open file.
///
/// Threads: any.
class mapping {
public:
    mapping() = default;
    mapping(const mapping&) = delete;
    mapping& operator=(const mapping&) = delete;
    mapping(mapping&&) = delete;
    mapping& operator=(mapping&&) = delete;
    virtual ~mapping();

    [[nodiscard]] virtual bytes_view bytes() const noexcept = 0;
};

/// Four bytes of a file that some process changes, and on which others, here or in another process,
/// sleep until it does. Only the system looks at them there: a file that is cut short, removed or
/// replaced costs its sleepers time, and nobody more.
///
/// Threads: any.
class wait_word {
public:
    wait_word() = default;
    wait_word(const wait_word&) = delete;
    wait_word& operator=(const wait_word&) = delete;
    wait_word(wait_word&&) = delete;
    wait_word& operator=(wait_word&&) = delete;
    virtual ~wait_word();

    enum class slept : std::uint8_t {
        until_woken, ///< or the bytes were others already, or for no reason
        until_timeout,
        not_at_all, ///< the system can't
    };

    /// Sleeps while the bytes are `seen`, little-endian, at most for `timeout`.
    [[nodiscard]] virtual slept
    wait(std::uint32_t seen, std::chrono::nanoseconds timeout) noexcept = 0;

    /// To be called after the bytes were changed by write_at(). Wakes all who sleep on this file's
    /// bytes, by whatever name they opened it; how many there were.
    virtual std::size_t wake() noexcept = 0;
};

/// One open file. Closing it (the destructor) promises nothing about durability.
///
/// Threads:    read_at may be called from any thread; one thread at a time for the rest, except
///             that sync_data() may run beside the others.
/// Durability: what was written before sync_data() or sync_all() was called survives a power cut
///             once that has returned.
/// Failure:    every member throws io_error with the path and errno. After a failed sync nothing
///             is known about what was written since the last good one; never call it again.
class file {
public:
    file() = default;
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    file(file&&) = delete;
    file& operator=(file&&) = delete;
    virtual ~file();

    /// Fills `into` from `at`; returns fewer bytes only where the file ends. Retries interrupted
    /// and short reads. A read error is never taken for the end of the file.
    [[nodiscard]] virtual std::size_t read_at(byte_offset at, std::span<std::byte> into) = 0;

    /// Writes all of `from` at `at`, extending the file with zeros where `at` lies beyond its end.
    /// Retries interrupted and short writes; on failure any part may have been written.
    virtual void write_at(byte_offset at, bytes_view from) = 0;

    /// fdatasync: contents, and the size where it changed.
    virtual void sync_data() = 0;

    /// fsync: contents and all metadata.
    virtual void sync_all() = 0;

    /// Cuts or extends (with zeros) to `size` bytes.
    virtual void truncate(std::uint64_t size) = 0;

    [[nodiscard]] virtual std::uint64_t size() = 0;

    /// The whole content. Only for files that nobody changes once they have their name: one that
    /// is cut short meanwhile ends the process.
    [[nodiscard]] virtual std::unique_ptr<const mapping> map() = 0;

    /// The four bytes at `at`, a multiple of four. It outlives the open file. Null where the system
    /// has none: then one looks again after a while.
    [[nodiscard]] virtual std::unique_ptr<wait_word> word_at(byte_offset at);

    /// Whether its path still leads to this very file. False also where that can't be told.
    [[nodiscard]] virtual bool is_in_place();
};

/// Holds an exclusive lock on a file until destroyed; the operating system frees it when the
/// process dies. Never inherited by exec; of no use to a forked child.
class file_lock {
public:
    file_lock() = default;
    file_lock(const file_lock&) = delete;
    file_lock& operator=(const file_lock&) = delete;
    file_lock(file_lock&&) = delete;
    file_lock& operator=(file_lock&&) = delete;
    virtual ~file_lock();

    /// Whether the lock is still the one that anybody else would meet at its path: false once the
    /// lock file was removed or replaced, or in a forked child.
    [[nodiscard]] virtual bool is_held() const = 0;

    /// Replaces the lock file's text (who holds it, for messages only).
    virtual void write_owner(std::string_view text) = 0;
};

/// What is at a path, without following a symbolic link there.
enum class path_kind : std::uint8_t { missing, regular_file, directory, other };

/// Names and directories. A change of a directory (create, rename, remove) is durable only once
/// sync_directory() of it has returned.
///
/// Threads: any.  Failure: io_error, with the path and errno.
class file_system {
public:
    file_system() = default;
    file_system(const file_system&) = delete;
    file_system& operator=(const file_system&) = delete;
    file_system(file_system&&) = delete;
    file_system& operator=(file_system&&) = delete;
    virtual ~file_system();

    [[nodiscard]] virtual std::unique_ptr<file> open(const std::string& path, open_mode mode) = 0;

    /// What is there; `follow` resolves a symbolic link first (used for the log's own directory).
    [[nodiscard]] virtual path_kind kind(const std::string& path, bool follow = false) = 0;

    /// Names in a directory, sorted, without "." and "..".
    [[nodiscard]] virtual std::vector<std::string> list(const std::string& directory) = 0;

    /// Creates one directory, mode 0700 whatever the umask. The parent must exist.
    virtual void make_directory(const std::string& path) = 0;

    /// Atomic; replaces `to`.
    virtual void rename(const std::string& from, const std::string& to) = 0;

    /// A second name for a file; `to` must not exist. Fails (EXDEV, EPERM, EMLINK, ENOTSUP) where
    /// the file system can't.
    virtual void link(const std::string& from, const std::string& to) = 0;

    /// Removes a file.
    virtual void remove(const std::string& path) = 0;

    virtual void sync_directory(const std::string& path) = 0;

    /// Takes the exclusive lock on `path`, creating the file if missing, or returns null at once
    /// where anybody (this process included) holds it. Fails where the file is a symbolic link.
    [[nodiscard]] virtual std::unique_ptr<file_lock> try_lock(const std::string& path) = 0;

    /// The text that the holder of the lock at `path` left, at most 256 bytes; empty if none.
    [[nodiscard]] virtual std::string lock_owner(const std::string& path) = 0;

    /// Whether anybody, in whatever process, has the file open for writing. False where the system
    /// does not say.
    [[nodiscard]] virtual bool is_open_for_writing(const std::string& path) = 0;

    /// Differs between a process and the children that it forks.
    [[nodiscard]] virtual std::uint64_t process_id() const noexcept = 0;

    /// The kind of file system where it can't keep the promises (network, user-space), else empty.
    [[nodiscard]] virtual std::string unsafe_kind(const std::string& directory) = 0;

    /// Whether the directory `inner` is the directory `outer`, or lies somewhere below it, by
    /// whatever names the two are called. Both must exist.
    [[nodiscard]] virtual bool is_within(const std::string& inner, const std::string& outer) = 0;
};

/// Wall time for stamps, monotonic time for measuring. Wall time never decides safety.
///
/// Threads: any.
class clock {
public:
    clock() = default;
    clock(const clock&) = delete;
    clock& operator=(const clock&) = delete;
    clock(clock&&) = delete;
    clock& operator=(clock&&) = delete;
    virtual ~clock();

    [[nodiscard]] virtual timestamp now() = 0;
    [[nodiscard]] virtual std::chrono::nanoseconds monotonic() = 0;
};

/// Unpredictable bytes for identities. Threads: any.
class random_source {
public:
    random_source() = default;
    random_source(const random_source&) = delete;
    random_source& operator=(const random_source&) = delete;
    random_source(random_source&&) = delete;
    random_source& operator=(random_source&&) = delete;
    virtual ~random_source();

    virtual void fill(std::span<std::byte> into) = 0;

    [[nodiscard]] uuid next_uuid();
    [[nodiscard]] std::uint64_t next_u64();
};

/// The machine a log runs on. Shared by all that was opened on it.
struct machine {
    std::shared_ptr<file_system> files;
    std::shared_ptr<clock> time;
    std::shared_ptr<random_source> random;
    /// Changes with each start of the operating system: whether the page cache of then still
    /// stands between us and the disk. Nil where that can't be told; then readers stop at what is
    /// known to be durable, and recovery cuts nothing off on the word of an old note.
    uuid boot_id;
    /// This process, for the messages of others: pid and start time.
    std::string process_name;
    /// Whether work may be done on threads of its own. Without, it is done by whoever causes it, so
    /// that operations have one order.
    bool has_background{true};
};

/// Paths are '/'-separated.
[[nodiscard]] std::string join(std::string_view directory, std::string_view name);

/// The directory that holds `path`: "." where it names none.
[[nodiscard]] std::string parent(std::string_view path);

/// Replaces `path` durably, so that at every moment a power cut leaves the old or the new content
/// whole: writes `path`.tmp, syncs it, renames it, syncs the directory.
void replace_durably(file_system& files, const std::string& path, bytes_view content);

/// The whole content of a file of at most `size_max` bytes; fails with errc::limit above it.
[[nodiscard]] byte_buffer
read_whole(file_system& files, const std::string& path, std::size_t size_max);

} // namespace everfold::io
