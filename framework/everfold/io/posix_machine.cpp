// SPDX-License-Identifier: MIT
// The clocks, the random source and the names of this machine and process.
#include <everfold/io/posix.hpp>

#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#ifdef __linux__
#include <sys/random.h>
#endif

#include <everfold/base/error.hpp>

namespace everfold::io {

namespace {

class posix_clock final : public clock {
public:
    timestamp now() override { return std::chrono::system_clock::now(); }

    std::chrono::nanoseconds monotonic() override {
        return std::chrono::steady_clock::now().time_since_epoch();
    }
};

class posix_random final : public random_source {
public:
    void fill(std::span<std::byte> into) override {
        while (!into.empty()) {
#ifdef __linux__
            const auto got = ::getrandom(into.data(), into.size(), 0);
            if (got == -1 && errno == EINTR)
                continue;
            if (got == -1)
                throw io_error{"read random bytes from", "the system", errno};
            into = into.subspan(static_cast<std::size_t>(got));
#else
            const auto size = std::min<std::size_t>(into.size(), 256);
            if (::getentropy(into.data(), size) == -1)
                throw io_error{"read random bytes from", "the system", errno};
            into = into.subspan(size);
#endif
        }
    }
};

// A small file of the kernel's; empty where there is none.
std::string kernel_text(const char* path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

// Nil where the kernel does not tell.
uuid current_boot() {
    const auto text = kernel_text("/proc/sys/kernel/random/boot_id");
    return uuid::parse(std::string_view{text}.substr(0, 36)).value_or(uuid{});
}

#ifdef __linux__

// Field 22 of /proc/self/stat, in clock ticks after the boot. The second field is a name in
// parentheses that may itself hold blanks and parentheses.
std::optional<timestamp> process_start() {
    const auto text = kernel_text("/proc/self/stat");
    auto rest = std::string_view{text};
    const auto name_end = rest.rfind(')');
    if (name_end == std::string_view::npos)
        return {};
    rest.remove_prefix(name_end);
    for (int field = 2; field < 22; ++field) {
        const auto blank = rest.find(' ');
        if (blank == std::string_view::npos)
            return {};
        rest.remove_prefix(blank + 1);
    }
    std::int64_t ticks{};
    const auto ticks_a_second = ::sysconf(_SC_CLK_TCK);
    ::timespec since_boot{};
    if (std::from_chars(rest.data(), rest.data() + rest.size(), ticks).ec != std::errc{} ||
        ticks_a_second <= 0 || ::clock_gettime(CLOCK_BOOTTIME, &since_boot) == -1)
        return {};
    const auto age = std::chrono::seconds{since_boot.tv_sec - ticks / ticks_a_second};
    return timestamp{
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() - age)};
}

#else

std::optional<timestamp> process_start() {
    return {};
}

#endif

std::string current_process() {
    auto out = "pid " + std::to_string(::getpid());
    auto program = kernel_text("/proc/self/comm");
    if (program.ends_with('\n'))
        program.pop_back();
    if (!program.empty())
        out += " (" + printable(program) + ')';
    if (const auto start = process_start())
        out += ", started " + start->to_string();
    return out;
}

} // namespace

machine posix_machine() {
    auto random = std::make_shared<posix_random>();
    const auto boot = current_boot();
    return {
        .files = posix_files(),
        .time = std::make_shared<posix_clock>(),
        .random = std::move(random),
        .boot_id = boot,
        .process_name = current_process(),
    };
}

} // namespace everfold::io
