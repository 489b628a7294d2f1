// SPDX-License-Identifier: MIT
#pragma once
// Every stream of a category, folded into one dense table of states.

#include <everfold/aggregate/fold.hpp>
#include <everfold/aggregate/repository.hpp>
#include <everfold/aggregate/stream_table_engine.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/prefetch.hpp>
#include <everfold/event/event.hpp>
#include <everfold/store/store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace everfold {

/// A stream and what its events add up to.
template <class State>
struct stream_row {
    std::string stream{};
    revision last{};
    State state{};
};

/// The states of all streams of one category, in the order of their first events. A row moves when
/// the table catches up: keep names, not pointers.
///
/// Owns:    the states; the store is shared.
/// Threads: one at a time.
/// Failure: schema_error, replay_error and what the store throws; the table is then empty, and the
///          next catch_up() folds it afresh. What rules put out of reach after it was read
///          (docs/rewriting/retention.md) stays in the states.
template <class State>
class stream_table {
    static_assert(explain_fold<State>(), "everfold: only a state can be folded");

public:
    using row = stream_row<State>;

    /// Folds what there is now, from the newest snapshot on that is usable.
    stream_table(store s, std::string category, const stream_table_options& options = {})
        : folder_{options.unknown}
        , engine_{std::move(s), std::move(category), functions(options.unknown)} {
        engine_.start_from_snapshot(&rows_);
        for (std::uint32_t i = 0; i < rows_.size(); ++i)
            numbers_.add(rows_[i].stream, i);
        catch_up();
    }

    /// Reads what was appended since, and nothing else.
    void catch_up() {
        auto unread = engine_.unread();
        if (!unread)
            return;
        try {
            rows_of_segment here{.is_used = engine_.unread_positions() >= worth_numbers};
            for (auto some = unread->next_batch(); !some.events.empty();
                 some = unread->next_batch())
                fold(some, here);
        } catch (...) {
            engine_.restart();
            rows_.clear();
            numbers_ = detail::row_numbers{};
            throw;
        }
        engine_.reached();
    }

    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
    [[nodiscard]] auto begin() const noexcept { return rows_.begin(); }
    [[nodiscard]] auto end() const noexcept { return rows_.end(); }

    /// The row of a stream, or null where it has no event.
    [[nodiscard]] const row* find(std::string_view stream) const {
        const auto number = number_of(stream);
        return number ? &rows_[*number] : nullptr;
    }

    [[nodiscard]] const std::string& category() const noexcept { return engine_.category(); }

    /// One past the last position that the states have seen.
    [[nodiscard]] position next() const noexcept { return engine_.next(); }

    /// Saves the table beside the log, so that the next one reads only what comes after; whether it
    /// did. A table without a look at an event has none, nor a log with rules. A state may
    /// declare `fold_version` and `fold_name`, as for a repository.
    bool save_snapshot() { return engine_.save_snapshot(&rows_); }

    [[nodiscard]] const stream_table_stats& stats() const noexcept { return engine_.stats(); }

private:
    [[nodiscard]] static detail::state_functions functions(unknown_events policy) noexcept {
        using rows = std::vector<row>;
        auto out = detail::functions_of<State>();
        const detail::fold_table table{plan::steps, policy};
        out.layout = detail::snapshot_layout(layout_fingerprint<rows>(), table);
        out.encode = [](const void* from, byte_buffer& to) {
            everfold::encode(*static_cast<const rows*>(from), to);
        };
        out.decode = [](bytes_view from, void* to) {
            rows fresh;
            everfold::decode(from, fresh);
            *static_cast<rows*>(to) = std::move(fresh);
        };
        return out;
    }

    [[nodiscard]] std::optional<std::uint32_t> number_of(std::string_view stream) const {
        return numbers_.find(stream, &rows_, [](const void* rows, std::uint32_t n) {
            return std::string_view{(*static_cast<const std::vector<row>*>(rows))[n].stream};
        });
    }

    static constexpr std::uint32_t no_row = ~std::uint32_t{0};
    static constexpr std::size_t fetched_max = 256; // bytes of a row
    /// Fewer events than this are not worth a list of a segment's streams.
    static constexpr std::uint64_t worth_numbers = 4096;

    /// Rows by the numbers that streams have in one segment.
    struct rows_of_segment {
        bool is_used{};
        std::uint64_t segment{};
        std::vector<std::uint32_t> rows{};
    };

    [[nodiscard]] std::uint32_t row_of(std::string_view stream) {
        if (const auto number = number_of(stream))
            return *number;
        const auto number = static_cast<std::uint32_t>(rows_.size());
        numbers_.add(stream, number);
        rows_.emplace_back(row{.stream = std::string{stream}});
        return number;
    }

    /// By the store's number of the stream, where that is worth it: a name is then looked up once
    /// a segment.
    [[nodiscard]] std::uint32_t
    row_of(const event_batch& some, std::size_t i, rows_of_segment& here) {
        if (!here.is_used || some.stream_numbers.empty())
            return row_of(some.events[i].stream);
        const auto number = some.stream_numbers[i];
        if (number >= here.rows.size())
            here.rows.resize(std::max(std::size_t{number} + 1, here.rows.size() * 2), no_row);
        if (here.rows[number] == no_row)
            here.rows[number] = row_of(some.events[i].stream);
        return here.rows[number];
    }

    void fold(const event_batch& some, rows_of_segment& here) {
        if (some.segment != here.segment)
            here.rows.clear();
        here.segment = some.segment;
        touched_.clear();
        for (std::size_t i = 0; i < some.events.size(); ++i)
            touched_.push_back(row_of(some, i, here));
        // From here on no row moves. Each is asked for before the first is needed.
        for (const auto number : touched_) {
            const auto* at = reinterpret_cast<const std::byte*>(&rows_[number]);
            for (std::size_t line = 0; line < sizeof(row) && line < fetched_max; line += 64)
                prefetch(at + line);
        }
        for (std::size_t i = 0; i < some.events.size(); ++i) {
            auto& to = rows_[touched_[i]];
            folder_.apply(to.state, some.events[i]);
            to.last = some.events[i].stream_revision;
            ++engine_.stats().events_replayed;
        }
    }

    using plan = detail::fold_plan<State, typename State::events>;

    folder<State> folder_;
    detail::stream_table_engine engine_;
    std::vector<row> rows_{};
    detail::row_numbers numbers_{};
    std::vector<std::uint32_t> touched_{}; // the rows of a batch's events
};

/// Every stream of a category, folded: `fold_streams<account>(store, "account")`.
template <class State>
[[nodiscard]] stream_table<State>
fold_streams(store s, std::string category, const stream_table_options& options = {}) {
    return stream_table<State>{std::move(s), std::move(category), options};
}

} // namespace everfold
