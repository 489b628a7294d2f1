// SPDX-License-Identifier: MIT
#pragma once
// The index of a sealed segment as a file beside it, mapped into memory.
// docs/log_format.md, "Index".

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/segment_index.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace everfold::log {

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

    friend bool operator==(const index_identity&, const index_identity&) = default;
};

/// The file's bytes.
[[nodiscard]] byte_buffer encode(const segment_index& index, const index_identity& of);

/// Maps and checks the file at `path`. Null where it is no whole index of that segment, and why.
/// Failure: io_error.
[[nodiscard]] std::shared_ptr<const segment_index> open_stored_index(
    io::file_system& files, const std::string& path, const index_identity& of, std::string& why
);

} // namespace everfold::log
