// SPDX-License-Identifier: MIT
#pragma once
// A sealed segment written anew, without some of its events. docs/rewriting/scavenge.md.

#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/remains.hpp>
#include <everfold/log/segment_index.hpp>
#include <everfold/log/source.hpp>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace everfold::log {

/// What is to go from one segment. The log's last event of a stream stays, unless all that the
/// segment holds of the stream go.
struct removal {
    /// Of the events, ascending.
    ordinal_list events{};
    /// Streams, by the index's number, of which not even the last revision is needed any more.
    std::vector<std::uint32_t> forgotten{};
};

/// A sealed segment as it is to be written anew.
struct rewriting {
    std::shared_ptr<segment_source> source{};
    std::shared_ptr<const segment_index> index{};
    segment_entry before{};
    const removal* removed{};
    provenance why{};
    uuid log_id{};
    size_limits limits{};
};

/// Writes the segment anew at `path`, synced, as `after` says: its id, which is new, is given, its
/// content is filled in. Reads it again and compares it with its source, event by event. False
/// where it was told to stop. Failure: io_error; corruption where the source does not check, or the
/// copy is not what it should be.
[[nodiscard]] bool write_rewritten(
    const io::machine& machine,
    const std::string& path,
    const rewriting& what,
    segment_entry& after,
    const std::stop_token& stop
);

/// What the provenance frames of a rewritten segment say, the latest first.
[[nodiscard]] std::vector<provenance> provenance_of(
    const std::shared_ptr<segment_source>& source,
    const segment_entry& entry,
    const uuid& log_id,
    std::uint32_t batch_bytes_max
);

} // namespace everfold::log
