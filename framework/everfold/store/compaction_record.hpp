// SPDX-License-Identifier: MIT
#pragma once
// What the log says about its compactions: events of its own, in the stream "$compactions".
// docs/rewriting/archive.md.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/store/append.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace everfold {

/// Where the records are.
inline constexpr std::string_view compactions_stream = "$compactions";

/// One call of archive() that moved events.
struct compaction_record {
    timestamp at{};
    position recorded{}; ///< of the record itself
    std::string stream{};
    /// The last revision that was to be covered.
    revision up_to{};
    /// Segments that were compressed, and the events of any stream in them.
    std::uint64_t segments{};
    std::uint64_t events{};
    /// Of the whole store.
    std::uint64_t bytes_before{};
    std::uint64_t bytes_after{};
    std::string why{};

    friend bool operator==(const compaction_record&, const compaction_record&) = default;
};

/// The event that says so. Its place and time are those that it gets.
[[nodiscard]] new_event compacted_event(const compaction_record& said);

/// Nothing where the event is of a type that this version does not know.
[[nodiscard]] std::optional<compaction_record>
compaction_of(std::string_view type, bytes_view payload, position at, timestamp recorded_at);

} // namespace everfold
