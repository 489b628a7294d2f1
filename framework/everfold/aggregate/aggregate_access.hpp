// SPDX-License-Identifier: MIT
#pragma once
// The door to an aggregate for those who load and save it: repositories and the testing kit.

#include <everfold/aggregate/aggregate_base.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/store/append.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::detail {

/// Users have no business here; an aggregate's invariants are kept by who calls these.
struct aggregate_access {
    template <class State>
    [[nodiscard]] static State& state(aggregate<State>& a) noexcept {
        return a.state_;
    }

    static void name(aggregate_base& a, std::string_view stream, std::shared_ptr<io::clock> time) {
        a.stream_ = stream;
        a.clock_ = std::move(time);
    }

    /// The state holds the stream up to here.
    static void folded(aggregate_base& a, revision at, position log_position) noexcept {
        a.last_revision_ = at;
        a.last_position_ = log_position;
    }

    /// The uncommitted events were appended.
    static void saved(aggregate_base& a, revision last, position log_position) noexcept {
        folded(a, last, log_position);
        a.uncommitted_.clear();
    }

    /// Moves the uncommitted events out, so that an append need not copy them.
    [[nodiscard]] static std::vector<new_event>& uncommitted(aggregate_base& a) noexcept {
        return a.uncommitted_;
    }

    [[nodiscard]] static position last_position(const aggregate_base& a) noexcept {
        return a.last_position_;
    }

    /// How many the state holds, those that a snapshot covers included.
    [[nodiscard]] static std::uint64_t events_folded(const aggregate_base& a) noexcept {
        return a.last_revision_ ? a.last_revision_->value() + 1 : 0;
    }

    [[nodiscard]] static std::optional<revision>& snapshot_at(aggregate_base& a) noexcept {
        return a.snapshot_at_;
    }

    /// A snapshot of the state as it is at `at` was saved.
    static void saved_snapshot(aggregate_base& a, revision at) noexcept {
        a.snapshot_at_ = at;
        a.replayed_for_ = {};
    }

    [[nodiscard]] static std::chrono::nanoseconds& replayed_for(aggregate_base& a) noexcept {
        return a.replayed_for_;
    }

    [[nodiscard]] static bool& is_torn(aggregate_base& a) noexcept { return a.is_torn_; }
    [[nodiscard]] static bool is_torn(const aggregate_base& a) noexcept { return a.is_torn_; }
};

} // namespace everfold::detail
