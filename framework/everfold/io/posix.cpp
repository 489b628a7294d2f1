// SPDX-License-Identifier: MIT
// Every system call of Everfold that concerns files is in this file, or one of its neighbours named
// posix_*; a test searches the others.
#include <everfold/io/posix.hpp>
#include <everfold/io/posix_wait_word.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <memory>
#include <utility>

#ifdef __linux__
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

#include <everfold/base/error.hpp>

namespace everfold::io {

namespace {

constexpr std::size_t owner_bytes_max = 256;

template <class Call>
auto retried(Call call) {
    auto result = call();
    while (result == -1 && errno == EINTR)
        result = call();
    return result;
}

/// Owns a file descriptor.
class descriptor {
public:
    descriptor() noexcept = default;
    explicit descriptor(int fd) noexcept
        : fd_{fd} {}
    descriptor(descriptor&& other) noexcept
        : fd_{std::exchange(other.fd_, -1)} {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (!is_open())
            return;
        // Not retried: the descriptor is gone even where close() was interrupted. And what an
        // earlier call left in errno is still to be read.
        const int number = errno;
        ::close(fd_);
        errno = number;
    }

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

    [[nodiscard]] int value() const noexcept { return fd_; }

    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_ = -1;
};

// Where the program closed a standard stream, the next descriptor takes its number, and what the
// program prints must not land in the log.
descriptor above_standard_streams(descriptor d) {
    if (!d.is_open() || d.value() > 2)
        return d;
    return descriptor{retried([&] { return ::fcntl(d.value(), F_DUPFD_CLOEXEC, 3); })};
}

/// The directory that relative paths start from, held open: a program that changes its working
/// directory later (a daemon does) keeps its log.
using starting_directory = std::shared_ptr<const descriptor>;

// Of a directory that is only passed through; one that may not be listed will do where the system
// can.
#ifdef O_PATH
constexpr int passing_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
#else
constexpr int passing_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
#endif

starting_directory current_directory() {
    return std::make_shared<const descriptor>(above_standard_streams(descriptor{
        retried([] { return ::open(".", passing_flags); })}));
}

int number_of(const starting_directory& start) noexcept {
    return start->is_open() ? start->value() : AT_FDCWD;
}

// A NUL would end the path early and name another file.
const char* checked(const std::string& path, const char* operation) {
    if (path.find('\0') != std::string::npos)
        throw io_error{operation, path, EINVAL};
    return path.c_str();
}

// The call alone, for callers to whom a missing file is no failure.
descriptor try_open(const starting_directory& start, const char* path, int flags) {
    const int all = flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    return above_standard_streams(descriptor{
        retried([&] { return ::openat(number_of(start), path, all, 0600); })});
}

struct ::stat status_of(const descriptor& d, const char* operation, const std::string& path) {
    struct ::stat status {};
    if (::fstat(d.value(), &status) == -1)
        throw io_error{operation, path, errno};
    return status;
}

[[noreturn]] void throw_open_failed(const char* operation, const std::string& path, int number) {
    if (number == ELOOP)
        throw io_error{std::string{operation} + " the symbolic link", path, number};
    throw io_error{operation, path, number};
}

void require_regular(const struct ::stat& status, const char* operation, const std::string& path) {
    if (!S_ISREG(status.st_mode))
        throw io_error{
            std::string{operation} + " as a regular file",
            path,
            S_ISDIR(status.st_mode) ? EISDIR : EINVAL};
}

// The umask may have taken bits of the mode away when the file was created.
void make_private(const descriptor& d, const char* operation, const std::string& path) {
    if (retried([&] { return ::fchmod(d.value(), 0600); }) == -1)
        throw io_error{operation, path, errno};
}

descriptor
open_directory(const starting_directory& start, const std::string& path, const char* operation) {
    auto opened = try_open(start, checked(path, operation), O_RDONLY | O_DIRECTORY);
    if (!opened.is_open())
        throw io_error{operation, path, errno};
    return opened;
}

int sync_all_of(int fd) noexcept {
#ifdef __APPLE__
    return retried([&] { return ::fcntl(fd, F_FULLFSYNC); });
#else
    return retried([&] { return ::fsync(fd); });
#endif
}

int sync_data_of(int fd) noexcept {
#ifdef __APPLE__
    return sync_all_of(fd);
#else
    return retried([&] { return ::fdatasync(fd); });
#endif
}

std::size_t
read_fully(int fd, std::uint64_t at, std::span<std::byte> into, const std::string& path) {
    std::size_t done = 0;
    while (done < into.size()) {
        const auto got = retried([&] {
            return ::pread(fd, &into[done], into.size() - done, static_cast<off_t>(at + done));
        });
        if (got == -1)
            throw io_error{"read", path, errno};
        if (got == 0)
            break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

void write_fully(int fd, std::uint64_t at, bytes_view from, const std::string& path) {
    std::size_t done = 0;
    while (done < from.size()) {
        const auto put = retried([&] {
            return ::pwrite(fd, &from[done], from.size() - done, static_cast<off_t>(at + done));
        });
        if (put == -1)
            throw io_error{"write to", path, errno};
        if (put == 0)
            throw io_error{"write to", path, ENOSPC};
        done += static_cast<std::size_t>(put);
    }
}

constexpr std::uint64_t file_bytes_max = std::numeric_limits<off_t>::max();

class posix_mapping final : public mapping {
public:
    posix_mapping(const descriptor& d, std::size_t size, const std::string& path)
        : size_{size} {
        if (size == 0)
            return;
        auto* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, d.value(), 0);
        if (at == MAP_FAILED) // NOLINT(cppcoreguidelines-pro-type-cstyle-cast): the system's macro
            throw io_error{"map", path, errno};
        at_ = at;
    }

    posix_mapping(const posix_mapping&) = delete;
    posix_mapping& operator=(const posix_mapping&) = delete;
    posix_mapping(posix_mapping&&) = delete;
    posix_mapping& operator=(posix_mapping&&) = delete;

    ~posix_mapping() override {
        if (at_ != nullptr)
            ::munmap(at_, size_);
    }

    [[nodiscard]] bytes_view bytes() const noexcept override {
        return {static_cast<const std::byte*>(at_), size_};
    }

private:
    void* at_{};
    std::size_t size_;
};

bool is_same_file(const struct ::stat& a, const struct ::stat& b) noexcept {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool is_at(
    const starting_directory& start, const std::string& path, const struct ::stat& file
) noexcept {
    struct ::stat there {};
    return ::fstatat(number_of(start), path.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           is_same_file(there, file);
}

class posix_file final : public file {
public:
    posix_file(
        starting_directory start, descriptor d, std::string path, const struct ::stat& status
    )
        : start_{std::move(start)}
        , descriptor_{std::move(d)}
        , path_{std::move(path)}
        , status_{status} {}

    std::size_t read_at(byte_offset at, std::span<std::byte> into) override {
        if (at.value() > file_bytes_max - into.size())
            throw io_error{"read", path_, EINVAL};
        return read_fully(descriptor_.value(), at.value(), into, path_);
    }

    void write_at(byte_offset at, bytes_view from) override {
        if (at.value() > file_bytes_max - from.size())
            throw io_error{"write to", path_, EFBIG};
        write_fully(descriptor_.value(), at.value(), from, path_);
    }

    void sync_data() override {
        if (sync_data_of(descriptor_.value()) == -1)
            throw io_error{"sync", path_, errno};
    }

    void sync_all() override {
        if (sync_all_of(descriptor_.value()) == -1)
            throw io_error{"sync", path_, errno};
    }

    void truncate(std::uint64_t size) override {
        if (size > file_bytes_max)
            throw io_error{"truncate", path_, EFBIG};
        const auto cut = [&] { return ::ftruncate(descriptor_.value(), static_cast<off_t>(size)); };
        if (retried(cut) == -1)
            throw io_error{"truncate", path_, errno};
    }

    std::uint64_t size() override {
        return static_cast<std::uint64_t>(status_of(descriptor_, "read the size of", path_).st_size
        );
    }

    std::unique_ptr<const mapping> map() override {
        return std::make_unique<posix_mapping>(
            descriptor_, static_cast<std::size_t>(size()), path_
        );
    }

    std::unique_ptr<wait_word> word_at(byte_offset at) override {
        return make_posix_wait_word(descriptor_.value(), at);
    }

    bool is_in_place() override { return is_at(start_, path_, status_); }

private:
    starting_directory start_;
    descriptor descriptor_;
    std::string path_;
    struct ::stat status_; // as it was opened
};

// flock belongs to the open file description, and each try_lock opens its own: a second one is
// refused in the same process, by another thread or by another copy of this library too. So no
// register of locks is needed beside it.
//
// A forked child shares the description, and the lock lasts as long as that. So the owner unlocks,
// which ends it in whatever children there are; a child must not, since it would end its parent's.
class posix_lock final : public file_lock {
public:
    posix_lock(
        starting_directory start, descriptor d, std::string path, const struct ::stat& status
    )
        : start_{std::move(start)}
        , descriptor_{std::move(d)}
        , path_{std::move(path)}
        , status_{status} {}

    posix_lock(const posix_lock&) = delete;
    posix_lock& operator=(const posix_lock&) = delete;
    posix_lock(posix_lock&&) = delete;
    posix_lock& operator=(posix_lock&&) = delete;

    ~posix_lock() override {
        if (::getpid() == pid_)
            retried([&] { return ::flock(descriptor_.value(), LOCK_UN); });
    }

    [[nodiscard]] bool is_held() const override {
        return ::getpid() == pid_ && is_at(start_, path_, status_);
    }

    void write_owner(std::string_view text) override {
        if (retried([&] { return ::ftruncate(descriptor_.value(), 0); }) == -1)
            throw io_error{"write to", path_, errno};
        write_fully(descriptor_.value(), 0, as_bytes(text.substr(0, owner_bytes_max)), path_);
    }

private:
    starting_directory start_;
    descriptor descriptor_;
    std::string path_;
    struct ::stat status_;
    ::pid_t pid_ = ::getpid();
};

#ifdef __linux__

struct file_system_kind {
    std::uint32_t magic{};
    std::string_view name{};
};

// Where locks, renames or syncs are somebody else's promise: another machine's or a user program's.
constexpr std::array unsafe_kinds{
    file_system_kind{0x0000'6969, "NFS"},        file_system_kind{0x0000'517B, "SMB"},
    file_system_kind{0xFF53'4D42, "CIFS"},       file_system_kind{0xFE53'4D42, "SMB2"},
    file_system_kind{0x0102'1997, "9p"},         file_system_kind{0x6573'5546, "FUSE"},
    file_system_kind{0x5346'414F, "AFS"},        file_system_kind{0x6B41'4653, "AFS"},
    file_system_kind{0x7375'7245, "Coda"},       file_system_kind{0x0000'564C, "NCP"},
    file_system_kind{0x00C3'6400, "Ceph"},       file_system_kind{0x0BD0'0BD0, "Lustre"},
    file_system_kind{0x4750'4653, "GPFS"},       file_system_kind{0x0116'1970, "GFS2"},
    file_system_kind{0x7461'636F, "OCFS2"},      file_system_kind{0x1983'0326, "BeeGFS"},
    file_system_kind{0x2003'0528, "OrangeFS"},   file_system_kind{0xAAD7'AAEA, "PanFS"},
    file_system_kind{0x786F'4256, "VirtualBox"}, file_system_kind{0xBACB'ACBC, "VMware"},
};

std::string unsafe_kind_of(int directory, const std::string& path) {
    struct ::statfs status {};
    if (retried([&] { return ::fstatfs(directory, &status); }) == -1)
        throw io_error{"ask for the file system of", path, errno};
    // Signed on some architectures; the magic numbers are 32 bits wide.
    const auto magic = static_cast<std::uint32_t>(status.f_type);
    const auto* found = std::find_if(unsafe_kinds.begin(), unsafe_kinds.end(), [&](const auto& k) {
        return k.magic == magic;
    });
    return found == unsafe_kinds.end() ? std::string{} : std::string{found->name};
}

#else

std::string unsafe_kind_of(int directory, const std::string& path) {
    struct ::statfs status {};
    if (retried([&] { return ::fstatfs(directory, &status); }) == -1)
        throw io_error{"ask for the file system of", path, errno};
    return (status.f_flags & MNT_LOCAL) != 0 ? std::string{} : std::string{status.f_fstypename};
}

#endif

// The kernel grants a read lease only on a file that nobody has open for writing. Whoever opens it
// for that in the same moment is told EAGAIN, and makes the kernel send us a signal: one that a
// process does not die of.
bool has_writers([[maybe_unused]] int fd) noexcept {
#ifdef F_SETLEASE
    if (::fcntl(fd, F_SETSIG, SIGURG) == -1)
        return false;
    if (::fcntl(fd, F_SETLEASE, F_RDLCK) == -1)
        return errno == EAGAIN;
    ::fcntl(fd, F_SETLEASE, F_UNLCK);
#endif
    return false;
}

class posix_file_system final : public file_system {
public:
    std::unique_ptr<file> open(const std::string& path, open_mode mode) override {
        const bool is_new = mode == open_mode::create_new;
        const char* operation = is_new ? "create" : "open";
        const int flags = is_new                    ? O_RDWR | O_CREAT | O_EXCL
                          : mode == open_mode::read ? O_RDONLY
                                                    : O_RDWR;
        auto opened = try_open(start_, checked(path, operation), flags | O_NOFOLLOW);
        if (!opened.is_open())
            throw_open_failed(operation, path, errno);
        const auto status = status_of(opened, operation, path);
        require_regular(status, operation, path);
        if (is_new)
            make_private(opened, operation, path);
        return std::make_unique<posix_file>(start_, std::move(opened), path, status);
    }

    path_kind kind(const std::string& path, bool follow) override {
        struct ::stat status {};
        const char* at = checked(path, "look at");
        if (::fstatat(number_of(start_), at, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) == -1) {
            if (errno == ENOENT || errno == ENOTDIR)
                return path_kind::missing;
            throw io_error{"look at", path, errno};
        }
        if (S_ISREG(status.st_mode))
            return path_kind::regular_file;
        return S_ISDIR(status.st_mode) ? path_kind::directory : path_kind::other;
    }

    std::vector<std::string> list(const std::string& directory) override {
        auto opened = open_directory(start_, directory, "list");
        struct closer {
            void operator()(::DIR* stream) const noexcept { ::closedir(stream); }
        };
        const std::unique_ptr<::DIR, closer> stream{::fdopendir(opened.value())};
        if (!stream)
            throw io_error{"list", directory, errno};
        [[maybe_unused]] const int now_the_streams = opened.release();
        std::vector<std::string> names;
        while (true) {
            errno = 0;
            const auto* entry = ::readdir(stream.get());
            if (entry == nullptr && errno != 0)
                throw io_error{"list", directory, errno};
            if (entry == nullptr)
                break;
            const std::string_view name{static_cast<const char*>(entry->d_name)};
            if (name != "." && name != "..")
                names.emplace_back(name);
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    void make_directory(const std::string& path) override {
        constexpr auto operation = "create directory";
        if (::mkdirat(number_of(start_), checked(path, operation), 0700) == -1)
            throw io_error{operation, path, errno};
        struct ::stat status {};
        if (::fstatat(number_of(start_), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == -1)
            throw io_error{operation, path, errno};
        // Only where the umask forbids even the owner something: a directory that one may not
        // read can't be opened for fchmod.
        if ((status.st_mode & 0777U) != 0700U &&
            ::fchmodat(number_of(start_), path.c_str(), 0700, 0) == -1)
            throw io_error{operation, path, errno};
    }

    void rename(const std::string& from, const std::string& to) override {
        const char* old_name = checked(from, "rename");
        const char* new_name = checked(to, "rename");
        if (::renameat(number_of(start_), old_name, number_of(start_), new_name) == -1)
            throw io_error{"rename", from, errno};
    }

    void link(const std::string& from, const std::string& to) override {
        const char* old_name = checked(from, "link");
        const char* new_name = checked(to, "link");
        if (::linkat(number_of(start_), old_name, number_of(start_), new_name, 0) == -1)
            throw io_error{"link", errno == EEXIST ? to : from, errno};
    }

    void remove(const std::string& path) override {
        if (::unlinkat(number_of(start_), checked(path, "remove"), 0) == -1)
            throw io_error{"remove", path, errno};
    }

    void sync_directory(const std::string& path) override {
        const auto opened = open_directory(start_, path, "sync directory");
        if (sync_all_of(opened.value()) == -1)
            throw io_error{"sync directory", path, errno};
    }

    std::unique_ptr<file_lock> try_lock(const std::string& path) override {
        const char* at = checked(path, "lock");
        // Each turn after the first means that the lock file vanished or was replaced between two
        // calls. Whoever does that for so long is not locking.
        for (int turn = 0; turn < 1000; ++turn) {
            auto opened = try_open(start_, at, O_RDWR | O_NOFOLLOW);
            if (!opened.is_open() && errno == ENOENT) {
                opened = try_open(start_, at, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
                if (!opened.is_open() && errno == EEXIST)
                    continue;
                if (opened.is_open())
                    make_private(opened, "lock", path);
            }
            if (!opened.is_open())
                throw_open_failed("lock", path, errno);
            const auto status = status_of(opened, "lock", path);
            require_regular(status, "lock", path);
            if (retried([&] { return ::flock(opened.value(), LOCK_EX | LOCK_NB); }) == -1) {
                if (errno == EWOULDBLOCK)
                    return nullptr;
                throw io_error{"lock", path, errno};
            }
            auto lock = std::make_unique<posix_lock>(start_, std::move(opened), path, status);
            if (lock->is_held())
                return lock;
        }
        throw io_error{"lock", path, EBUSY};
    }

    std::string lock_owner(const std::string& path) override {
        const auto opened = try_open(start_, checked(path, "read"), O_RDONLY | O_NOFOLLOW);
        if (!opened.is_open() && errno == ENOENT)
            return {};
        if (!opened.is_open())
            throw_open_failed("read", path, errno);
        require_regular(status_of(opened, "read", path), "read", path);
        std::array<std::byte, owner_bytes_max> text{};
        const auto size = read_fully(opened.value(), 0, text, path);
        return std::string{as_text(bytes_view{text}.first(size))};
    }

    bool is_open_for_writing(const std::string& path) override {
        const auto opened = try_open(start_, checked(path, "open"), O_RDONLY | O_NOFOLLOW);
        if (!opened.is_open())
            throw_open_failed("open", path, errno);
        return has_writers(opened.value());
    }

    [[nodiscard]] std::uint64_t process_id() const noexcept override {
        return static_cast<std::uint64_t>(::getpid());
    }

    std::string unsafe_kind(const std::string& directory) override {
        const auto opened = open_directory(start_, directory, "ask for the file system of");
        return unsafe_kind_of(opened.value(), directory);
    }

    bool is_within(const std::string& inner, const std::string& outer) override {
        constexpr auto verb = "ask for the place of";
        const auto wanted = status_of(open_directory(start_, outer, verb), verb, outer);
        auto at = open_directory(start_, inner, verb);
        // Up to the root, which is its own parent.
        for (auto here = status_of(at, verb, inner);;) {
            if (is_same_file(here, wanted))
                return true;
            descriptor above{retried([&] { return ::openat(at.value(), "..", passing_flags); })};
            if (!above.is_open())
                throw io_error{verb, inner, errno};
            const auto there = status_of(above, verb, inner);
            if (is_same_file(here, there))
                return false;
            at = above_standard_streams(std::move(above));
            here = there;
        }
    }

private:
    starting_directory start_ = current_directory();
};

} // namespace

std::shared_ptr<file_system> posix_files() {
    return std::make_shared<posix_file_system>();
}

} // namespace everfold::io
