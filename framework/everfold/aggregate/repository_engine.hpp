// SPDX-License-Identifier: MIT
#pragma once
// What a repository does that does not depend on the type of the state: cursor loops, snapshots,
// conflicts, reports. Compiled once.

#include <everfold/aggregate/aggregate_access.hpp>
#include <everfold/aggregate/as_of.hpp>
#include <everfold/aggregate/fold.hpp>
#include <everfold/aggregate/repository_options.hpp>
#include <everfold/aggregate/state_check.hpp>
#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/store.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace everfold::detail {

/// A State to code that does not know it.
struct state_functions {
    std::string_view fold_name;
    std::uint32_t fold_version;
    std::uint64_t layout;
    void (*encode)(const void* state, byte_buffer& out);
    /// Replaces the whole state, or throws and leaves it as it is.
    void (*decode)(bytes_view from, void* state);
};

/// The layout to stamp snapshots with. A fold that skips what it does not know gives another state
/// once it knows more, so its snapshots depend on the list of events too.
[[nodiscard]] std::uint64_t
snapshot_layout(std::uint64_t layout_of_state, const fold_table& table) noexcept;

/// An aggregate to code that does not know it.
struct any_aggregate {
    aggregate_base& base;
    void* state;
};

/// The tools of one repository's fold.
struct any_fold {
    fold_table& table;
    void* slots;
};

class repository_engine {
public:
    repository_engine(store s, const repository_options& options, const state_functions& functions);

    /// The store's.
    [[nodiscard]] std::shared_ptr<io::clock> clock() const { return store_.engine().clock(); }

    /// The last revision that `when` includes, or nothing where the stream had not begun.
    [[nodiscard]] std::optional<revision> revision_at(std::string_view stream, const as_of& when);

    /// Puts the newest usable snapshot at or before `up_to` into an empty aggregate, if there is
    /// one.
    void start_from_snapshot(any_aggregate into, revision up_to);

    /// Folds what comes after the aggregate's last revision, up to and including `up_to`.
    void read_tail(any_aggregate into, any_fold fold, revision up_to);

    /// The thread's turn at a stream.
    [[nodiscard]] stream_turns::turn turn(std::string_view stream) { return store_.turn(stream); }

    /// The same, for a state as it was: throws missing_history where events at or before `up_to`
    /// are missing, and others follow that may say what those said. A beginning that rules put out
    /// of reach is no part of the stream's states any more.
    void read_past(any_aggregate into, any_fold fold, revision up_to);

    /// Brings an aggregate to the stream's end: from a snapshot if it is empty, then the tail.
    void catch_up(any_aggregate into, any_fold fold);

    /// Appends what is uncommitted, where the stream still ends at the aggregate's last revision.
    /// On success the aggregate has no uncommitted events; on conflict it is as it was.
    append_result append(any_aggregate from);

    /// Saves a snapshot of an aggregate without uncommitted events; whether it did. Of a stream
    /// whose beginning is out of reach there are none.
    bool save_snapshot(any_aggregate of);

    /// `folded` was folded from events alone; `spare` is an aggregate of the same type.
    compact_report compact(any_aggregate folded, any_aggregate spare);

    /// Folds the stream into `folded`, which is empty, and compares with it the stored snapshots
    /// and, where there is one, what is kept in memory.
    [[nodiscard]] state_check
    verify(any_aggregate folded, any_fold fold, const any_aggregate* kept);

    [[noreturn]] static void fail_with(const append_conflict& lost);

    /// Throws errc::invalid for a stream without a name.
    static void check_name(std::string_view stream);

    [[nodiscard]] const repository_stats& stats() const noexcept { return stats_; }

    /// Counts a retry, and waits until what was lost against can be read.
    void prepare_retry(const append_conflict& lost);

    [[nodiscard]] const repository_options& options() const noexcept { return options_; }

private:
    /// Events from `first` on are missing before `found`, if there is one. Throws missing_history
    /// unless the state can do without.
    void require_whole(
        std::string_view stream, revision first, revision last, bool is_past, bool is_found
    );
    /// The last revision that can be read at or before the position.
    [[nodiscard]] std::optional<revision> revision_before(std::string_view stream, position until);
    void fold_events(any_aggregate into, any_fold fold, revision up_to, bool is_past);
    /// Whether the stream's first event can be reached.
    [[nodiscard]] bool is_whole(std::string_view stream);
    /// Throws stream_ended where the stream was tombstoned.
    void require_no_end(std::string_view stream);
    [[nodiscard]] snapshot snapshot_of(any_aggregate of) const;
    [[nodiscard]] bool has_our_stamps(const snapshot& found) const noexcept;
    [[nodiscard]] bool is_usable(const snapshot& found, any_aggregate into);
    void report_mismatch(const snapshot& found);
    void took(aggregate_base& base, std::uint64_t events, std::chrono::nanoseconds time);
    [[nodiscard]] bool is_snapshot_due(aggregate_base& base) const;
    void save_snapshot_if_due(any_aggregate of) noexcept;

    store store_;
    repository_options options_;
    state_functions functions_;
    repository_stats stats_{};
    // Of the longest replay so far; only where the policy asks.
    std::uint64_t longest_replay_{};
    std::chrono::nanoseconds longest_replay_took_{};
    // Stamps of snapshots that were passed over and reported.
    std::set<std::pair<std::uint64_t, std::uint32_t>> reported_{};
};

} // namespace everfold::detail
