// SPDX-License-Identifier: MIT
#pragma once
// Events of one store into another, of whatever kinds: some of them, or made into others.
// docs/guide/transfer.md. An equal log, to the last id, is what a backup or an exact import makes.

#include <everfold/store/append.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/recorded_event.hpp>
#include <everfold/store/store.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace everfold {

/// An event and where it goes.
struct copied_event {
    std::string stream{};
    new_event event{};
};

/// What of an event is kept besides its type, version, data, metadata, tags, `occurred_at`,
/// correlation and causation.
struct copy_preserve {
    /// Its id, also where that was derived from its place. Without, a new one is derived, and what
    /// names the event as its cause names one of the source.
    bool ids{true};
    /// recorded_at, clamped between the target's last recorded time and now.
    bool recorded_times{true};
};

/// Adds what an event becomes to `out`: nothing, one event, or several. The same each time.
using event_transform =
    std::function<void(const recorded_event& event, std::vector<copied_event>& out)>;

/// How far a copy is.
struct copy_report {
    /// Of the source, that the filter left.
    std::uint64_t read{};
    /// That the target has of them now, in so many appends.
    std::uint64_t events{};
    std::uint64_t appends{};
    /// Of those, that it had from an earlier run.
    std::uint64_t repeated_appends{};
    /// Of the source: all before is copied.
    position end{};
};

struct copy_options {
    /// Forwards; what has no place in the query is not copied. As read() gives them, so without
    /// rules and what they have put out of reach.
    query filter{};
    /// Empty: each event as it is.
    event_transform transform{};
    copy_preserve preserve{};
    /// Called after each append, in the order of the source.
    std::function<void(const copy_report&)> progress{};
};

/// The event as an untransformed copy has it: what a transform begins with.
[[nodiscard]] copied_event
as_copied(const recorded_event& event, const copy_preserve& preserve = {});

/// Copies the events that `from` holds now. Events that were appended together are appended
/// together, stream by stream; their streams must begin in `to` with this copy.
///
/// Each append has an id that follows from its place in `from` and where it goes: so the same copy,
/// made again, finds what it has appended before and adds what is missing, whether it was
/// interrupted or `from` has grown.
///
/// Memory:     the names of the copied streams, and what is in flight: some MiB.
/// Durability: all of it when it returns.
/// Failure:    conflict where a stream in `to` has events that are not of this copy; errc::invalid
///             where both are the same log, or where the copy of an append became another one; what
///             reading and appending throw. What was copied before stays, and is a prefix of the
///             copy by whole appends.
copy_report copy( // NOLINT(modernize-use-nodiscard): the copy is the answer
    store from,
    store to,
    const copy_options& options = {}
);

} // namespace everfold
