// SPDX-License-Identifier: MIT
#pragma once
// From a path to a store.

#include <everfold/base/durability.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/event/program_schema.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/store/capabilities.hpp>
#include <everfold/store/store.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace everfold {

enum class open_mode : std::uint8_t {
    create,    ///< for writing; a missing log is created
    existing,  ///< for writing; a missing log is errc::not_a_log
    read_only, ///< never creates, never locks, never repairs; follows another process's writer
};

struct store_options {
    open_mode mode{open_mode::create};
    /// A segment that reaches this size is followed by a new one; at most 16 GiB.
    std::uint64_t segment_bytes_max{std::uint64_t{64} << 20U};
    /// A segment whose first event was appended so long ago is followed by a new one, full or not,
    /// so that what is old is archived; zero: none is. By the wall clock, which may jump: the age
    /// is about right.
    std::chrono::milliseconds segment_age_max{};
    /// Of one encoded event with its envelope. Larger ones are refused.
    std::uint32_t event_bytes_max{std::uint32_t{1} << 20U};
    /// Of one atomic append; at most 1 GiB.
    std::uint32_t batch_bytes_max{std::uint32_t{16} << 20U};
    /// Compresses each segment once it is full, beside the appends (docs/log_format.md, "Upkeep").
    bool compress_sealed{true};
    /// What an append survives once it has returned; the default loses nothing. At another level,
    /// this process reads what it has appended, other processes what is durable.
    durability level{durability::commit()};
    /// A second directory that holds the same log, best on another disk: each append is as durable
    /// there as in the first before it returns. A new or empty directory, or the mirror of last
    /// time, which is brought up to date first. To take over, open it as the log. Not for reading.
    std::string mirror{};
    /// The events that the program knows: `.schema = everfold::events<opened, closed>{}`. A store
    /// with events of other types or versions is not opened: a schema_error names them. Costs a
    /// look at the index of each segment. Without, who reads such an event is told.
    program_schema schema{};
    /// What the program can't do without. A store that lacks any of it is not opened:
    /// errc::unsupported says what.
    store_capabilities needs{};
    /// Accepts file systems on which a lock or a sync may be a lie (network, user-space).
    bool allow_unsafe_file_system{};
};

/// Opens the log in the directory `path`, or a store in memory for "memory:" (each call a new one).
///
/// The limits are those of the log once it exists, where they were set when it was created.
/// Failure: errc::not_a_log, in_use (names the owner), damaged, unsupported, io; diverged where the
///          mirror holds events that the log has not.
[[nodiscard]] store open(const std::string& path, const store_options& options = {});

/// The same on a given machine: tests pass a simulated one.
[[nodiscard]] store
open(const std::string& path, const store_options& options, const io::machine& machine);

} // namespace everfold
