// SPDX-License-Identifier: MIT
#pragma once
// A directory that is kept twice: whatever is changed in one is changed in the other.

#include <everfold/io/file_system.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::io {

/// The files of another file system. What is changed below `directory` is changed there first, and
/// then in the same way below `mirror`; a sync returns once both are synced. So the mirror is given
/// nothing that the directory was not given before. What is read is read in `directory`. Locks are
/// taken there alone (see both()).
///
/// The two begin with the same files. What the mirror has beyond them is in nobody's way: a new
/// file replaces it, and a file that it lacks can be removed.
///
/// Threads: any.
/// Failure: that of either side, with its path. After one the two may differ.
class mirrored_files final : public file_system {
public:
    mirrored_files(std::shared_ptr<file_system> to, std::string directory, std::string mirror);
    ~mirrored_files() override;

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
    /// The same path in the mirror; empty where it does not lie in the directory.
    [[nodiscard]] std::string twin_of(const std::string& path) const;

    std::shared_ptr<file_system> to_;
    std::string directory_;
    std::string mirror_;
};

/// Two locks as one, which is held while both are.
[[nodiscard]] std::unique_ptr<file_lock>
both(std::unique_ptr<file_lock> one, std::unique_ptr<file_lock> other);

} // namespace everfold::io
