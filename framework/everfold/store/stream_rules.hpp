// SPDX-License-Identifier: MIT
#pragma once
// The rules that a log holds about its streams: which events can be reached, and which may go.
// docs/rewriting/retention.md.

#include <everfold/base/ids.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/log_cursor.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/rewriting.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/retention.hpp>

#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace everfold {

/// Where the rules are.
inline constexpr std::string_view rules_stream = "$streams";

/// All rules of one stream, as they add up.
struct stream_rule {
    std::uint64_t begins_at{}; ///< revision
    bool is_tombstoned{};
    /// Where the events are that say so, and that hold its metadata.
    std::optional<position> ended_at{};
    std::optional<position> described_at{};
    retention kept{};
};

/// Adds what the event says to the rules by stream; the stream. errc::unsupported where it is of a
/// type that this version does not know.
std::string add_rule( // NOLINT(modernize-use-nodiscard): the rules are the answer
    std::unordered_map<std::string, stream_rule>& rules,
    std::string_view type,
    bytes_view payload,
    position at
);

/// Threads: any.
class stream_rules {
public:
    /// Takes in the rules that were recorded since the last call.
    void refresh(const log::log_index& index);

    /// Whether any stream has one.
    [[nodiscard]] bool are_none() const;

    [[nodiscard]] bool is_tombstoned(std::string_view stream) const;

    /// The streams that have ended, by when they did.
    [[nodiscard]] std::vector<std::string> tombstoned() const;

    /// Nothing where the stream has no rule.
    [[nodiscard]] std::optional<stream_rule> of(std::string_view stream) const;

private:
    mutable std::shared_mutex mutex_{};
    std::unordered_map<std::string, stream_rule> rules_{};
    position next_{}; // to be looked at
};

/// What can be reached now, of the streams of one log.
class reachable_now final : public log::reachability {
public:
    /// What is given outlives it. `shows_own`: the log's own streams, too.
    reachable_now(
        const stream_rules& rules, const log::log_index& index, timestamp now, bool shows_own
    );

    [[nodiscard]] log::reach of(std::string_view stream) const override;
    [[nodiscard]] bool concerns(bool has_own) const override;

private:
    const stream_rules* rules_;
    const log::log_index* index_;
    timestamp now_;
    bool has_rules_;
    bool shows_own_;
};

/// What may go from a segment: what can't be reached, but for the rules themselves.
[[nodiscard]] log::removal unreachable_in(
    const log::readable_segment& in,
    const log::log_index& index,
    const stream_rules& rules,
    const reachable_now& reachable
);

// ---- the events that say so

[[nodiscard]] new_event truncated_event(std::string_view stream, revision before);
[[nodiscard]] new_event tombstoned_event(std::string_view stream, std::string_view why);
[[nodiscard]] new_event retained_event(std::string_view stream, const retention& kept);
/// Throws encoding_error where `metadata` is no CBOR map.
[[nodiscard]] new_event described_event(std::string_view stream, bytes_view metadata);

// ---- and what they say, besides the rule

[[nodiscard]] std::string why_tombstoned(bytes_view payload);
/// A view into the payload.
[[nodiscard]] bytes_view described_metadata(bytes_view payload);

} // namespace everfold
