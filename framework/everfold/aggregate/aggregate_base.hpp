// SPDX-License-Identifier: MIT
#pragma once
// What every aggregate has, whatever its state: identity, revision, events not yet saved.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/event/event_info.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/store/append.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace everfold {

template <class State>
class aggregate;

namespace detail {

struct aggregate_access;

/// The part of aggregate<State> that is compiled once.
class aggregate_base {
public:
    /// The stream it was loaded from and will be saved to; empty for one that was not loaded.
    [[nodiscard]] const std::string& stream() const noexcept { return stream_; }

    /// The last saved event that the state holds; nothing where the stream has none.
    [[nodiscard]] std::optional<revision> last_revision() const noexcept { return last_revision_; }

    /// What was recorded and is not yet in a store. The state holds it already.
    [[nodiscard]] std::span<const new_event> uncommitted() const noexcept { return uncommitted_; }

protected:
    aggregate_base() = default;
    aggregate_base(const aggregate_base&) = default;
    aggregate_base(aggregate_base&&) = default;
    aggregate_base& operator=(const aggregate_base&) = default;
    aggregate_base& operator=(aggregate_base&&) = default;
    ~aggregate_base() = default;

    /// By the store's clock; by the system's where the aggregate came from no store.
    [[nodiscard]] timestamp now() const;

    /// Takes an encoded event among the uncommitted ones and says what apply() may see of it.
    [[nodiscard]] event_info stage(new_event e, timestamp occurred_at);

    /// Takes the last one back, because its apply() threw, and throws a replay_error.
    [[noreturn]] void fail_to_apply();

private:
    friend struct aggregate_access;

    std::shared_ptr<io::clock> clock_{};
    std::string stream_{};
    std::vector<new_event> uncommitted_{};
    std::optional<revision> last_revision_{};
    position last_position_{};              // of the event at last_revision_
    std::optional<revision> snapshot_at_{}; // the newest snapshot that is known to be usable
    std::chrono::nanoseconds
        replayed_for_{}; // what lies behind that snapshot; where it is measured
    bool is_torn_{};     // an apply() threw: the state is not to be trusted
};

} // namespace detail
} // namespace everfold
