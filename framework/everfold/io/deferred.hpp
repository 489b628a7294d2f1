// SPDX-License-Identifier: MIT
#pragma once
// Files that are worth nothing before all of them are there: no sync on the way, one at the end.

#include <everfold/io/file_system.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::io {

/// The files of another file system, for who makes a directory of which one file, `last`, says that
/// the directory is whole. Syncs do nothing, and `last` has another name, before finish().
///
/// Threads: any, finish() alone.
class deferred_files final : public file_system {
public:
    deferred_files(std::shared_ptr<file_system> to, std::string directory, std::string_view last);
    ~deferred_files() override;

    /// Syncs every file of the directory, and then gives `last` its name. Durable on return.
    void finish();

    [[nodiscard]] std::unique_ptr<file> open(const std::string& path, open_mode mode) override;
    [[nodiscard]] path_kind kind(const std::string& path, bool follow) override;
    [[nodiscard]] std::vector<std::string> list(const std::string& directory) override;
    void make_directory(const std::string& path) override;
    void rename(const std::string& from, const std::string& to) override;
    void link(const std::string& from, const std::string& to) override;
    void remove(const std::string& path) override;
    void sync_directory(const std::string& path) override;
    [[nodiscard]] std::unique_ptr<file_lock> try_lock(const std::string& path) override;
    [[nodiscard]] std::string lock_owner(const std::string& path) override;
    [[nodiscard]] bool is_open_for_writing(const std::string& path) override;
    [[nodiscard]] std::uint64_t process_id() const noexcept override;
    [[nodiscard]] std::string unsafe_kind(const std::string& directory) override;
    [[nodiscard]] bool is_within(const std::string& inner, const std::string& outer) override;

private:
    [[nodiscard]] std::string place_of(const std::string& path) const;

    std::shared_ptr<file_system> to_;
    std::string directory_;
    std::string last_; // as a path
};

} // namespace everfold::io
