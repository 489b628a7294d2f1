// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/event/cbor.hpp>
#include <everfold/log/number_slots.hpp>
#include <everfold/store/context.hpp>
#include <everfold/store/log_selection.hpp>
#include <everfold/store/log_store.hpp>
#include <everfold/store/log_store_cursor.hpp>
#include <everfold/store/query_conditions.hpp>
#include <everfold/store/repeated_append.hpp>
#include <everfold/store/snapshot_place.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace everfold {

namespace {

void require_sensible(const append_request& request) {
    if (request.streams.empty())
        throw error{errc::invalid, "an append names at least one stream"};
    log::number_slots seen;
    std::uint32_t count = 0;
    for (const auto& to : request.streams) {
        if (to.events.empty())
            throw error{
                errc::invalid,
                "an append has at least one event for each stream; '" + printable(to.stream) +
                    "' has none"};
        if (request.streams.size() == 1)
            return;
        const auto hash = std::hash<std::string_view>{}(to.stream);
        if (seen.find(hash, [&](std::uint32_t i) {
                return request.streams[i].stream == to.stream;
            }))
            throw error{
                errc::invalid,
                "an append names each stream once; '" + printable(to.stream) + "' is there twice"};
        seen.add(hash, count++);
    }
}

/// Texts and bytes stay the request's.
std::vector<log::draft> drafts_of(const append_request& request) {
    std::size_t count = 0;
    for (const auto& to : request.streams)
        count += to.events.size();
    std::vector<log::draft> out;
    out.reserve(count);
    for (const auto& to : request.streams) {
        for (const auto& event : to.events) {
            validate(event.payload);
            if (!event.metadata.empty())
                validate(event.metadata);
            out.push_back({
                .stream = to.stream,
                .type = event.type,
                .version = event.version,
                .tags = event.tags,
                .occurred_at = event.occurred_at,
                .originally_recorded_at = event.originally_recorded_at,
                .id = event.id,
                .correlation_id = event.correlation_id,
                .causation_id = event.causation_id,
                .metadata = event.metadata,
                .payload = event.payload,
            });
        }
    }
    return out;
}

bool names_own_stream(const query& q) {
    return std::ranges::any_of(q.items(), [](const query_item& item) {
        return item.stream && item.stream->starts_with(log::own_stream_prefix);
    });
}

/// The log's own streams are not among what it asks for, and need not be hidden.
bool names_streams_only(const query& q) {
    const auto& items = q.items();
    return !items.empty() && std::ranges::all_of(items, [](const query_item& item) {
        return item.stream ||
               (item.category && !item.category->starts_with(log::own_stream_prefix));
    });
}

bool names_own_stream(const append_request& request) {
    return std::ranges::any_of(request.conditions, [](const append_condition& c) {
        const auto* unmatched = std::get_if<no_event_matching>(&c);
        return unmatched != nullptr && names_own_stream(unmatched->matching);
    });
}

/// Why a request was not admitted.
struct refusal {
    std::optional<append_conflict> conflict{};
    bool is_repeated{}; ///< its id was used before
};

/// Whether the request is a new one, and all that it expects holds.
bool admits(
    const append_request& request,
    condition_check& conditions,
    const log::stream_heads& heads,
    refusal& why
) {
    if (!request.append_id.is_nil() && heads.has_append(request.append_id)) {
        why.is_repeated = true;
        return false;
    }
    for (const auto& to : request.streams) {
        const auto last = heads.last(to.stream);
        if (!to.expected.holds_for(last)) {
            why.conflict = {to.stream, to.expected, last, {}, {}};
            return false;
        }
    }
    why.conflict = conditions.first_unmet(heads);
    return !why.conflict;
}

std::vector<std::size_t> event_counts(const append_request& request) {
    std::vector<std::size_t> out;
    out.reserve(request.streams.size());
    for (const auto& to : request.streams)
        out.push_back(to.events.size());
    return out;
}

append_result answer_to(const log::placed& placed, const std::vector<std::size_t>& event_counts) {
    appended out{placed.first, placed.first.advanced(placed.revisions.size() - 1), {}};
    std::size_t end = 0;
    for (const auto count : event_counts) {
        end += count;
        out.last_revisions.push_back(placed.revisions[end - 1]);
    }
    return out;
}

} // namespace

log_store::log_store(std::shared_ptr<log::event_log> log, const store_capabilities& able)
    : log_{std::move(log)}
    , log_id_{log_->index().log_id()}
    , able_{able}
    , snapshots_{log_->machine(), log_->directory(), log_id_} {
    const auto& found = log_->notes();
    report_ = {found.torn_bytes, found.quarantine_file, found.notes};
}

log_store::~log_store() = default;

uuid log_store::log_id() const {
    return log_id_;
}

std::shared_ptr<io::clock> log_store::clock() const {
    return log_->machine().time;
}

