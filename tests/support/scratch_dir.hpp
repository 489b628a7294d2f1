// SPDX-License-Identifier: MIT
#pragma once
// A directory of one's own for the life of a test.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace everfold::testing {

/// Makes a unique, empty directory below the system's temporary one (TMPDIR) and removes it with
/// all that is in it.
///
/// Threads: any number of them, and of processes, may make their own at the same time.
class scratch_dir {
public:
    scratch_dir() {
        static std::atomic<std::uint64_t> count{0};
        const auto below = std::filesystem::temp_directory_path();
        std::random_device random;
        do {
            path_ = below / ("everfold-test-" + std::to_string(random()) + '-' +
                             std::to_string(count.fetch_add(1)));
        } while (!std::filesystem::create_directory(path_));
    }

    scratch_dir(scratch_dir&& other) noexcept
        : path_{std::exchange(other.path_, {})} {}
    scratch_dir& operator=(scratch_dir&& other) noexcept {
        std::swap(path_, other.path_);
        return *this;
    }
    scratch_dir(const scratch_dir&) = delete;
    scratch_dir& operator=(const scratch_dir&) = delete;

    ~scratch_dir() {
        std::error_code ignored;
        if (!path_.empty())
            std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    [[nodiscard]] std::string string() const { return path_.string(); }

    /// The path of something in it.
    [[nodiscard]] std::string operator/(std::string_view name) const {
        return (path_ / name).string();
    }

private:
    std::filesystem::path path_{};
};

} // namespace everfold::testing
