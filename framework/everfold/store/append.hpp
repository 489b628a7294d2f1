// SPDX-License-Identifier: MIT
#pragma once
// What is appended, on which condition, and the answer.

#include <everfold/base/bytes.hpp>
#include <everfold/base/durability.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/event/event.hpp>
#include <everfold/store/query.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace everfold {

/// What a stream must look like for an append to happen.
class expected_revision {
public:
    enum class kind : std::uint8_t { any, no_stream, exists, exact };

    [[nodiscard]] static constexpr expected_revision any() noexcept { return {kind::any, {}}; }

    [[nodiscard]] static constexpr expected_revision no_stream() noexcept {
        return {kind::no_stream, {}};
    }

    [[nodiscard]] static constexpr expected_revision exists() noexcept {
        return {kind::exists, {}};
    }

    /// The stream's last event has exactly this revision.
    [[nodiscard]] static constexpr expected_revision exactly(revision last) noexcept {
        return {kind::exact, last};
    }

    /// What was seen: exactly `last`, or no stream where there is none.
    [[nodiscard]] static constexpr expected_revision of(std::optional<revision> last) noexcept {
        return last ? exactly(*last) : no_stream();
    }

    [[nodiscard]] constexpr kind what() const noexcept { return kind_; }

    [[nodiscard]] constexpr revision exact() const noexcept { return exact_; }

    [[nodiscard]] constexpr bool holds_for(std::optional<revision> last) const noexcept {
        switch (kind_) {
        case kind::any:
            return true;
        case kind::no_stream:
            return !last;
        case kind::exists:
            return last.has_value();
        case kind::exact:
            return last == exact_;
        }
        return false;
    }

    /// In words: "revision 4", "no stream", "an existing stream", "anything".
    [[nodiscard]] std::string to_string() const;

    friend constexpr bool
    operator==(const expected_revision&, const expected_revision&) noexcept = default;

private:
    constexpr expected_revision(kind k, revision exact) noexcept
        : kind_{k}
        , exact_{exact} {}

    kind kind_{kind::any};
    revision exact_{};
};

/// An event on its way into a store: encoded, not yet placed.
struct new_event {
    std::string type{};
    std::uint32_t version{1};
    /// A CBOR map in our profile (docs/event_encoding.md).
    byte_buffer payload{};
    /// Each "key:value".
    std::vector<std::string> tags{};
    /// When it happened; absent: when it is recorded.
    std::optional<timestamp> occurred_at{};
    /// Only for imports: recorded_at becomes this time clamped between the log's last recorded
    /// time and now, so that a history keeps its place in time.
    std::optional<timestamp> originally_recorded_at{};
    /// The caller's; nil: derived from log identity and position, and then not stored.
    uuid id{};
    uuid correlation_id{};
    uuid causation_id{};
    /// A CBOR map, or empty.
    byte_buffer metadata{};
};

/// Encodes a typed event, with the tags that its type declares.
template <event E>
[[nodiscard]] new_event encoded(const E& e) {
    new_event out{.type = std::string{event_type_of<E>}, .version = event_version_of<E>};
    encode(e, out.payload);
    append_tags(e, out.tags);
    return out;
}

/// The events of one append that go to one stream, in order.
struct stream_append {
    std::string stream{};
    expected_revision expected{expected_revision::any()};
    std::vector<new_event> events{};
};

/// What a stream that the append does not write must look like.
struct stream_condition {
    std::string stream{};
    expected_revision expected{expected_revision::any()};

    friend bool operator==(const stream_condition&, const stream_condition&) = default;
};

/// No event that `matching` would read has been appended behind `after`: the condition of the
/// dynamic consistency boundary (dcb.events). Matching goes by stream, category, type and tag; a
/// query with bounds, a limit or a direction is errc::invalid.
struct no_event_matching {
    query matching{};
    /// The last position that was seen; absent: none was, and the whole log must have no match.
    std::optional<position> after{};

    /// Nothing at or behind `end`: what store::end() was before the decision was read.
    [[nodiscard]] static no_event_matching from(query q, position end) {
        no_event_matching out{.matching = std::move(q)};
        if (end > position{})
            out.after = position{end.value() - 1};
        return out;
    }

    /// The first position that it asks about.
    [[nodiscard]] position first() const noexcept { return after ? after->next() : position{}; }

    /// In words: "no event matching type seat_taken, tag seat:4 after position 7".
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const no_event_matching&, const no_event_matching&) = default;
};

using append_condition = std::variant<stream_condition, no_event_matching>;

/// One atomic append: all of it, or nothing, over any number of streams. Each stream at most
/// once, with at least one event.
struct append_request {
    std::vector<stream_append> streams{};
    /// Besides what `streams` expect: all of them hold, or nothing is appended.
    std::vector<append_condition> conditions{};
    /// Stored with the batch: an append that is repeated under its id gets the answer that it got
    /// the first time, and nothing is appended. With an expectation of exactly a revision, or of no
    /// stream, for ever, and so where the first condition that does not hold is a query that its
    /// own events match; else as long as the batch is in the last nine segments. The same id with
    /// other events is errc::invalid. Nil: none.
    uuid append_id{};
    /// What it waits for, where that is more than the store's own level.
    std::optional<durability> level{};
};

/// Where the events of an append are now.
struct appended {
    position first{};
    position last{};
    /// The last revision of each stream, in the order of the request.
    std::vector<revision> last_revisions{};

    friend bool operator==(const appended&, const appended&) = default;
};

/// Why an append did not happen: the first expectation or condition that did not hold.
struct append_conflict {
    /// Of a stream that the append would have written, or that a condition names.
    std::string stream{};
    expected_revision expected{expected_revision::any()};
    /// The stream's last revision, where it has one.
    std::optional<revision> actual{};
    /// Where it was one about a query; then the three above say nothing.
    std::optional<no_event_matching> unmet{};
    /// The first event that matches that.
    std::optional<position> found{};

    /// "stream 'users': expected revision 4, found revision 5", or "expected no event matching tag
    /// seat:4 after position 7, found one at position 9".
    [[nodiscard]] std::string to_string() const;

    /// Throws it as `conflict`.
    [[noreturn]] void raise() const;

    friend bool operator==(const append_conflict&, const append_conflict&) = default;
};

/// Losing a race is an answer. Appended or conflict.
class [[nodiscard]] append_result {
public:
    append_result(appended a) // NOLINT(google-explicit-constructor): is one of its two answers
        : value_{std::move(a)} {}
    append_result(append_conflict c) // NOLINT(google-explicit-constructor): the same
        : value_{std::move(c)} {}

    [[nodiscard]] bool is_appended() const noexcept {
        return std::holds_alternative<appended>(value_);
    }

    explicit operator bool() const noexcept { return is_appended(); }

    /// What was appended; throws `conflict` where it was not.
    const appended& value() const; // NOLINT(modernize-use-nodiscard): may be called to throw

    [[nodiscard]] const appended& operator*() const { return value(); }

    [[nodiscard]] const appended* operator->() const { return &value(); }

    /// Null where it was appended.
    [[nodiscard]] const append_conflict* conflict_or_null() const noexcept {
        return std::get_if<append_conflict>(&value_);
    }

private:
    std::variant<appended, append_conflict> value_;
};

} // namespace everfold