store_capabilities log_store::capabilities() const {
    return able_;
}

open_report log_store::report() const {
    for (auto& sentence : log_->take_notes())
        note(std::move(sentence));
    const std::lock_guard lock{noting_};
    return report_;
}

void log_store::note(std::string sentence) const {
    const std::lock_guard lock{noting_};
    if (std::ranges::find(report_.notes, sentence) == report_.notes.end())
        report_.notes.push_back(std::move(sentence));
}

void log_store::require_open(const append_request& request) {
    for (const auto& to : request.streams) {
        if (to.stream.starts_with(log::own_stream_prefix))
            throw error{
                errc::invalid,
                "'" + printable(to.stream) +
                    "' is one of the log's own streams, as is every name " +
                    "that begins with '$'; choose another name"};
        if (rules().is_tombstoned(to.stream))
            throw error{
                errc::tombstoned,
                "the stream '" + printable(to.stream) +
                    "' has ended: it was tombstoned, and its name is never used again"};
    }
}

condition_check log_store::conditions_of(const append_request& request) {
    // Most appends ask about no query.
    const bool asks = std::ranges::any_of(request.conditions, [](const append_condition& c) {
        return std::holds_alternative<no_event_matching>(c);
    });
    const bool asks_own = asks && names_own_stream(request);
    const auto& index = log_->index();
    return {index, request, asks ? reachable(index, asks_own) : nullptr};
}

append_result log_store::append(const append_request& request) {
    const auto filled = detail::in_context(request);
    return append_as_is(filled ? *filled : request);
}

append_result log_store::append_as_is(const append_request& request) {
    require_sensible(request);
    const auto drafts = drafts_of(request);
    const std::shared_lock no_rule_changes{ruling_};
    if (const auto before = found_in_ended(request, drafts))
        return *before;
    require_open(request);
    for (;;) {
        refusal why;
        auto conditions = conditions_of(request);
        const auto placed = log_->append(
            drafts,
            request.append_id,
            [&](const log::stream_heads& heads) { return admits(request, conditions, heads, why); },
            request.level
        );
        if (placed)
            return answer_to(*placed, event_counts(request));
        if (request.append_id.is_nil())
            return *why.conflict;
        // It may be on its way, appended by whoever has not been told yet.
        log_->settle_begun();
        const auto& index = log_->index();
        const auto before = why.is_repeated ? index.find_append(request.append_id)
                                            : find_behind_conflict(index, request, *why.conflict);
        if (before)
            return answer_again(index, *before, request, drafts);
        if (!why.is_repeated)
            return *why.conflict;
        // What was on its way did not arrive.
    }
}

std::future<append_result> log_store::append_async(const append_request& given) {
    const auto filled = detail::in_context(given);
    const auto& request = filled ? *filled : given;
    require_sensible(request);
    const auto drafts = drafts_of(request);
    const std::shared_lock no_rule_changes{ruling_};
    if (auto before = found_in_ended(request, drafts)) {
        std::promise<append_result> told;
        told.set_value(std::move(*before));
        return told.get_future();
    }
    require_open(request);
    const auto why = std::make_shared<refusal>();
    auto conditions = conditions_of(request);
    auto out = log_->append_async<append_result>(
        drafts,
        request.append_id,
        [&](const log::stream_heads& heads) { return admits(request, conditions, heads, *why); },
        request.level,
        [why, counts = event_counts(request)](const std::optional<log::placed>& placed) {
            return placed ? answer_to(*placed, counts)
                          : append_result{why->conflict.value_or(append_conflict{})};
        },
        log_
    );
    const bool may_be_repeated =
        !request.append_id.is_nil() && (why->is_repeated || why->conflict.has_value());
    if (!may_be_repeated)
        return out;
    // Nothing was begun; what there was before is found when somebody asks.
    return std::async(std::launch::deferred, [self = shared_from_this(), request] {
        return self->append_as_is(request);
    });
}

std::optional<append_result>
log_store::found_in_ended(const append_request& request, std::span<const log::draft> drafts) {
    const auto has_ended = [&](const stream_append& to) {
        return rules().is_tombstoned(to.stream);
    };
    if (request.append_id.is_nil() || std::ranges::none_of(request.streams, has_ended))
        return {};
    // It was appended before the stream ended, or never; and a rule waits for what is in flight.
    const auto& index = log_->index();
    auto before = index.find_append(request.append_id);
    if (!before)
        before = find_behind_expectation(index, request);
    return before ? std::optional{append_result{answer_again(index, *before, request, drafts)}}
                  : std::nullopt;
}

position log_store::durable_position() {
    return log_->durable_position();
}

bool log_store::wait_durable(position p, std::chrono::milliseconds timeout) {
    return log_->wait_durable(p, timeout);
}

