// SPDX-License-Identifier: MIT
#pragma once
// What a table of streams does that does not depend on the type of its states. Compiled once.

#include <everfold/aggregate/fold.hpp>
#include <everfold/aggregate/repository_engine.hpp>
#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/store/store.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace everfold {

namespace log {
class number_slots;
}

struct stream_table_options {
    unknown_events unknown{unknown_events::refuse};
};

/// What a table did since it was made.
struct stream_table_stats {
    /// Events given to the fold, skipped ones included.
    std::uint64_t events_replayed{};
    std::uint64_t snapshots_used{};
    /// Snapshots passed over because layout or fold_version have changed, or they do not decode.
    std::uint64_t snapshots_refused{};

    friend bool operator==(const stream_table_stats&, const stream_table_stats&) = default;
};

namespace detail {

/// The rows of a table by the names of their streams, which only the rows hold.
class row_numbers {
public:
    using name_of = std::string_view (*)(const void* rows, std::uint32_t number);

    row_numbers();
    row_numbers(row_numbers&&) noexcept;
    row_numbers& operator=(row_numbers&&) noexcept;
    ~row_numbers();

    [[nodiscard]] std::optional<std::uint32_t>
    find(std::string_view stream, const void* rows, name_of name) const;

    /// Of a stream that is not there.
    void add(std::string_view stream, std::uint32_t number);

private:
    std::unique_ptr<log::number_slots> slots_;
};

class stream_table_engine {
public:
    /// `functions` are those of all rows as one value. Throws errc::invalid for no category.
    stream_table_engine(store s, std::string category, const state_functions& functions);

    /// Reads the newest usable snapshot into `rows`, if there is one; what was folded before is
    /// none of its business.
    void start_from_snapshot(void* rows);

    /// The events of the category that were not read yet, up to the end of what can be read now.
    /// Once all of them are folded, reached() says so.
    [[nodiscard]] std::optional<event_range> unread();
    /// How far that goes, of other streams' events, too.
    [[nodiscard]] std::uint64_t unread_positions() const noexcept { return end_ - next_; }
    void reached() noexcept { next_ = end_; }
    void restart() noexcept { next_ = {}; }

    /// Of what reached() said; whether it did. Of a log that has rules there are none.
    bool save_snapshot(const void* rows);

    [[nodiscard]] const std::string& category() const noexcept { return category_; }
    [[nodiscard]] position next() const noexcept { return next_; }
    [[nodiscard]] stream_table_stats& stats() noexcept { return stats_; }
    [[nodiscard]] const stream_table_stats& stats() const noexcept { return stats_; }

private:
    store store_;
    std::string category_;
    std::string fold_name_;
    state_functions functions_;
    position next_{}; // all before it was folded
    position end_{};  // of what unread() gave
    stream_table_stats stats_{};
};

} // namespace detail
} // namespace everfold
