// SPDX-License-Identifier: MIT
#pragma once
// What is there of a log that need not open: its segments, found without manifest or head mark.

#include <everfold/base/error.hpp>
#include <everfold/base/findings.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/salvage.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace everfold::log {

struct found_segment {
    /// As the manifest lists it, or as far as its own header and its name tell.
    segment_entry entry{};
    /// By the manifest: ends and chains are known.
    bool is_listed{};
    bool is_chain_start_known{};
    /// False: nothing of it can be read.
    bool is_there{};
};

struct found_log {
    uuid log_id{};
    size_limits limits{};
    std::int64_t created_ns{};
    /// False where the manifest is lost, and the list was made from the files.
    bool has_manifest{};
    std::optional<head_mark_read> head{};
    /// In the order of their positions.
    std::vector<found_segment> segments{};
    /// Of the manifest, the head mark and the headers of segments.
    std::vector<damaged_place> damage{};
    std::vector<std::string> notes{};
};

/// Looks for everything that belongs to the log in `directory`, and changes nothing.
/// Failure: not_a_log; unsupported where a newer version wrote it; corruption where not even the
///          identity of the log is left.
[[nodiscard]] found_log discover(const io::machine& machine, const std::string& directory);

/// A segment that is there, for reading whatever can be read.
[[nodiscard]] std::shared_ptr<forgiving_source>
open_found(const io::machine& machine, const std::string& directory, const segment_entry& entry);

[[nodiscard]] damaged_place place_of(const corruption& damage);

} // namespace everfold::log