const stream_rules& log_store::rules(const log::log_index& index) {
    // Only this store's writer can record rules, where it has one.
    if (!log_->is_writable() || !are_rules_known_) {
        rules_.refresh(index);
        are_rules_known_ = true;
    }
    return rules_;
}

const stream_rules& log_store::rules() {
    // Asking for the index reads what another process has written, where one may have.
    return log_->is_writable() && are_rules_known_ ? rules_ : rules(log_->index());
}

std::shared_ptr<const log::reachability>
log_store::reachable(const log::log_index& index, bool shows_own) {
    const auto& known = rules(index);
    if (known.are_none() && shows_own)
        return nullptr;
    return std::make_shared<reachable_now>(known, index, clock()->now(), shows_own);
}

bool log_store::is_whole(std::string_view stream) {
    if (stream.empty()) // the whole log
        return rules().are_none();
    if (!rules().of(stream))
        return true;
    const auto first = read(query{}.stream(std::string{stream}).limit(1));
    const auto* event = first->next();
    return event != nullptr && event->stream_revision == revision{};
}

append_result log_store::append_rule(
    std::string_view stream, new_event rule, expected_revision expected, revision begin
) {
    if (stream.empty() || stream.starts_with(log::own_stream_prefix))
        throw error{
            errc::invalid, "a rule is for one of your streams, not '" + printable(stream) + "'"};
    const std::unique_lock no_appends{ruling_};
    if (rules().is_tombstoned(stream))
        throw error{
            errc::tombstoned,
            "the stream '" + printable(stream) + "' has ended: it was tombstoned"};
    append_request request;
    request.streams.push_back({std::string{rules_stream}, expected_revision::any(), {}});
    request.streams.front().events.push_back(std::move(rule));
    const auto drafts = drafts_of(request);
    // Whatever fails from here on, the rule may be recorded: who asks next, looks.
    struct looked_at_again {
        std::atomic<bool>& are_known;
        bool is_known{};

        explicit looked_at_again(std::atomic<bool>& known) noexcept
            : are_known{known} {}

        looked_at_again(const looked_at_again&) = delete;
        looked_at_again& operator=(const looked_at_again&) = delete;
        looked_at_again(looked_at_again&&) = delete;
        looked_at_again& operator=(looked_at_again&&) = delete;

        ~looked_at_again() {
            if (!is_known)
                are_known = false;
        }
    } after{are_rules_known_};
    std::optional<append_conflict> lost;
    const auto placed = log_->append(drafts, {}, [&](const log::stream_heads& heads) {
        const auto last = heads.last(stream);
        if (!expected.holds_for(last))
            lost = {std::string{stream}, expected, last, {}, {}};
        // Else events that are appended later, and acknowledged, could never be reached.
        const auto next = last ? last->value() + 1 : 0;
        if (!lost && begin.value() > next)
            throw error{
                errc::invalid,
                "the stream '" + printable(stream) + "' can begin at revision " +
                    std::to_string(next) + " at most, which its next event gets, and not at " +
                    std::to_string(begin.value())};
        return !lost;
    });
    if (!placed)
        return *lost;
    rules_.refresh(log_->index());
    after.is_known = true;
    return appended{placed->first, placed->first, {placed->revisions.front()}};
}

append_result
log_store::truncate(std::string_view stream, revision begin, expected_revision expected) {
    return append_rule(stream, truncated_event(stream, begin), expected, begin);
}

append_result
log_store::tombstone(std::string_view stream, expected_revision expected, std::string_view why) {
    if (why.size() > log::provenance_text_max)
        throw error{errc::invalid, "the reason of a tombstone takes at most 4,096 bytes"};
    return append_rule(stream, tombstoned_event(stream, why), expected);
}

append_result
log_store::describe(std::string_view stream, bytes_view metadata, expected_revision expected) {
    if (metadata.size() > stream_metadata_max)
        throw error{errc::limit, "a stream's metadata take at most 65,536 bytes"};
    return append_rule(stream, described_event(stream, metadata), expected);
}

append_result log_store::retain(std::string_view stream, const retention& kept) {
    if (kept.max_age.count() < 0)
        throw error{errc::invalid, "events are kept for a time that is not negative"};
    return append_rule(stream, retained_event(stream, kept), expected_revision::any());
}

scavenge_report log_store::scavenge(const scavenge_options& options) {
    if (options.why.size() > log::provenance_text_max)
        throw error{errc::invalid, "the reason of a removal takes at most 4,096 bytes"};
    const auto& index = log_->index();
    const auto& known = rules(index);
    const reachable_now reachable{known, index, clock()->now(), true};
    const auto plan = [&](const log::readable_segment& in) {
        return known.are_none() ? log::removal{} : unreachable_in(in, index, known, reachable);
    };
    const auto done =
        options.is_dry_run ? log_->plan_scavenge(plan) : log_->scavenge(plan, options.why);
    scavenge_report out{
        .events = done.events,
        .segments = done.segments,
        .bytes_before = done.bytes_before,
        .bytes_after = done.bytes_after};
    const std::lock_guard lock{saving_};
    const auto is_gone = [&](std::string_view stream) { return !is_whole(stream); };
    if (!known.are_none())
        out.snapshots =
            options.is_dry_run ? snapshots_.count_if(is_gone) : snapshots_.remove_if(is_gone);
    return out;
}

