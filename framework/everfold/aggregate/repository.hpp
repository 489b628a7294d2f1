// SPDX-License-Identifier: MIT
#pragma once
// Where aggregates are loaded from and saved to.

#include <everfold/aggregate/aggregate.hpp>
#include <everfold/aggregate/as_of.hpp>
#include <everfold/aggregate/fold.hpp>
#include <everfold/aggregate/kept_aggregates.hpp>
#include <everfold/aggregate/missing_history.hpp>
#include <everfold/aggregate/repository_engine.hpp>
#include <everfold/aggregate/repository_options.hpp>
#include <everfold/aggregate/state_check.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/store.hpp>

#include <functional>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace everfold {

namespace detail {

template <class State>
[[nodiscard]] state_functions functions_of() noexcept {
    state_functions out{
        .fold_name = "state",
        .fold_version = 1,
        .layout = layout_fingerprint<State>(),
        .encode = [](const void* state,
                     byte_buffer& to) { everfold::encode(*static_cast<const State*>(state), to); },
        .decode =
            [](bytes_view from, void* state) {
                State fresh{};
                everfold::decode(from, fresh);
                *static_cast<State*>(state) = std::move(fresh);
            }};
    if constexpr (requires { State::fold_name; })
        out.fold_name = State::fold_name;
    if constexpr (requires { State::fold_version; })
        out.fold_version = State::fold_version;
    return out;
}

} // namespace detail

/// Loads, changes and saves the aggregates of one class.
///
/// What it loaded it keeps, and reads only what was appended since. A state may declare
/// `fold_version` (an integer, default 1), to be raised when an apply() changes its meaning, and
/// `fold_name` (text, default "state"), where several states are folded from the same streams:
/// snapshots are kept by them.
///
/// Owns:       the aggregates it keeps; the store is shared.
/// Threads:    one at a time; each thread has a repository of its own, on the same store.
/// Durability: what save() and update() returned from survives a power cut.
/// Failure:    conflict, schema_error, replay_error and what the store throws. What a decision
///             throws passes through, and nothing of that decision was appended.
template <class A>
class repository {
    static_assert(
        aggregate_class<A>,
        "everfold: a repository is for a class that derives publicly from "
        "everfold::aggregate<State>, has a default constructor and can be copied"
    );

public:
    using state_type = typename A::state_type;

    explicit repository(store s, const repository_options& options = {})
        : folder_{options.unknown}
        , engine_{std::move(s), options, stamped_functions(folder_)}
        , kept_{options.kept_max, engine_.clock()} {}

    /// The aggregate as it is now; one without events where the stream has none.
    [[nodiscard]] A load(std::string_view stream) {
        lease leased{kept_, stream};
        return current(leased);
    }

    /// The aggregate as it was. Throws missing_history where that can't be known any more.
    [[nodiscard]] A load(std::string_view stream, as_of when) {
        repository_engine::check_name(stream);
        const auto wanted = engine_.revision_at(stream, when);
        if (!wanted)
            return empty(stream);
        if (const auto* kept = kept_.find(stream);
            kept != nullptr && kept->last_revision() && *kept->last_revision() <= *wanted) {
            A out = *kept;
            engine_.read_past(any(out), fold(), *wanted);
            return out;
        }
        A out = empty(stream);
        engine_.start_from_snapshot(any(out), *wanted);
        engine_.read_past(any(out), fold(), *wanted);
        return out;
    }

    /// The aggregate folded from its events alone: no snapshot, nothing kept.
    [[nodiscard]] A replay(std::string_view stream) {
        repository_engine::check_name(stream);
        A out = empty(stream);
        engine_.read_tail(any(out), fold(), revision{std::numeric_limits<std::uint64_t>::max()});
        return out;
    }

    /// The same as it was.
    [[nodiscard]] A replay(std::string_view stream, as_of when) {
        repository_engine::check_name(stream);
        A out = empty(stream);
        if (const auto wanted = engine_.revision_at(stream, when))
            engine_.read_past(any(out), fold(), *wanted);
        return out;
    }

    /// Calls `look` with the aggregate as it is now, without copying it, and returns what that
    /// returns.
    template <class F>
    decltype(auto) inspect(std::string_view stream, F&& look) {
        lease leased{kept_, stream};
        return std::invoke(std::forward<F>(look), std::as_const(current(leased)));
    }

    /// Appends what `a` has recorded, if its stream has not moved on; nothing where it recorded
    /// nothing. Throws conflict, and then `a` is as it was: load again and decide again, or use
    /// update().
    std::optional<appended> save(A& a) {
        if (a.uncommitted().empty())
            return {};
        const auto result = engine_.append(any(a));
        if (const auto* lost = result.conflict_or_null())
            repository_engine::fail_with(*lost);
        return result.value();
    }

