// SPDX-License-Identifier: MIT
#pragma once
// The conditions of an append, checked from the log's indexes and from what is in flight.

#include <everfold/log/event_log.hpp>
#include <everfold/store/append.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace everfold {

/// The conditions of one request, from before the writer's lock is taken until it is given back.
///
/// A condition asks what a read would find: what rules have put out of reach does not conflict. For
/// what is in flight, which no read has seen yet, rules are not asked.
class condition_check {
public:
    /// Looks at all that can be read now, so that under the lock only the rest has to be. `index`
    /// and `request` outlive it. Throws errc::invalid for a query that no condition can be.
    condition_check(
        const log::log_index& index,
        const append_request& request,
        std::shared_ptr<const log::reachability> reachable
    );

    /// Under the writer's lock: the first condition that does not hold.
    [[nodiscard]] std::optional<append_conflict> first_unmet(const log::stream_heads& heads);

private:
    struct asked {
        const no_event_matching* condition{};
        std::vector<log::selection_item> items{};
        position next{}; ///< not yet looked at
        std::optional<position> found{};
    };

    void look_until(asked& a, position end) const;

    const log::log_index* index_;
    const append_request* request_;
    std::shared_ptr<const log::reachability> reachable_; // null: all can be reached
    std::vector<asked> asked_{};                         // in the order of the request
};

} // namespace everfold
