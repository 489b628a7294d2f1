// SPDX-License-Identifier: MIT
#pragma once
// What recovery takes out of the way is kept in a folder that nobody reads.

#include <everfold/base/ids.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/source.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace everfold::log {

/// Copies `size` bytes of a segment; durable on return. Returns the copy's path.
[[nodiscard]] std::string copy_to_quarantine(
    io::file_system& files,
    const std::string& directory,
    const std::string& file_name,
    segment_source& source,
    byte_offset from,
    std::uint64_t size
);

/// Deletes dead files, and moves files that look like ours and that the manifest does not name to
/// quarantine; adds a sentence to `notes` for each of these.
void put_orphans_aside(
    io::file_system& files,
    const std::string& directory,
    const manifest& content,
    std::vector<std::string>& notes
);

} // namespace everfold::log
