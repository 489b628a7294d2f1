// SPDX-License-Identifier: MIT
// Preloaded into a program: stands between it and the file system calls of its C library, and does
// to one of them what EVERFOLD_SHIM says.
//
//     count PATH    writes the name of each call into PATH
//     before K      ends the process instead of call K
//     after K       ends it after call K
//     error K E     call K fails with errno E; an interrupted one only once
//     short K       call K, a read or write, does half of what it was asked for
//     forget K      from call K on, writes are said to be done and are not: the planted bug
//     unsynced K    from call K on, syncs are said to be done and are not: the planted bug
//     follow K      from call K on, files are opened whatever they are, and links followed: the
//                   planted bug
//     signal K      call K ends the process with SIGSEGV: the planted bug

#undef _FILE_OFFSET_BITS // both forms of each call are wrapped

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

struct order {
    std::string what{};
    long call{};
    int error{};
    int count_to{-1};
};

order parsed() {
    order out;
    const char* text = std::getenv("EVERFOLD_SHIM");
    if (text == nullptr)
        return out;
    const std::string all{text};
    const auto blank = all.find(' ');
    out.what = all.substr(0, blank);
    const auto rest = blank == std::string::npos ? std::string{} : all.substr(blank + 1);
    if (out.what == "count") {
        // Not through the call that is wrapped below.
        out.count_to = static_cast<int>(
            ::syscall(SYS_openat, AT_FDCWD, rest.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600)
        );
        return out;
    }
    char* end = nullptr;
    out.call = std::strtol(rest.c_str(), &end, 10);
    out.error = static_cast<int>(std::strtol(end, nullptr, 10));
    return out;
}

const order& given() {
    static const order out = parsed();
    return out;
}

/// The number of this call, from 1.
long counted(const char* name) {
    static std::atomic<long> calls{0};
    const auto& o = given();
    if (o.count_to >= 0) {
        const auto line = std::string{name} + '\n';
        static_cast<void>(::syscall(SYS_write, o.count_to, line.data(), line.size()));
    }
    return ++calls;
}

template <class Function>
Function* real(const char* name) {
    void* found = ::dlsym(RTLD_NEXT, name);
    Function* out = nullptr;
    std::memcpy(&out, &found, sizeof out);
    return out;
}

/// `call(false)` does it; call(true) half of it.
template <class Call>
auto through(const char* name, Call call) -> decltype(call(false)) {
    const auto& o = given();
    const auto number = counted(name);
    const bool is_it = number == o.call;
    if (is_it && o.what == "before")
        ::_exit(86);
    if (is_it && o.what == "signal")
        static_cast<void>(::raise(SIGSEGV));
    if (is_it && o.what == "error") {
        errno = o.error;
        return -1;
    }
    const auto result = call(is_it && o.what == "short");
    if (is_it && o.what == "after")
        ::_exit(86);
    return result;
}

bool is_forgotten(const char* name, long size) {
    const auto& o = given();
    return o.what == "forget" && counted(name) >= o.call && size >= 0;
}

bool is_unsynced(const char* name) {
    const auto& o = given();
    return o.what == "unsynced" && counted(name) >= o.call;
}

int open_with(const char* name, int at, const char* path, int flags, unsigned mode) {
    // Without O_NOFOLLOW and O_NONBLOCK: what one forgets.
    if (given().what == "follow" && counted(name) >= given().call)
        flags &= ~(O_NOFOLLOW | O_NONBLOCK);
    return through(name, [&](bool) {
        return static_cast<int>(::syscall(SYS_openat, at, path, flags, mode));
    });
}

size_t part(size_t size, bool is_short) {
    return is_short && size > 1 ? size / 2 : size;
}

unsigned mode_of(int flags, va_list& more) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, unsigned) : 0U;
}

} // namespace

extern "C" {

// NOLINTBEGIN: the names and forms are those of the C library
int open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const auto mode = mode_of(flags, more);
    va_end(more);
    return open_with("open", AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const auto mode = mode_of(flags, more);
    va_end(more);
    return open_with("open", AT_FDCWD, path, flags, mode);
}

int openat(int at, const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const auto mode = mode_of(flags, more);
    va_end(more);
    return open_with("openat", at, path, flags, mode);
}

int openat64(int at, const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const auto mode = mode_of(flags, more);
    va_end(more);
    return open_with("openat", at, path, flags, mode);
}

ssize_t pwrite64(int to, const void* data, size_t size, off64_t where) {
    if (is_forgotten("pwrite", static_cast<long>(size)))
        return static_cast<ssize_t>(size);
    return through("pwrite", [&](bool is_short) {
        return real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64"
        )(to, data, part(size, is_short), where);
    });
}

