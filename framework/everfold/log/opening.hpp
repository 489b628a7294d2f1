// SPDX-License-Identifier: MIT
#pragma once
// From a directory, after anything has happened to it, to an index of what is safe.
// docs/log_format.md, "Opening".

#include <everfold/base/ids.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/manifest.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace everfold::log {

/// What opening found and did. Nothing is dropped without a line here.
struct open_notes {
    std::uint64_t torn_bytes{};
    std::string quarantine_file{};
    std::vector<std::string> notes{};
};

/// How far a walk over frames has come.
struct walk_state {
    byte_offset at{};
    position next{};
    std::uint64_t chain{};
    std::uint32_t epoch{};
    std::int64_t recorded_ns{};
    byte_offset watermark{}; ///< of the last good frame
    std::uint64_t frame_count{};
    bool is_sealed{};
    /// Why it stopped.
    std::string_view why{};
};

/// Walks the frames from `state.at` up to `end` into the last segment of `index`, as far as
/// everything checks. Records that no writer writes are corruption.
void walk_frames(frame_reader& reader, byte_offset end, walk_state& state, log_index& index);

/// A loaded log: its index, and where the active segment stands.
struct loaded_log {
    manifest content{};
    head_mark_read head{};
    std::unique_ptr<log_index> index{};
    std::shared_ptr<io::file> active_file{};
    /// The number of the segment that `active` is in; it is the last of the index.
    std::optional<std::uint64_t> current{};
    walk_state active{};
    open_notes notes{};
};

/// Loads for a writer, which holds the lock: syncs first, and repairs what a crash has left.
[[nodiscard]] loaded_log load_for_writing(const io::machine& machine, const std::string& directory);

/// Notes, as far as that is still possible, that an opening for writing failed in an input or
/// output operation: the next one on the same boot believes only what was durable before.
void distrust_cache(const io::machine& machine, const std::string& directory) noexcept;

/// Loads for a reader: changes nothing.
[[nodiscard]] loaded_log load_for_reading(const io::machine& machine, const std::string& directory);

/// Takes in what a living writer has made durable since. Segments that were archived meanwhile are
/// read from where they were.
void follow(const io::machine& machine, const std::string& directory, loaded_log& log);

} // namespace everfold::log
