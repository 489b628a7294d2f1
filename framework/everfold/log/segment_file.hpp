// SPDX-License-Identifier: MIT
#pragma once
// The files of segments: their names, how one is made, how one is opened.

#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/source.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace everfold::log {

/// Where the first frame of every segment begins.
inline constexpr byte_offset first_frame{segment_header_size};

/// "seg-<first position>-<id>" and the extension.
[[nodiscard]] std::string
segment_file_name(position first, std::uint64_t file_id, std::string_view extension);

/// Of the segment's index, whichever file its events are in.
[[nodiscard]] std::string index_file_name(const segment_entry& entry);

/// A new segment's file, durable with its name, with the header that `entry` describes.
[[nodiscard]] std::shared_ptr<io::file> create_segment(
    const io::machine& machine,
    const std::string& directory,
    const segment_entry& entry,
    const manifest& of
);

/// What a file is called that is made ahead, before anybody knows where its segment begins.
inline constexpr const char* next_segment_name = "seg-next.tmp";

/// A file that can become a segment: of a header's length and durable, so that becoming one changes
/// no more than its bytes and its name.
[[nodiscard]] std::shared_ptr<io::file>
make_next_segment(io::file_system& files, const std::string& directory);

/// Makes `file` the segment that `entry` describes; durable with its name on return. What is
/// returned is opened under that name.
[[nodiscard]] std::shared_ptr<io::file> become_segment(
    const io::machine& machine,
    const std::string& directory,
    io::file& file,
    const segment_entry& entry,
    const manifest& of
);

/// Opens a segment for reading, archived or not, and checks that it is the one that the manifest
/// names. Throws corruption.
[[nodiscard]] std::shared_ptr<segment_source> open_segment(
    const io::machine& machine,
    const std::string& directory,
    const segment_entry& entry,
    const uuid& log_id
);

} // namespace everfold::log