ssize_t pwrite(int to, const void* data, size_t size, off_t where) {
    return pwrite64(to, data, size, where);
}

ssize_t pread64(int from, void* data, size_t size, off64_t where) {
    return through("pread", [&](bool is_short) {
        return real<ssize_t(int, void*, size_t, off64_t)>("pread64"
        )(from, data, part(size, is_short), where);
    });
}

ssize_t pread(int from, void* data, size_t size, off_t where) {
    return pread64(from, data, size, where);
}

int fdatasync(int file) {
    if (is_unsynced("fdatasync"))
        return 0;
    return through("fdatasync", [&](bool) { return real<int(int)>("fdatasync")(file); });
}

int fsync(int file) {
    if (is_unsynced("fsync"))
        return 0;
    return through("fsync", [&](bool) { return real<int(int)>("fsync")(file); });
}

int ftruncate64(int file, off64_t size) noexcept {
    return through("ftruncate", [&](bool) {
        return real<int(int, off64_t)>("ftruncate64")(file, size);
    });
}

int ftruncate(int file, off_t size) noexcept {
    return ftruncate64(file, size);
}

int rename(const char* from, const char* to) noexcept {
    return through("rename", [&](bool) {
        return real<int(const char*, const char*)>("rename")(from, to);
    });
}

int renameat(int from_at, const char* from, int to_at, const char* to) noexcept {
    return through("renameat", [&](bool) {
        return real<int(int, const char*, int, const char*)>("renameat")(from_at, from, to_at, to);
    });
}

int linkat(int from_at, const char* from, int to_at, const char* to, int flags) noexcept {
    return through("linkat", [&](bool) {
        return real<int(int, const char*, int, const char*, int)>("linkat"
        )(from_at, from, to_at, to, flags);
    });
}

int unlink(const char* path) noexcept {
    return through("unlink", [&](bool) { return real<int(const char*)>("unlink")(path); });
}

int unlinkat(int at, const char* path, int flags) noexcept {
    return through("unlinkat", [&](bool) {
        return real<int(int, const char*, int)>("unlinkat")(at, path, flags);
    });
}

int mkdirat(int at, const char* path, mode_t mode) noexcept {
    return through("mkdirat", [&](bool) {
        return real<int(int, const char*, mode_t)>("mkdirat")(at, path, mode);
    });
}

int flock(int file, int operation) noexcept {
    return through("flock", [&](bool) { return real<int(int, int)>("flock")(file, operation); });
}

int fchmod(int file, mode_t mode) noexcept {
    return through("fchmod", [&](bool) { return real<int(int, mode_t)>("fchmod")(file, mode); });
}

int fstatat(int at, const char* path, struct stat* into, int flags) noexcept {
    return through("fstatat", [&](bool) {
        return real<int(int, const char*, struct stat*, int)>("fstatat")(at, path, into, flags);
    });
}

int fstatat64(int at, const char* path, struct stat64* into, int flags) noexcept {
    return through("fstatat", [&](bool) {
        return real<int(int, const char*, struct stat64*, int)>("fstatat64")(at, path, into, flags);
    });
}

int fstat(int file, struct stat* into) noexcept {
    return through("fstat", [&](bool) {
        return real<int(int, struct stat*)>("fstat")(file, into);
    });
}

int fstat64(int file, struct stat64* into) noexcept {
    return through("fstat", [&](bool) {
        return real<int(int, struct stat64*)>("fstat64")(file, into);
    });
}

struct dirent64* readdir64(DIR* from) {
    struct dirent64* out = nullptr;
    const auto done = through("readdir", [&](bool) {
        out = real<struct dirent64*(DIR*)>("readdir64")(from);
        return 0;
    });
    return done == 0 ? out : nullptr;
}

struct dirent* readdir(DIR* from) {
    struct dirent* out = nullptr;
    const auto done = through("readdir", [&](bool) {
        out = real<struct dirent*(DIR*)>("readdir")(from);
        return 0;
    });
    return done == 0 ? out : nullptr;
}

void* mmap64(void* at, size_t size, int rights, int flags, int file, off64_t from) noexcept {
    const auto call = real<void*(void*, size_t, int, int, int, off64_t)>("mmap64");
    if (file == -1)
        return call(at, size, rights, flags, file, from);
    void* out = MAP_FAILED;
    static_cast<void>(through("mmap", [&](bool) {
        out = call(at, size, rights, flags, file, from);
        return 0;
    }));
    return out;
}

void* mmap(void* at, size_t size, int rights, int flags, int file, off_t from) noexcept {
    return mmap64(at, size, rights, flags, file, from);
}
// NOLINTEND
}
