// SPDX-License-Identifier: MIT
#pragma once
// Snapshots as files in a log's directory. docs/log_format.md, "Snapshot".

#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/store/snapshot.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace everfold {

/// Keeps the last two snapshots of each (stream, fold).
///
/// Threads:    any for loading; one at a time for saving.
/// Durability: save() is atomic and durable.
class snapshot_files {
public:
    snapshot_files(io::machine machine, std::string directory, uuid log_id);

    /// `chain` is the log's at the snapshot's position: what proves later that it is of this past.
    void save(const snapshot& s, std::uint64_t chain);

    struct found {
        snapshot content{};
        std::uint64_t chain{};
    };

    /// Names of the files for this fold at or before `up_to`, newest first.
    [[nodiscard]] std::vector<std::string>
    names(std::string_view stream, std::string_view fold, revision up_to) const;

    /// The content of one; nothing, with a sentence in `why`, where it is not whole or not of this
    /// log, stream and fold.
    [[nodiscard]] std::optional<found> load(
        const std::string& name, std::string_view stream, std::string_view fold, std::string& why
    ) const;

    /// Names of all files of snapshots.
    [[nodiscard]] std::vector<std::string> all_names() const;

    /// The content of one, whatever it is a snapshot of.
    [[nodiscard]] std::optional<found> load(const std::string& name, std::string& why) const;

    [[nodiscard]] std::uint64_t count() const;

    /// How many are of streams for which `is_meant` holds.
    [[nodiscard]] std::uint64_t
    count_if(const std::function<bool(std::string_view stream)>& is_meant) const;

    /// Deletes them; how many there were.
    std::uint64_t remove_if(const std::function<bool(std::string_view stream)>& is_meant);

private:
    [[nodiscard]] std::vector<std::string>
    paths_if(const std::function<bool(std::string_view stream)>& is_meant) const;

    io::machine machine_;
    std::string directory_;
    uuid log_id_;
};

} // namespace everfold
