// SPDX-License-Identifier: MIT
#pragma once
// What a repository may be told, and what it tells.

#include <everfold/aggregate/fold.hpp>
#include <everfold/base/ids.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace everfold {

/// When a repository saves snapshots by itself: after an append, never on reading. Of two bounds
/// the one that is reached first counts; without any it never does.
struct snapshot_policy {
    /// So many events of the stream lie after its newest usable snapshot.
    std::optional<std::uint64_t> every_events{};
    /// Replaying them takes so long: as it did, or as the repository's longest replay lets expect.
    /// Where it has replayed nothing yet, it does not know, and waits.
    std::optional<std::chrono::nanoseconds> replay_time{};

    [[nodiscard]] static snapshot_policy never() noexcept { return {}; }

    /// `n` is at least 1.
    [[nodiscard]] static snapshot_policy every(std::uint64_t n);

    /// `t` is more than 0.
    [[nodiscard]] static snapshot_policy when_replay_takes(std::chrono::milliseconds t);
};

/// Both bounds: `every(1000) | when_replay_takes(50ms)`. Of two of a kind the lower one.
[[nodiscard]] snapshot_policy
operator|(const snapshot_policy& a, const snapshot_policy& b) noexcept;

/// What a repository makes of a stream of which events are out of reach or were removed.
enum class missing_events : std::uint8_t {
    fold_rest, ///< the state is folded from those that are left
    refuse,    ///< throws missing_history, which names the first that are not there
};

struct repository_options {
    unknown_events unknown{unknown_events::refuse};
    /// Of a state as it is now. One as it was, of which events are missing that somebody could
    /// have seen then, is refused whatever this says.
    missing_events missing{missing_events::fold_rest};
    /// How often update() decides again after it has lost a race.
    unsigned retries_max{16};
    snapshot_policy snapshots{};
    /// How many aggregates are kept in memory; the ones not used for longest are forgotten.
    std::size_t kept_max{1024};
    /// Each update() waits for its turn; see update_options.
    bool exclusive{};
};

struct update_options {
    /// First waits for the thread's turn at the stream (store::turn), and decides in it. Threads of
    /// this process that all do so lose no races to each other, and get on in the order in which
    /// they came; streams do not wait for one another. Others may append meanwhile, and win.
    bool exclusive{};
};

/// What a repository did since it was made.
struct repository_stats {
    /// Events given to the fold, skipped ones included.
    std::uint64_t events_replayed{};
    /// Those of them that the state does not name.
    std::uint64_t events_skipped{};
    std::uint64_t snapshots_used{};
    /// Snapshots passed over because the state's layout or its fold_version has changed.
    std::uint64_t snapshots_mismatched{};
    /// Snapshots passed over because they did not decode.
    std::uint64_t snapshots_undecodable{};
    std::uint64_t snapshots_saved{};
    /// Snapshots that the policy asked for and that could not be saved. The append that came before
    /// is not affected: a snapshot is a cache.
    std::uint64_t snapshots_failed{};
    /// Appends that lost a race.
    std::uint64_t conflicts{};
    /// Decisions taken again because of it.
    std::uint64_t retries{};

    friend bool operator==(const repository_stats&, const repository_stats&) = default;
};

/// What compacting a stream did. Its history is kept.
struct compact_report {
    /// Of the whole store.
    std::uint64_t bytes_before{};
    std::uint64_t bytes_after{};
    /// Events of the stream that the snapshot covers.
    std::uint64_t events_covered{};
    /// Segments that were compressed, and the events of any stream in them.
    std::uint64_t segments{};
    std::uint64_t events_archived{};
    std::uint64_t snapshot_bytes{};
    /// The last revision that the snapshot covers.
    revision at{};

    /// One sentence for people.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const compact_report&, const compact_report&) = default;
};

} // namespace everfold
