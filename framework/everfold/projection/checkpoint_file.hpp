// SPDX-License-Identifier: MIT
#pragma once
// Where a subscription keeps its checkpoint between runs.

#include <everfold/io/file_system.hpp>
#include <everfold/store/checkpoint.hpp>

#include <optional>
#include <string>

namespace everfold {

/// A file of one line. It belongs to one subscription that runs once at a time, and its directory
/// must be there.
///
/// Threads:    one at a time.
/// Durability: after a power cut it holds what was saved last or, within save(), before that.
/// Failure:    io_error; corruption where the file holds anything but a checkpoint: it is never
///             taken for none.
class checkpoint_file {
public:
    explicit checkpoint_file(std::string path);
    /// On a given machine: tests pass a simulated one.
    checkpoint_file(std::string path, io::machine machine);

    /// What was saved last; nothing where there is no file.
    [[nodiscard]] std::optional<checkpoint> load() const;

    void save(const checkpoint& c);

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
    io::machine machine_;
};

} // namespace everfold
