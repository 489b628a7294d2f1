// SPDX-License-Identifier: MIT
#pragma once
// What is said of a log by those who read all of it: values, for programs and for the command.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace everfold {

/// Positions from `first` to the one before `end`.
struct position_range {
    position first{};
    position end{};

    [[nodiscard]] std::uint64_t count() const noexcept { return end - first; }

    friend bool operator==(const position_range&, const position_range&) = default;
};

/// What a backup is made of.
struct backup_report {
    /// One past the last event of the copy.
    position end{};
    std::uint64_t segments{};
    /// Of the segments, those that share their bytes with the log, by hard links.
    std::uint64_t linked{};
    std::uint64_t copied_bytes{};
};

/// How the files of sealed segments, which nobody changes, get into the copy.
enum class sealed_files : std::uint8_t {
    linked, ///< by hard links where the file system can, else copied
    copied, ///< so that damage of one does not reach the other
};

/// A place where a log does not hold what was written.
struct damaged_place {
    /// The path, and the byte in that file.
    std::string file{};
    byte_offset at{};
    std::string what{};
    /// The first position that is lost by it; absent where none is, or where that is not known.
    std::optional<position> first_lost{};
    /// Where the events of the same segment are intact again, and how many are, up to the next
    /// damaged place. Absent: nothing behind it in the segment is known to be intact.
    std::optional<position> next_intact{};
    std::uint64_t intact_behind{};

    friend bool operator==(const damaged_place&, const damaged_place&) = default;
};

/// What a segment from which events were removed on purpose says of it.
struct recorded_removal {
    std::string file{};
    timestamp at{};
    std::uint64_t events{};
    std::string why{};

    friend bool operator==(const recorded_removal&, const recorded_removal&) = default;
};

/// What reading everything again has found.
struct verification {
    /// That are intact.
    std::uint64_t events{};
    std::uint64_t segments{};
    std::uint64_t archived_segments{};
    std::uint64_t written_bytes{}; ///< of the segments as they were written
    std::uint64_t stored_bytes{};  ///< of the files that hold them
    std::uint64_t payload_bytes{};
    /// Of an unfinished last append, which is no damage.
    std::uint64_t torn_bytes{};
    /// Positions whose events were removed on purpose, which is no damage.
    std::uint64_t removed_events{};
    /// Segment by segment, of each the latest first.
    std::vector<recorded_removal> removals{};
    /// Segment by segment.
    std::vector<damaged_place> damage{};
    /// What is wrong with derived files: nothing but time is lost by it.
    std::vector<std::string> notes{};

    [[nodiscard]] bool is_intact() const noexcept { return damage.empty(); }
};

/// Positions that a repair did not find, and why.
struct lost_range {
    position_range positions{};
    std::string why{};

    friend bool operator==(const lost_range&, const lost_range&) = default;
};

/// Positions that it did find, and the first one that they have now. The others follow.
struct kept_range {
    position_range positions{};
    position now{};

    friend bool operator==(const kept_range&, const kept_range&) = default;
};

/// Revisions of a stream that are missing, from `first` to the one before `end`.
struct missing_revisions {
    std::string stream{};
    revision first{};
    revision end{};
    /// Some of them may have been removed on purpose: nothing tells which.
    bool may_be_removed{};

    friend bool operator==(const missing_revisions&, const missing_revisions&) = default;
};

/// What a repair has kept and lost, in order. Lost ranges that touch were lost for several reasons.
struct repair_report {
    /// Of the log that was read, and of the new one: the same where no position has changed.
    uuid from{};
    uuid into{};
    /// In the new log.
    std::uint64_t events{};
    std::uint64_t batches{};
    /// Rules of streams behind them, so that what was out of reach stays there.
    std::uint64_t added{};
    std::vector<kept_range> kept{};
    std::vector<lost_range> lost{};
    /// As far as that can be told: from indexes, and from the revisions that follow.
    std::vector<missing_revisions> streams{};
    /// What had been removed on purpose, and is not lost: positions, revisions, and what the
    /// segments say of it. Neither is in the new log, whose positions and revisions close up.
    std::vector<position_range> removed{};
    std::vector<missing_revisions> removed_of_streams{};
    std::vector<recorded_removal> removals{};
    /// One past the last position that is known to have been written.
    position end{};
    /// False where the head mark was damaged: more may have been written after `end`.
    bool is_end_known{};
    /// Of an unfinished last append, which is not kept and was never acknowledged.
    std::uint64_t torn_bytes{};
    std::vector<damaged_place> damage{};
    std::vector<std::string> notes{};

    [[nodiscard]] std::uint64_t lost_events() const noexcept {
        std::uint64_t n = 0;
        for (const auto& l : lost)
            n += l.positions.count();
        return n;
    }

    [[nodiscard]] std::uint64_t removed_events() const noexcept {
        std::uint64_t n = 0;
        for (const auto& r : removed)
            n += r.count();
        return n;
    }

    /// Whether the new log holds every event that was there. They have their old positions where
    /// nothing was removed on purpose, either.
    [[nodiscard]] bool is_complete() const noexcept { return lost.empty() && is_end_known; }
};

} // namespace everfold
