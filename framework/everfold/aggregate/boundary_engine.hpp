// SPDX-License-Identifier: MIT
#pragma once
// What a boundary does that does not depend on the type of its state. Compiled once.

#include <everfold/aggregate/decision.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/store.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace everfold {

struct boundary_options {
    /// How often decide() decides again after it has lost a race.
    unsigned retries_max{16};
};

/// What a boundary did since it was made.
struct boundary_stats {
    std::uint64_t events_replayed{};
    /// Appends that lost a race.
    std::uint64_t conflicts{};
    /// Decisions taken again because of it.
    std::uint64_t retries{};

    friend bool operator==(const boundary_stats&, const boundary_stats&) = default;
};

namespace detail {

class boundary_engine {
public:
    /// `types` are what the state folds. Throws errc::invalid for a query that no condition can be,
    /// and for one that names a type which is not among them.
    boundary_engine(
        store s,
        const query& q,
        std::span<const std::string_view> types,
        const boundary_options& options
    );

    /// The events that were not read yet, up to the end of what can be read now; nothing where
    /// there are none to look at. Once all of them are folded, reached() says so.
    [[nodiscard]] std::optional<event_range> unread();
    void reached() noexcept { next_ = end_; }
    /// All events are unread.
    void restart() noexcept { next_ = {}; }

    void count_replayed() noexcept { ++stats_.events_replayed; }

    /// Appends what was recorded, where nothing that matches has come; whether the decision stands.
    /// Throws conflict where it lost its last race.
    bool commit(decision_base& d, unsigned attempt);

    [[nodiscard]] const query& asked() const noexcept { return query_; }
    [[nodiscard]] position next() const noexcept { return next_; }
    [[nodiscard]] const boundary_stats& stats() const noexcept { return stats_; }

private:
    store store_;
    query query_;
    boundary_options options_;
    position next_{}; // all before it was folded
    position end_{};  // of what unread() gave
    boundary_stats stats_{};
};

} // namespace detail
} // namespace everfold