    /// Calls `decide` with the current aggregate, appends what it recorded, and returns what it
    /// returned. Where somebody else appended in between, it decides again on the new state:
    /// `decide` has no effects but what it records. After `retries_max` lost races it throws
    /// conflict.
    ///
    /// Works on the aggregate that the repository keeps, without a copy for each decision. Where a
    /// race is likely, since the stream was just loaded, or others have appended to it or have won
    /// within the last 64 decisions, it keeps a second one, a little behind, and a lost race costs
    /// reading what is new. Without, it costs loading the aggregate again, and so does a decision
    /// that throws after recording: refuse before you record.
    template <class F>
    std::invoke_result_t<F&, A&>
    update(std::string_view stream, F&& decide, const update_options& options = {}) {
        using result = std::invoke_result_t<F&, A&>;
        std::optional<stream_turns::turn> mine;
        if (options.exclusive || engine_.options().exclusive) {
            repository_engine::check_name(stream);
            mine.emplace(engine_.turn(stream));
        }
        for (unsigned attempt = 0;; ++attempt) {
            lease leased{kept_, stream};
            A& now = leased.value();
            // In a turn, what others did before it says nothing about races to come.
            if (catch_up(now) && !mine)
                leased.expect_races();
            leased.prepare_spare([this](A& behind) { catch_up(behind); });
            if constexpr (std::is_void_v<result>) {
                std::invoke(decide, now);
                if (commit(now, attempt))
                    return;
            } else {
                result out = std::invoke(decide, now);
                if (commit(now, attempt))
                    return std::forward<result>(out);
            }
            leased.lost_race();
        }
    }

    /// The aggregate as it is now; of a stream without events, once `create` has recorded its first
    /// ones. Of several who ask at once, one creates.
    template <class F>
    [[nodiscard]] A
    create_or_load(std::string_view stream, F&& create, const update_options& options = {}) {
        update(
            stream,
            [&create](A& a) {
                if (!a.last_revision())
                    static_cast<void>(std::invoke(create, a));
            },
            options
        );
        return load(stream);
    }

    /// Saves a snapshot of the aggregate as it is now. Returns where; nothing for a stream without
    /// events, or whose first event is out of reach (docs/rewriting/retention.md).
    std::optional<revision> snapshot(std::string_view stream) {
        lease leased{kept_, stream};
        A& now = current(leased);
        const auto at = now.last_revision();
        return at && engine_.save_snapshot(any(now)) ? at : std::nullopt;
    }

    /// Folds the stream afresh, saves and verifies that snapshot, and moves the events it covers to
    /// compressed segments. The history stays and answers as before.
    compact_report compact(std::string_view stream) {
        A folded = replay(stream);
        A spare = empty(stream);
        const auto report = engine_.compact(any(folded), any(spare));
        if (auto* kept = kept_.find(stream))
            detail::aggregate_access::saved_snapshot(*kept, report.at);
        return report;
    }

    /// Folds the stream afresh from its first event, and compares with that what would be used
    /// instead: the stored snapshots, and what is kept in memory.
    [[nodiscard]] state_check verify(std::string_view stream) {
        A folded = empty(stream);
        if (kept_.find(stream) != nullptr) {
            lease leased{kept_, stream};
            const auto in_memory = any(current(leased));
            return engine_.verify(any(folded), fold(), &in_memory);
        }
        return engine_.verify(any(folded), fold(), nullptr);
    }

    /// Forgets what is kept of a stream in memory.
    void forget(std::string_view stream) { kept_.forget(stream); }

    [[nodiscard]] const repository_stats& stats() const noexcept { return engine_.stats(); }

private:
    using repository_engine = detail::repository_engine;
    using lease = typename detail::kept_aggregates<A>::lease;

    [[nodiscard]] static detail::state_functions stamped_functions(const folder<state_type>& f
    ) noexcept {
        auto out = detail::functions_of<state_type>();
        out.layout = detail::snapshot_layout(out.layout, f.table_);
        return out;
    }

    [[nodiscard]] A empty(std::string_view stream) const {
        A out{};
        detail::aggregate_access::name(out, stream, engine_.clock());
        return out;
    }

    [[nodiscard]] static detail::any_aggregate any(A& a) noexcept {
        return {a, &detail::aggregate_access::state(a)};
    }

    [[nodiscard]] detail::any_fold fold() noexcept { return {folder_.table_, &folder_.slots_}; }

    // Brings an aggregate to the end of its stream; whether there was anything to fold.
    bool catch_up(A& a) {
        const auto before = a.last_revision();
        engine_.catch_up(any(a), fold());
        return a.last_revision() != before;
    }

    A& current(lease& leased) {
        if (catch_up(leased.value()))
            leased.expect_races();
        return leased.value();
    }

    // Whether the decision stands; throws where it lost its last race.
    bool commit(A& a, unsigned attempt) {
        if (a.uncommitted().empty())
            return true;
        const auto result = engine_.append(any(a));
        const auto* lost = result.conflict_or_null();
        if (lost == nullptr)
            return true;
        if (attempt >= engine_.options().retries_max)
            repository_engine::fail_with(*lost);
        engine_.prepare_retry(*lost);
        return false;
    }

    folder<state_type> folder_;
    detail::repository_engine engine_;
    detail::kept_aggregates<A> kept_;
};

} // namespace everfold