std::vector<removal_record> log_store::removals() {
    std::vector<removal_record> out;
    const auto& index = log_->index();
    for (const auto& view : index.segments()) {
        if (!view.entry->is_rewritten)
            continue;
        const auto in = index.open(view);
        for (auto& record :
             log::provenance_of(in.source, *in.entry, index.log_id(), index.batch_bytes_max()))
            out.push_back({
                .at = timestamp::from_nanoseconds(record.at_ns),
                .events = record.removed_events,
                .why = std::move(record.why),
                .segment = in.entry->number,
                .first = in.entry->first,
                .source_bytes = record.source_bytes,
            });
    }
    std::ranges::sort(out, {}, [](const removal_record& r) { return std::pair{r.at, r.segment}; });
    return out;
}

std::unique_ptr<event_cursor> log_store::read(const query& q) {
    const auto& index = log_->index();
    auto wanted = select(q, index);
    if (wanted)
        wanted->reachable = reachable(index, names_own_stream(q) || names_streams_only(q));
    return std::make_unique<log_store_cursor>(log_, index, q, std::move(wanted));
}

query_explanation log_store::explain(const query& q) {
    const auto& index = log_->index();
    log_store_cursor cursor{log_, index, q, select(q, index)};
    return cursor.survey();
}

position log_store::end() {
    return log_->index().end();
}

std::optional<revision> log_store::last_revision(std::string_view stream) {
    const auto next = log_->index().next_revision(stream);
    return next ? std::optional{revision{*next - 1}} : std::nullopt;
}

std::optional<position> log_store::position_at(timestamp t) {
    return log_->index().position_at(t);
}

std::vector<std::string> log_store::streams() {
    const auto& index = log_->index();
    auto out = index.stream_names();
    if (const auto now = reachable(index, false)) {
        std::erase_if(out, [&](const std::string& name) {
            return now->of(name).from_revision >= index.next_revision(name).value_or(0);
        });
    }
    return out;
}

bool log_store::wait_for(position p, std::chrono::milliseconds timeout) {
    return log_->wait_for(p, timeout);
}

void log_store::save_snapshot(const snapshot& s) {
    if (!log_->is_writable())
        throw error{
            errc::read_only,
            "'" + log_->directory() + "' was opened for reading only; a snapshot needs a writer"};
    const auto& index = log_->index();
    if (!is_place_of(s, index))
        throw error{
            errc::invalid,
            "a snapshot of stream '" + printable(s.stream) + "' at revision " +
                std::to_string(s.at.value()) + " does not name an event of this log"};
    const std::lock_guard lock{saving_};
    snapshots_.save(s, index.chain_at(s.log_position).value());
}

std::optional<snapshot>
log_store::load_snapshot(std::string_view stream, std::string_view fold, revision up_to) {
    const auto& index = log_->index();
    // A state of events that can't be reached any more; what it was folded from is not in it.
    if (!is_whole(stream))
        return {};
    for (const auto& name : snapshots_.names(stream, fold, up_to)) {
        std::string why;
        auto found = snapshots_.load(name, stream, fold, why);
        if (found && (!is_place_of(found->content, index) ||
                      index.chain_at(found->content.log_position) != found->chain)) {
            why = "the log does not confirm it";
            found.reset();
        }
        if (found)
            return std::move(found->content);
        auto ignored = "the snapshot '" + name;
        ignored += "' is ignored: ";
        ignored += why;
        note(std::move(ignored));
    }
    return {};
}

store_stats log_store::stats() {
    const auto segments = log_->count_segments();
    return {
        .events = log_->index().event_count(),
        .streams = streams().size(),
        .segments = segments.all,
        .archived_segments = segments.archived,
        .bytes = log_->stored_bytes(),
        .snapshots = snapshots_.count()};
}

void log_store::close() {
    log_->close();
}

checkpoint log_store::checkpoint_at(position next) {
    const auto& index = log_->index();
    const auto end = index.end();
    if (next > end)
        throw error{
            errc::invalid,
            "a checkpoint can't be at position " + std::to_string(next.value()) +
                ": the log ends at " + std::to_string(end.value())};
    checkpoint out{log_id_, next, 0};
    if (next != position{})
        out.digest = index.chain_at(position{next.value() - 1}).value_or(0);
    return out;
}

} // namespace everfold
