// SPDX-License-Identifier: MIT
#pragma once
// The index of a segment as a file beside it, mapped into memory.
// docs/log_format.md, "Index".

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/segment_index.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace everfold::log {

/// How far an active segment had come when its index was stored: what else walking its frames
/// tells.
struct segment_growth {
    std::uint64_t frame_count{}; ///< marks too
    byte_offset last_frame{};
    std::uint32_t epoch{};
    std::int64_t recorded_ns{};
    byte_offset watermark{};
    index_summary summary{};

    friend bool operator==(const segment_growth&, const segment_growth&) = default;
};

/// Which segment an index belongs to, and in which state.
struct index_identity {
    uuid log_id{};
    std::uint64_t segment_id{};
    position first{};
    position end{};
    byte_offset end_offset{};
    std::uint64_t chain_end{};
    std::uint64_t event_count{};
    bool is_rewritten{};
    /// Nothing where the segment was sealed.
    std::optional<segment_growth> growth{};

    friend bool operator==(const index_identity&, const index_identity&) = default;
};

/// The file's bytes.
[[nodiscard]] byte_buffer encode(const segment_index& index, const index_identity& of);

struct read_index {
    index_identity of{};
    std::shared_ptr<const segment_index> content{};
};

/// Maps and checks the file at `path`, whatever segment it is of. Without content where it is no
/// whole index, and why.
/// Failure: io_error.
[[nodiscard]] read_index
read_stored_index(io::file_system& files, const std::string& path, std::string& why);

/// The same; null, too, where it is not the index of that segment in that state.
[[nodiscard]] std::shared_ptr<const segment_index> open_stored_index(
    io::file_system& files, const std::string& path, const index_identity& of, std::string& why
);

} // namespace everfold::log
