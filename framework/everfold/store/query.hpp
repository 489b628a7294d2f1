// SPDX-License-Identifier: MIT
#pragma once
// Which events to read: a value, built by naming what they must have, executed by a store.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/event/event.hpp>
#include <everfold/store/payload_condition.hpp>
#include <everfold/store/query_cursor.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace everfold {

/// One alternative of a query: an event matches where it is of any of `types` and has all of
/// `tags` and is in `stream` or `category`; what is empty asks for nothing.
struct query_item {
    std::vector<std::string> types{};
    std::vector<std::string> tags{};
    std::optional<std::string> stream{};
    std::optional<std::string> category{};

    friend bool operator==(const query_item&, const query_item&) = default;
};

/// `query{}` is every event. Members narrow it and return it:
/// `query{}.tag("user", 123).type("user_updated").backwards().limit(10)`.
/// `a | b` matches what either alternative matches, within the bounds and conditions of `a`.
class query {
public:
    query& stream(std::string name) &;
    query& category(std::string name) &;
    query& type(std::string name) &;
    /// "key:value".
    query& tag(std::string text) &;
    query& tag(std::string_view key, std::string_view value) &;
    /// Positions, both inclusive.
    query& from(position p) &;
    query& to(position p) &;
    /// Revisions, both inclusive; only with stream().
    query& from_revision(revision r) &;
    query& to_revision(revision r) &;
    /// A closed range of occurred_at.
    query& since(timestamp t) &;
    query& until(timestamp t) &;
    /// A closed range of recorded_at.
    query& recorded_since(timestamp t) &;
    query& recorded_until(timestamp t) &;
    /// A condition on the data, looked at where everything else holds; all of them must hold.
    /// Throws errc::invalid; see payload_condition.
    query& where(std::string_view pointer, comparison op, payload_value value) &;
    query& where(payload_condition condition) &;
    query& backwards() &;
    /// At most so many events of one reading; a reading that resumes counts anew.
    query& limit(std::uint64_t count) &;
    /// Goes on where a reading of the same query was, whose limit may have been another. Reading
    /// throws errc::invalid for a cursor of another query or another log.
    query& resume(const query_cursor& at) &;

    /// Of this type: under each name that an E may have been stored with.
    template <event E>
    query& type() & {
        detail::for_each_name<E>([&](std::string_view name) { type(std::string{name}); });
        return *this;
    }

    template <class Integer>
    requires std::is_integral_v<Integer> query& tag(std::string_view key, Integer value) & {
        return tag(key, std::string_view{std::to_string(value)});
    }

    // The same on a temporary, so that a query can be written in one expression.
    query stream(std::string name) && { return std::move(stream(std::move(name))); }
    query category(std::string name) && { return std::move(category(std::move(name))); }
    query type(std::string name) && { return std::move(type(std::move(name))); }
    query tag(std::string text) && { return std::move(tag(std::move(text))); }
    query tag(std::string_view key, std::string_view value) && {
        return std::move(tag(key, value));
    }
    query from(position p) && { return std::move(from(p)); }
    query to(position p) && { return std::move(to(p)); }
    query from_revision(revision r) && { return std::move(from_revision(r)); }
    query to_revision(revision r) && { return std::move(to_revision(r)); }
    query since(timestamp t) && { return std::move(since(t)); }
    query until(timestamp t) && { return std::move(until(t)); }
    query recorded_since(timestamp t) && { return std::move(recorded_since(t)); }
    query recorded_until(timestamp t) && { return std::move(recorded_until(t)); }
    query where(std::string_view pointer, comparison op, payload_value value) && {
        return std::move(where(pointer, op, std::move(value)));
    }
    query where(payload_condition condition) && { return std::move(where(std::move(condition))); }
    query backwards() && { return std::move(backwards()); }
    query limit(std::uint64_t count) && { return std::move(limit(count)); }
    query resume(const query_cursor& at) && { return std::move(resume(at)); }

    template <event E>
    query type() && {
        return std::move(type<E>());
    }

    template <class Integer>
    requires std::is_integral_v<Integer> query tag(std::string_view key, Integer value) && {
        return std::move(tag(key, value));
    }

    friend query operator|(query a, const query& b);

    /// What a store reads.
    struct bounds {
        position from{};
        position to{std::numeric_limits<std::uint64_t>::max()};
        revision from_revision{};
        revision to_revision{std::numeric_limits<std::uint64_t>::max()};
        std::optional<timestamp> since{};
        std::optional<timestamp> until{};
        std::optional<timestamp> recorded_since{};
        std::optional<timestamp> recorded_until{};
        std::uint64_t limit{std::numeric_limits<std::uint64_t>::max()};
        bool is_backwards{};

        friend bool operator==(const bounds&, const bounds&) = default;
    };

    [[nodiscard]] const std::vector<query_item>& items() const noexcept { return items_; }

    [[nodiscard]] const bounds& within() const noexcept { return within_; }

    [[nodiscard]] const std::vector<payload_condition>& conditions() const noexcept {
        return conditions_;
    }

    [[nodiscard]] const std::optional<query_cursor>& resumed() const noexcept { return resumed_; }

    /// Of everything but the limit and the cursor; the same in every program.
    [[nodiscard]] std::uint64_t fingerprint() const;

    friend bool operator==(const query&, const query&) = default;

private:
    std::vector<query_item> items_{1};
    bounds within_{};
    std::vector<payload_condition> conditions_{};
    std::optional<query_cursor> resumed_{};
};

/// The text before the first '-' of a stream's name, or the whole name.
[[nodiscard]] std::string_view category_of(std::string_view stream) noexcept;

} // namespace everfold
