// SPDX-License-Identifier: MIT
// P12 on a file system of the kernel's that is really full: a tmpfs of two megabytes, mounted in a
// child process where nobody else sees it.

#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>

#include <doctest/doctest.h>
#include <sched.h>
#include <support/child_process.hpp>
#include <support/log_verbs.hpp>
#include <support/scratch_dir.hpp>
#include <sys/mount.h>

#include <cstdio>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using log::event_log;

namespace {

constexpr int cannot_mount = 77;
constexpr int cycles = 30;

bool mount_small_disk(const std::string& at) {
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("none", at.c_str(), "tmpfs", 0, "size=2m") == 0;
}

/// Takes what room there is, but for about `left` bytes.
void fill_disk(const std::string& path, std::uint64_t left) {
    auto* file = std::fopen(path.c_str(), "wb");
    if (file == nullptr)
        throw std::runtime_error{"no file to fill the disk with"};
    std::setvbuf(file, nullptr, _IONBF, 0);
    const std::vector<char> page(4096, 'x');
    std::uint64_t size = 0;
    while (std::fwrite(page.data(), 1, page.size(), file) == page.size())
        size += page.size();
    std::fclose(file);
    std::filesystem::resize_file(path, size > left ? size - left : 0);
}

std::vector<std::string> texts(event_log& from) {
    std::vector<std::string> out;
    for (const auto& e : read_all(from))
        out.push_back(e.payload);
    return out;
}

void require(bool what, const char* why) {
    if (!what)
        throw std::runtime_error{why};
}

/// Says how many appends were kept, and how many refused.
int fill_and_empty(const std::string& disk, const numbers_out& say) {
    if (!mount_small_disk(disk))
        return cannot_mount;
    const auto path = disk + "/log";
    const auto filler = disk + "/filler";
    auto options = small_log(log::access::create, 64U << 10U);
    options.compress_sealed = true;
    auto to = event_log::open(io::posix_machine(), path, options);
    std::vector<std::string> kept;
    std::uint64_t refused = 0;
    std::mt19937 random{7};
    const auto append_one = [&] {
        auto text = std::to_string(kept.size()) + ":" + std::to_string(refused) +
                    std::string(100 + random() % 2000, '.');
        try {
            append_texts(*to, "s-" + std::to_string(random() % 3), {text});
            kept.push_back(std::move(text));
            return true;
        } catch (const io_error& e) {
            require(e.is_disk_full(), "another failure than that of a full disk");
            ++refused;
            return false;
        }
    };
    for (int cycle = 0; cycle < cycles; ++cycle) {
        fill_disk(filler, random() % 16'000);
        int in_a_row = 0;
        while (in_a_row < 3)
            in_a_row = append_one() ? 0 : in_a_row + 1;
        require(texts(*to) == kept, "on the full disk the log is not what was acknowledged");
        std::filesystem::remove(filler);
        for (int i = 0; i < 3; ++i)
            require(append_one(), "with room again, the same writer does not go on");
        if (cycle % 5 == 4) {
            to->close();
            to = event_log::open(io::posix_machine(), path, options);
        }
        require(texts(*to) == kept, "with room again, the log is not what was acknowledged");
    }
    to->close();
    require(is_clean(io::posix_machine(), path), "verification finds fault with it");
    say.put(kept.size());
    say.put(refused);
    return 0;
}

} // namespace

TEST_CASE("P12: on a real file system that fills up again and again, one writer keeps its word") {
    const scratch_dir scratch;
    child_process child{
        [&](const numbers_out& say) { return fill_and_empty(scratch.string(), say); }};
    const auto kept = child.get();
    const auto refused = child.get();
    const auto answer = child.wait();
    if (answer == cannot_mount) {
        MESSAGE("skipped: this process may not mount a file system");
        return;
    }
    CHECK(answer == 0);
    CHECK(refused.value_or(0) >= 3 * cycles);
    std::printf(
        "P12: %d times a full disk, %llu appends kept, %llu refused, none lost\n",
        cycles,
        static_cast<unsigned long long>(kept.value_or(0)),
        static_cast<unsigned long long>(refused.value_or(0))
    );
}
