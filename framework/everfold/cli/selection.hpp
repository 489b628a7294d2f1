// SPDX-License-Identifier: MIT
#pragma once
// The one language in which commands say which events they mean.

#include <everfold/base/ids.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/recorded_event.hpp>
#include <everfold/store/store.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::cli {

/// The options as they were typed. Of a list, streams, categories and types are alternatives; tags
/// and conditions must all hold.
struct selection_words {
    std::vector<std::string> streams{};
    std::vector<std::string> categories{};
    std::vector<std::string> types{};
    std::vector<std::string> tags{};
    std::optional<std::string> since{};
    std::optional<std::string> until{};
    std::optional<std::string> from{};
    std::optional<std::string> to{};
    std::optional<std::string> from_revision{};
    std::optional<std::string> to_revision{};
    std::optional<std::string> recorded_since{};
    std::optional<std::string> recorded_until{};
    std::vector<std::string> where{};
    bool is_backwards{};
    std::optional<std::string> limit{};
    std::optional<std::string> cursor{};

    /// Whether any option was given.
    [[nodiscard]] bool is_any() const { return !(*this == selection_words{}); }

    friend bool operator==(const selection_words&, const selection_words&) = default;
};

/// Which events, in which order, how many at most.
struct selection {
    /// Without the limit.
    query which{};
    std::uint64_t limit{std::numeric_limits<std::uint64_t>::max()};
};

/// Failure: usage_error that names the option and says what it takes.
[[nodiscard]] selection parse_selection(const selection_words& words);

using event_visitor = std::function<void(const recorded_event&)>;

/// Visits the selected events that the log holds now.
///
/// Failure: what reading throws; errc::damaged where a payload is not well-formed.
class selected_events {
public:
    selected_events(store from, selection wanted);

    /// From where the last call ended; how many. What is read backwards is read once.
    std::uint64_t visit_new(const event_visitor& visit);

    /// Waits until there may be new ones, at most so long.
    void wait_for_new(std::chrono::milliseconds timeout);

    /// Whether no event, whatever is appended, will ever be visited any more.
    [[nodiscard]] bool is_done() const noexcept;

    /// How far through the log the visit is, and how much there is: for a progress bar.
    [[nodiscard]] std::uint64_t passed() const noexcept { return passed_; }

    [[nodiscard]] std::uint64_t span() const noexcept { return span_; }

    /// Behind the last one visited.
    [[nodiscard]] const std::optional<query_cursor>& place() const noexcept { return place_; }

    /// Of the last visit.
    [[nodiscard]] const query_explanation& explanation() const noexcept { return explanation_; }

private:
    store from_;
    selection wanted_;
    std::optional<query_cursor> place_{};
    query_explanation explanation_{};
    position end_{}; // all before it was looked at
    std::uint64_t left_;
    std::uint64_t passed_{};
    std::uint64_t span_{};
};

} // namespace everfold::cli
