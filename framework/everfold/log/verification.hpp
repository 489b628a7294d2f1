// SPDX-License-Identifier: MIT
#pragma once
// Everything that opening leaves unread, read: every frame of every segment, link by link.

#include <everfold/log/log_index.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace everfold::log {

struct verification {
    std::uint64_t segments{};
    std::uint64_t archived_segments{};
    std::uint64_t written_bytes{}; ///< of the segments as they were written
    std::uint64_t stored_bytes{};  ///< of the files that hold them
    /// What is wrong with derived files: nothing but time is lost by it.
    std::vector<std::string> notes{};
};

/// Checks each sealed segment against its manifest entry, each index against its segment, and that
/// every stream goes on where it ended in an earlier segment. The active segment was walked when
/// the log was opened. `on_progress` gets the count of events that are done.
/// Throws corruption for the first thing that is not as it was written.
[[nodiscard]] verification
verify_segments(const log_index& index, const std::function<void(std::uint64_t)>& on_progress);

} // namespace everfold::log
