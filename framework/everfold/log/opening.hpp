// SPDX-License-Identifier: MIT
#pragma once
// From a directory, after anything has happened to it, to an index of what is safe.
// docs/log_format.md, "Opening".

#include <everfold/base/ids.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/frame_walk.hpp>
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

/// A head mark that was read: its file, and the word in it that changes with the next one.
struct seen_head {
    std::shared_ptr<head_file> file{}; // null: there is none
    std::uint32_t word{};

    [[nodiscard]] bool is_newest() const { return file != nullptr && file->is_still(word); }
};

/// A loaded log: its index, and where the active segment stands. Sealed segments were not read.
struct loaded_log {
    manifest content{};
    head_mark_read head{};
    /// Of the head mark that was looked at last, whether or not all of it was taken in.
    std::optional<std::uint32_t> head_word{};
    /// All that it says was taken in. Only of a reader.
    seen_head taken_in{};
    std::unique_ptr<log_index> index{};
    std::shared_ptr<io::file> active_file{};
    /// How far the active segment was walked.
    walk_state active{};
    /// A batch was added to its index by halves, since memory ran out. Only of a reader.
    bool is_half_added{};
    /// Before this, its stored index has said what it holds.
    byte_offset indexed_to{};
    open_notes notes{};
};

/// Loads for a writer, which holds the lock: syncs first, and repairs what a crash has left.
[[nodiscard]] loaded_log load_for_writing(const io::machine& machine, const std::string& directory);

/// Notes, as far as that is still possible, that an opening for writing failed in an input or
/// output operation: the next one on the same boot believes only what was durable before.
void distrust_cache(const io::machine& machine, const std::string& directory) noexcept;

/// Loads for a reader: changes nothing.
[[nodiscard]] loaded_log load_for_reading(const io::machine& machine, const std::string& directory);

/// Takes in what a living writer has made durable since.
void follow(const io::machine& machine, const std::string& directory, loaded_log& log);

} // namespace everfold::log
