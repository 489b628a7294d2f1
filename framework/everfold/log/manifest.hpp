// SPDX-License-Identifier: MIT
#pragma once
// What is live: the manifest, and the head mark that says how far it is durable.
// docs/log_format.md, "Two-slot files".

#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/slots.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace everfold::log {

inline constexpr const char* manifest_name = "LOG";
inline constexpr const char* lock_name = "LOCK";
inline constexpr const char* head_name = "head";
inline constexpr const char* quarantine_name = "quarantine";

inline constexpr std::size_t head_slot_size = 4096;
inline constexpr std::size_t manifest_slot_unit = 4096;

enum class segment_kind : std::uint32_t { active = 0, sealed = 1, archived = 2 };

/// A live segment, as the manifest lists it. What follows from its content is zero while it is
/// active.
struct segment_entry {
    std::uint64_t number{};
    std::uint64_t id{};
    position first{};
    position end{};
    byte_offset end_offset{};
    std::uint64_t chain_start{};
    std::uint64_t chain_end{};
    std::int64_t recorded_last_ns{};
    /// Of occurred_at, the nearest that 64 bits can hold; crossed where there is no event.
    std::int64_t occurred_min_ns{};
    std::int64_t occurred_max_ns{};
    std::uint32_t epoch_end{};
    std::uint64_t event_count{}; ///< that are left
    bool is_rewritten{};
    bool has_own_streams{};
    segment_kind kind{segment_kind::active};
    std::string file{};

    friend bool operator==(const segment_entry&, const segment_entry&) = default;
};

struct manifest {
    uuid log_id{};
    std::uint64_t generation{};
    size_limits limits{};
    std::int64_t created_ns{};
    /// In order; the last one is active.
    std::vector<segment_entry> segments{};
    /// Files out of use.
    std::vector<std::string> dead{};
};

struct manifest_read {
    manifest content{};
    /// False where one of the two copies is damaged or half written.
    bool are_both_whole{};
    /// One of the two does not say what holds: it was not written any more.
    bool is_incomplete{};
};

/// Whether a directory without a manifest holds more than a crash while creating a log can leave.
[[nodiscard]] bool
has_events_without_manifest(io::file_system& files, const std::string& directory);

/// Throws not_a_log where there is none in `directory`, corruption or unsupported.
[[nodiscard]] manifest_read read_manifest(io::file_system& files, const std::string& directory);

/// Writes the whole file anew; durable on return. The commit point of creating a log.
void replace_manifest(io::file_system& files, const std::string& directory, const manifest& m);

/// How many of the two copies of the manifest say what holds.
enum class copies : std::uint8_t { one, both };

/// Replaces the manifest; durable on return. The commit point of rotating and archiving.
/// Raises `m.generation`. Where one copy holds, complete_manifest() must come before the next call.
[[nodiscard]] copies
commit_manifest(io::file_system& files, const std::string& directory, manifest& m);

/// Writes the other copy, durably.
void complete_manifest(io::file_system& files, const std::string& directory, manifest& m);

enum class head_state : std::uint32_t { open = 0, closed = 1, failed = 2 };

struct head_mark {
    std::uint64_t segment_number{};
    std::uint64_t segment_id{};
    byte_offset durable{};
    position end{};
    std::uint32_t epoch{};
    head_state state{head_state::open};
    uuid boot_id{};
    /// What its writer may have written and not synced, at most.
    std::uint64_t in_flight_max{};
    /// Of the last writer that wrote to two directories: a number that both have. Zero: none did.
    std::uint64_t pair{};
    /// Whether that is this one, so that it acknowledges nothing which only one directory holds.
    bool is_paired{};

    friend bool operator==(const head_mark&, const head_mark&) = default;
};

[[nodiscard]] byte_buffer encode(const head_mark& mark);

/// Of a writer that acknowledges what is durable: one group that is being written, and one that
/// gathers.
[[nodiscard]] std::uint64_t in_flight_max_at_commit(const size_limits& limits) noexcept;

struct head_mark_read {
    head_mark mark{};
    std::uint64_t generation{};
    bool are_both_whole{};
    bool is_second_newer{};
    /// What a reader of this mark sleeps on, until there is a newer one (head_watch); nothing where
    /// the second slot is just being written, or damaged.
    std::optional<std::uint32_t> word{};
};

/// The open file of the head mark, for who reads it again and again.
class head_file {
public:
    /// Throws corruption where it is missing.
    head_file(io::file_system& files, const std::string& directory);

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::size_t read(std::span<std::byte> into);

    /// Whether it is still the log's head mark, and the one that was read with `word`.
    [[nodiscard]] bool is_still(std::uint32_t word);

private:
    std::string path_;
    std::unique_ptr<io::file> file_;
};

/// Throws corruption where no slot is whole.
[[nodiscard]] head_mark_read
read_head_mark(io::file_system& files, const std::string& directory, const uuid& log_id);
[[nodiscard]] head_mark_read read_head_mark(head_file& in, const uuid& log_id);

/// Writes the whole file anew; durable on return.
void replace_head_mark(
    io::file_system& files,
    const std::string& directory,
    const uuid& log_id,
    const head_mark& mark,
    std::uint64_t generation
);

} // namespace everfold::log
