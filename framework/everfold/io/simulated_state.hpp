// SPDX-License-Identifier: MIT
#pragma once
// The inside of a simulated disk: its tree, its operation counter and what is to befall it.

#include <everfold/io/simulated.hpp>
#include <everfold/io/simulated_nodes.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace everfold::io {

/// Shared by the disk and all that was opened on it. One mutex guards everything.
struct simulated_disk::state {
    using observer_type = std::function<void(std::uint64_t, operation, const std::string&)>;

    struct fault {
        std::uint64_t at{};
        int error_number{};
        bool is_sticky{};
    };

    /// A place in the tree, whether or not something is there. The root has neither parent nor
    /// name.
    struct place {
        simulated::directory_ptr parent{};
        std::string name{};
        std::optional<simulated::entry> there{};

        [[nodiscard]] bool is_directory() const noexcept {
            return there && std::holds_alternative<simulated::directory_ptr>(*there);
        }
    };

    /// What is to become of one operation. Holds the lock for the rest of it.
    struct verdict {
        std::unique_lock<std::mutex> lock{};
        int error_number{};
        bool is_torn{};
        bool is_lie{}; // of a sync
    };

    mutable std::mutex mutex{};
    bool keeps_unsynced = true;
    simulated::directory_ptr root = std::make_shared<simulated::directory_node>();
    std::uint64_t count{};
    std::map<std::string, std::uint64_t> bytes_read{}; // by path
    std::vector<fault> faults{};
    failed_sync how_syncs_fail = failed_sync::forget;
    std::optional<std::uint64_t> lies_from{};
    bool is_shut_down = false;
    std::optional<std::uint64_t> off_at{};
    bool is_off = false;
    std::shared_ptr<const observer_type> observer{};

    /// Counts the operation and tells the observer. Throws powered_off, except that a write which
    /// is the first to meet it is told to be torn.
    [[nodiscard]] verdict begin(operation op, const std::string& path);

    /// As begin(), for operations that do nothing at all where they fail.
    [[nodiscard]] std::unique_lock<std::mutex>
    begin_whole(operation op, const char* verb, const std::string& path);

    /// For calls that are no operations.
    [[nodiscard]] std::unique_lock<std::mutex> look() const;

    /// Walks to `path`; fails, with errno as the kernel has it, where the way there does not exist.
    [[nodiscard]] place find(const char* verb, const std::string& path) const;
    [[nodiscard]] simulated::directory_ptr
    find_directory(const char* verb, const std::string& path) const;
    [[nodiscard]] simulated::file_ptr find_file(const char* verb, const std::string& path) const;

    [[nodiscard]] bool is_at(const std::string& path, const simulated::file_ptr& node) const;
    [[nodiscard]] simulated::file_ptr create_file(const place& at) const;
};

} // namespace everfold::io
