// SPDX-License-Identifier: MIT
#pragma once
// Where a segment's bytes come from: its file, or the compressed blocks of its archive. Offsets are
// those of the segment as it was written, in both cases.

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

namespace everfold::log {

/// Threads: any; each reader brings its own scratch.
class segment_source {
public:
    /// A reader's own memory of what it unpacked last.
    struct scratch {
        std::uint64_t block{~std::uint64_t{0}};
        byte_buffer raw{};
        byte_buffer stored{};
    };

    segment_source() = default;
    segment_source(const segment_source&) = delete;
    segment_source& operator=(const segment_source&) = delete;
    segment_source(segment_source&&) = delete;
    segment_source& operator=(segment_source&&) = delete;
    virtual ~segment_source();

    /// Fills `into` from `at`; returns fewer bytes only where the segment ends.
    /// Failure: io_error; corruption where an archive's block does not check.
    [[nodiscard]] virtual std::size_t
    read_at(byte_offset at, std::span<std::byte> into, scratch& mine) = 0;

    /// Of the segment as written.
    [[nodiscard]] virtual std::uint64_t size() = 0;

    /// Of the file that is there.
    [[nodiscard]] virtual std::uint64_t stored_size() = 0;

    /// The path, for messages.
    [[nodiscard]] virtual const std::string& file_name() const noexcept = 0;
};

[[nodiscard]] std::shared_ptr<segment_source>
open_plain(std::shared_ptr<io::file> file, std::string path);

/// Throws corruption where the archive is not whole or is of another segment.
[[nodiscard]] std::shared_ptr<segment_source> open_archive(
    std::shared_ptr<io::file> file, std::string path, const uuid& log_id, std::uint64_t segment_id
);

/// The same for who saves what can be saved: of an archive whose trailer is damaged, the blocks are
/// found by their headers. `segment_id` where it is known already. Null where it is not the archive
/// of any segment.
[[nodiscard]] std::shared_ptr<segment_source> salvage_archive(
    std::shared_ptr<io::file> file, std::string path, std::optional<std::uint64_t> segment_id
);

/// Writes `from`, compressed, to the new file `path`; syncs it, reads it back and compares it byte
/// by byte with `from`. The directory is not yet synced. Returns it opened; null, with part of it
/// written, where it was told to stop.
[[nodiscard]] std::shared_ptr<segment_source> write_archive(
    io::file_system& files,
    const std::string& path,
    segment_source& from,
    const uuid& log_id,
    std::uint64_t segment_id,
    const std::stop_token& stop
);

} // namespace everfold::log
