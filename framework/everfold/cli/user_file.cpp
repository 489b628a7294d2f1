// SPDX-License-Identifier: MIT
#include <everfold/cli/failure.hpp>
#include <everfold/cli/user_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace everfold::cli {

namespace {

[[noreturn]] void fail(std::string_view what, const std::string& path, int reason) {
    throw input_output_error{
        fmt::format("can't {} '{}': {}", what, path, std::strerror(reason)),
        "the log is not affected",
        "check the path and its permissions"};
}

/// Without links and dots; empty where nothing is there.
std::string resolved(const std::string& path) {
    const std::unique_ptr<char, void (*)(void*)> out{::realpath(path.c_str(), nullptr), std::free};
    return out != nullptr ? out.get() : std::string{};
}

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos)
        return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

bool lies_in(const std::string& directory, const std::string& file) {
    const auto outer = resolved(directory);
    const auto target = resolved(file);
    const auto folder = target.empty() ? resolved(parent_of(file)) : parent_of(target);
    return !outer.empty() && (folder == outer || folder.starts_with(outer + '/'));
}

input_file::input_file(const std::string& path)
    : name_{path == "-" ? "standard input" : path}
    , descriptor_{path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)} {
    struct stat facts {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &facts) != 0)
        fail("read", name_, errno);
    if (S_ISDIR(facts.st_mode))
        fail("read", name_, EISDIR);
    if (S_ISREG(facts.st_mode))
        size_ = static_cast<std::uint64_t>(facts.st_size);
}

input_file::~input_file() {
    if (descriptor_ > STDERR_FILENO)
        ::close(descriptor_);
}

std::size_t input_file::read(char* to, std::size_t size) {
    for (;;) {
        const auto count = ::read(descriptor_, to, size);
        if (count >= 0)
            return static_cast<std::size_t>(count);
        if (errno != EINTR)
            fail("read", name_, errno);
    }
}

output_file::output_file(std::string path)
    : path_{std::move(path)} {
    struct stat facts {};
    const bool is_there = ::lstat(path_.c_str(), &facts) == 0;
    if (!is_there || S_ISREG(facts.st_mode))
        temporary_ = fmt::format("{}.{}.tmp", path_, ::getpid());
    if (temporary_.empty())
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    else
        descriptor_ =
            ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (descriptor_ < 0) {
        const auto reason = errno;
        temporary_.clear();
        fail("write", path_, reason);
    }
}

output_file::~output_file() {
    ::close(descriptor_);
    if (!temporary_.empty())
        ::unlink(temporary_.c_str());
}

void output_file::commit() {
    if (temporary_.empty())
        return;
    if (::fsync(descriptor_) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
        fail("write", path_, errno);
    temporary_.clear();
}

} // namespace everfold::cli
