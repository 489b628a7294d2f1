// SPDX-License-Identifier: MIT
#pragma once
// The index of the active segment, which whoever closes a log leaves for whoever opens it.
// docs/log_format.md, "Opening", 4.

#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/growing_index.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_files.hpp>
#include <everfold/log/stored_index.hpp>

#include <memory>
#include <optional>

namespace everfold::log {

/// Where so much, or an eighth of a segment, was written since the index was stored, closing stores
/// it again. What is less is walked in no time, and need not be synced once more.
[[nodiscard]] std::uint64_t unindexed_bytes_max(const size_limits& limits) noexcept;

/// Which frames an index of the active segment is of that was walked, or written, up to `at`.
[[nodiscard]] index_identity identity_of_active(
    const uuid& log_id, const segment_entry& entry, const growing_index& index, const walk_state& at
);

/// What is known of the first frames of the active segment without reading them.
struct index_taken_up {
    std::shared_ptr<growing_index> index{};
    walk_state at{};
};

/// Nothing where the log was not closed, or no index was left that the segment confirms; `files` is
/// told where one is damaged.
[[nodiscard]] std::optional<index_taken_up> take_up_index(
    const io::machine& machine,
    const std::string& directory,
    const manifest& content,
    const head_mark_read& head,
    const std::shared_ptr<segment_source>& active,
    segment_files& files
);

} // namespace everfold::log
