// SPDX-License-Identifier: MIT
#include <everfold/aggregate/lost_race.hpp>
#include <everfold/aggregate/missing_history.hpp>
#include <everfold/aggregate/repository_engine.hpp>
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/store/query.hpp>

#include <algorithm>
#include <exception>
#include <limits>
#include <string>
#include <utility>
#include <variant>

namespace everfold::detail {
namespace {

using access = aggregate_access;

constexpr revision last_possible{std::numeric_limits<std::uint64_t>::max()};

std::uint64_t events_until(std::optional<revision> last) noexcept {
    return last ? last->value() + 1 : 0;
}

std::string quoted(std::string_view stream) {
    return "'" + printable(stream) + "'";
}

std::string in_words(std::optional<revision> last) {
    return last ? "revision " + std::to_string(last->value()) : std::string{"no stream"};
}

/// While a state is changed from outside; what is left when something throws is not to be trusted.
class tear_guard {
public:
    explicit tear_guard(aggregate_base& base) noexcept
        : base_{base} {
        access::is_torn(base_) = true;
    }
    tear_guard(const tear_guard&) = delete;
    tear_guard& operator=(const tear_guard&) = delete;
    ~tear_guard() = default;

    void whole() noexcept { access::is_torn(base_) = false; }

private:
    aggregate_base& base_;
};

} // namespace

std::uint64_t snapshot_layout(std::uint64_t layout_of_state, const fold_table& table) noexcept {
    if (table.policy() == unknown_events::refuse)
        return layout_of_state;
    return layout_of_state * 0x9E37'79B9'7F4A'7C15U + table.fingerprint();
}

repository_engine::repository_engine(
    store s, const repository_options& options, const state_functions& functions
)
    : store_{std::move(s)}
    , options_{options}
    , functions_{functions} {}

void repository_engine::check_name(std::string_view stream) {
    if (stream.empty())
        throw error{errc::invalid, "a stream has a name; this one is empty"};
}

std::optional<revision> repository_engine::revision_at(std::string_view stream, const as_of& when) {
    require_no_end(stream);
    const auto last = store_.last_revision(stream);
    if (!last)
        return {};
    if (const auto* at = std::get_if<revision>(&when.moment()))
        return std::min(*at, *last);

    std::optional<position> until;
    if (const auto* at = std::get_if<position>(&when.moment()))
        until = *at;
    else
        until = store_.position_at(std::get<timestamp>(when.moment()));
    if (!until)
        return {};
    return revision_before(stream, *until);
}

std::optional<revision>
repository_engine::revision_before(std::string_view stream, position until) {
    const query all = query{}.stream(std::string{stream});
    const auto before = store_.engine().read(query{all}.to(until).backwards().limit(1));
    std::optional<revision> out;
    if (const auto* event = before->next()) {
        out = event->stream_revision;
        if (event->log_position == until)
            return out;
    }
    if (until >= store_.end())
        return out;
    // Of what is missing, nobody knows where it was: it may have come before that moment.
    if (const auto after = store_.engine().read(query{all}.from(until.next()).limit(1));
        const auto* event = after->next()) {
        const revision next{events_until(out)};
        if (event->stream_revision > next)
            require_whole(stream, next, revision{event->stream_revision.value() - 1}, true, false);
    }
    return out;
}

void repository_engine::start_from_snapshot(any_aggregate into, revision up_to) {
    check(!into.base.last_revision(), "a snapshot is loaded into an empty aggregate");
    auto wanted = up_to;
    while (auto found =
               store_.engine().load_snapshot(into.base.stream(), functions_.fold_name, wanted)) {
        if (found->at <= wanted && is_usable(*found, into)) {
            access::folded(into.base, found->at, found->log_position);
            access::snapshot_at(into.base) = found->at;
            ++stats_.snapshots_used;
            return;
        }
        // An older one may be from before a layout was changed and changed back, or undamaged.
        if (found->at == revision{} || found->at > wanted)
            return;
        wanted = revision{found->at.value() - 1};
    }
}

bool repository_engine::has_our_stamps(const snapshot& found) const noexcept {
    return found.layout == functions_.layout && found.fold_version == functions_.fold_version;
}

void repository_engine::report_mismatch(const snapshot& found) {
    ++stats_.snapshots_mismatched;
    // One sentence for all that were saved by the same program, however many streams there are.
    if (!reported_.emplace(found.layout, found.fold_version).second)
        return;
    std::string differs;
    if (found.fold_version != functions_.fold_version)
        differs = "its fold_version is " + std::to_string(found.fold_version) +
                  ", and the state's " + std::to_string(functions_.fold_version);
    if (found.layout != functions_.layout) {
        differs += differs.empty() ? "" : "; ";
        differs += "its layout is of other fields, or of another list of events, than the state's";
    }
    store_.engine().note(
        "snapshots of the fold " + quoted(found.fold) +
        " are passed over, and events replayed; the first of stream " + quoted(found.stream) +
        " at " + in_words(found.at) + ": " + differs
    );
}

bool repository_engine::is_usable(const snapshot& found, any_aggregate into) {
    if (!has_our_stamps(found)) {
        report_mismatch(found);
        return false;
    }
    try {
        functions_.decode(found.state, into.state);
        return true;
    } catch (const std::exception&) {
        ++stats_.snapshots_undecodable;
        return false;
    }
}

void repository_engine::require_no_end(std::string_view stream) {
    if (auto end = store_.engine().end_of(stream))
        throw stream_ended{std::string{stream}, std::move(*end)};
}

void repository_engine::require_whole(
    std::string_view stream, revision first, revision last, bool is_past, bool is_found
) {
    if (options_.missing == missing_events::refuse)
        throw missing_history{std::string{stream}, first, last};
    if (!is_past)
        return;
    if (is_found && first == revision{}) {
        const auto known = store_.engine().about(stream);
        if (known.begins_at > last || known.kept != retention{})
            return;
    }
    throw missing_history{std::string{stream}, first, last};
}

void repository_engine::read_tail(any_aggregate into, any_fold fold, revision up_to) {
    fold_events(into, fold, up_to, false);
}

void repository_engine::read_past(any_aggregate into, any_fold fold, revision up_to) {
    // All that anything was superseded by is there.
    const bool is_past = store_.last_revision(into.base.stream()) > up_to;
    fold_events(into, fold, up_to, is_past);
    const revision next{events_until(into.base.last_revision())};
    if (is_past && next <= up_to)
        require_whole(into.base.stream(), next, up_to, true, false);
}

void repository_engine::fold_events(
    any_aggregate into, any_fold fold, revision up_to, bool is_past
) {
    auto& base = into.base;
    const auto last = base.last_revision();
    if (last && *last >= up_to) {
        require_no_end(base.stream());
        return;
    }
    const auto first = last ? last->next() : revision{};
    auto tail = query{}.stream(base.stream()).from_revision(first);
    if (up_to != last_possible)
        tail.to_revision(up_to);

    const auto skipped_before = fold.table.skipped();
    const auto replayed_before = stats_.events_replayed;
    const auto time = options_.snapshots.replay_time ? clock() : nullptr;
    const auto begun = time ? time->monotonic() : std::chrono::nanoseconds{};
    auto expected = first;
    tear_guard guard{base};
    try {
        const auto cursor = store_.engine().read(tail);
        while (const auto* event = cursor->next()) {
            if (event->stream_revision != expected) [[unlikely]]
                require_whole(
                    base.stream(),
                    expected,
                    revision{event->stream_revision.value() - 1},
                    is_past,
                    true
                );
            expected = event->stream_revision.next();
            fold.table.apply(fold.slots, into.state, *event);
            access::folded(base, event->stream_revision, event->log_position);
            ++stats_.events_replayed;
        }
    } catch (error& e) {
        e.add(
            "replaying stream " + quoted(base.stream()) + " from revision " +
            std::to_string(first.value())
        );
        throw;
    }
    // Of a stream that has ended nothing is read.
    if (expected == first)
        require_no_end(base.stream());
    stats_.events_skipped += fold.table.skipped() - skipped_before;
    if (time)
        took(base, stats_.events_replayed - replayed_before, time->monotonic() - begun);
    guard.whole();
}

void repository_engine::took(
    aggregate_base& base, std::uint64_t events, std::chrono::nanoseconds time
) {
    access::replayed_for(base) += time;
    // Of a short one the time would be that of finding the events.
    if (events < longest_replay_)
        return;
    longest_replay_ = events;
    longest_replay_took_ = time;
}

void repository_engine::catch_up(any_aggregate into, any_fold fold) {
    check_name(into.base.stream());
    require_no_end(into.base.stream());
    const auto last = store_.last_revision(into.base.stream());
    if (last == into.base.last_revision())
        return;
    if (!into.base.last_revision())
        start_from_snapshot(into, last_possible);
    read_tail(into, fold, last_possible);
    // All that the stream had is out of reach: the state is the first one, and the stream goes on.
    if (last && !into.base.last_revision()) {
        require_whole(into.base.stream(), revision{}, *last, false, false);
        access::folded(into.base, *last, {});
    }
}

append_result repository_engine::append(any_aggregate from) {
    auto& base = from.base;
    check_name(base.stream());
    if (access::is_torn(base))
        throw error{
            errc::invalid,
            "an apply() of the aggregate of stream " + quoted(base.stream()) +
                " threw; load it again before saving"};
    check(!base.uncommitted().empty(), "an append has events");

    append_request request;
    auto& to = request.streams.emplace_back();
    to.stream = base.stream();
    to.expected = expected_revision::of(base.last_revision());
    to.events = std::move(access::uncommitted(base));
    auto give_back = [&] { access::uncommitted(base) = std::move(to.events); };
    try {
        auto result = store_.append(request);
        if (result) {
            access::saved(base, result->last_revisions.front(), result->last);
            save_snapshot_if_due(from);
        } else {
            give_back();
            ++stats_.conflicts;
        }
        return result;
    } catch (...) {
        give_back();
        throw;
    }
}

bool repository_engine::is_whole(std::string_view stream) {
    const auto first = store_.engine().read(query{}.stream(std::string{stream}).limit(1));
    const auto* event = first->next();
    if (event == nullptr || event->stream_revision == revision{})
        return event != nullptr;
    // What no rule hides was removed as superseded.
    const auto known = store_.engine().about(stream);
    return known.begins_at == revision{} && known.kept == retention{};
}

snapshot repository_engine::snapshot_of(any_aggregate of) const {
    snapshot out{
        .stream = of.base.stream(),
        .fold = std::string{functions_.fold_name},
        .at = of.base.last_revision().value(),
        .log_position = access::last_position(of.base),
        .layout = functions_.layout,
        .fold_version = functions_.fold_version};
    functions_.encode(of.state, out.state);
    return out;
}

bool repository_engine::save_snapshot(any_aggregate of) {
    check(of.base.uncommitted().empty(), "a snapshot holds saved events only");
    if (!is_whole(of.base.stream()))
        return false;
    const auto taken = snapshot_of(of);
    store_.engine().save_snapshot(taken);
    access::saved_snapshot(of.base, taken.at);
    ++stats_.snapshots_saved;
    return true;
}

bool repository_engine::is_snapshot_due(aggregate_base& base) const {
    const auto& policy = options_.snapshots;
    const auto since = events_until(base.last_revision()) - events_until(access::snapshot_at(base));
    if (policy.every_events && since >= *policy.every_events)
        return true;
    if (!policy.replay_time)
        return false;
    if (access::replayed_for(base) >= *policy.replay_time)
        return true;
    if (longest_replay_ == 0)
        return false;
    const auto each =
        static_cast<double>(longest_replay_took_.count()) / static_cast<double>(longest_replay_);
    return each * static_cast<double>(since) >= static_cast<double>(policy.replay_time->count());
}

void repository_engine::save_snapshot_if_due(any_aggregate of) noexcept {
    if (!is_snapshot_due(of.base))
        return;
    // The events are durable: nothing that goes wrong now may look as if they were not.
    try {
        static_cast<void>(save_snapshot(of));
    } catch (const std::exception&) {
        ++stats_.snapshots_failed;
    }
}

compact_report repository_engine::compact(any_aggregate folded, any_aggregate spare) {
    const auto& stream = folded.base.stream();
    if (!folded.base.last_revision())
        throw error{
            errc::invalid,
            "stream " + quoted(stream) + " has no events: there is nothing to compact"};

    const auto bytes_before = store_.stats().bytes;
    const auto taken = snapshot_of(folded);
    byte_buffer again;
    functions_.decode(taken.state, spare.state);
    functions_.encode(spare.state, again);
    if (again != taken.state)
        throw error{
            errc::encoding,
            "the state of stream " + quoted(stream) +
                " changes when it is encoded and decoded; nothing was archived. A codec or "
                "describe "
                "of one of its fields loses something"};

    const bool has_snapshot = is_whole(stream);
    if (has_snapshot) {
        store_.engine().save_snapshot(taken);
        ++stats_.snapshots_saved;
        // A snapshot that nobody has read back is a hope. Equal bytes decode to the state just
        // checked.
        const auto found = store_.engine().load_snapshot(stream, taken.fold, taken.at);
        if (!found || *found != taken)
            throw error{
                errc::damaged,
                "the snapshot of stream " + quoted(stream) + " at " + in_words(taken.at) +
                    " does not read back as it was saved; nothing was archived"};
        access::saved_snapshot(folded.base, taken.at);
    }

    const auto archived = store_.engine().archive(
        stream,
        taken.at,
        has_snapshot ? "a snapshot holds the state"
                     : "not all of its past can be reached, and there is no snapshot"
    );
    return {
        .bytes_before = bytes_before,
        .bytes_after = store_.stats().bytes,
        .events_covered = events_until(taken.at),
        .segments = archived.segments,
        .events_archived = archived.events,
        .snapshot_bytes = has_snapshot ? taken.state.size() : 0,
        .at = taken.at};
}

void repository_engine::prepare_retry(const append_conflict& lost) {
    ++stats_.retries;
    wait_for_winner(store_, lost);
}

void repository_engine::fail_with(const append_conflict& lost) {
    lost.raise();
}

} // namespace everfold::detail
