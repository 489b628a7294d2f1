// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/derived_id.hpp>
#include <everfold/log/discovery.hpp>
#include <everfold/log/rebuilding.hpp>
#include <everfold/log/repair.hpp>
#include <everfold/log/salvaged_log.hpp>
#include <everfold/log/salvaged_streams.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace everfold::log {

namespace {

void require_new(const io::machine& machine, const std::string& from, const std::string& into) {
    if (io::join(into, "").starts_with(io::join(from, "")))
        throw error{
            errc::invalid,
            "'" + printable(into) + "' lies in the log that is repaired, which is not changed"};
    const auto kind = machine.files->kind(into, true);
    if (kind == io::path_kind::missing)
        return machine.files->make_directory(into);
    if (kind != io::path_kind::directory || !machine.files->list(into).empty())
        throw error{
            errc::invalid,
            "'" + printable(into) + "' is there already; a repair goes into a new one"};
}

/// The new log, while it is made.
class repaired_log {
public:
    repaired_log(
        const io::machine& machine, std::string into, const found_log& found, bool has_other_id
    )
        : log_{
              machine,
              std::move(into),
              {.log_id = has_other_id ? uuid{} : found.log_id,
               .limits = found.limits,
               .created_ns = found.created_ns}} {
        if (has_other_id)
            old_id_ = found.log_id;
    }

    [[nodiscard]] const uuid& id() const { return log_.id(); }

    /// Appends it as it was, but for what `restate` says otherwise.
    [[nodiscard]] placed append(
        const salvaged_batch& batch,
        const std::function<std::optional<byte_buffer>(const salvaged_event&)>& restate
    ) {
        drafts_.clear();
        restated_.clear();
        restated_.reserve(batch.events.size()); // drafts look into it
        for (const auto& event : batch.events) {
            auto id = event.record.id;
            if (id.is_nil() && old_id_)
                id = derived_id(*old_id_, event.at);
            auto payload = event.record.payload;
            if (auto other = restate(event))
                payload = restated_.emplace_back(std::move(*other));
            drafts_.push_back({
                .stream = *event.stream,
                .type = *event.type,
                .version = event.version,
                .tags = event.tags,
                .occurred_at = event.record.occurred_at,
                .originally_recorded_at = timestamp::from_nanoseconds(event.record.recorded_ns),
                .id = id,
                .correlation_id = event.record.correlation_id,
                .causation_id = event.record.causation_id,
                .metadata = event.record.metadata,
                .payload = payload,
            });
        }
        return log_.append(drafts_, batch.append_id, batch.recorded_ns);
    }

    /// At the time of the last append.
    void append(const own_event& event) {
        const draft d{
            .stream = event.stream,
            .type = event.type,
            .version = event.version,
            .payload = event.payload};
        static_cast<void>(log_.append({&d, 1}));
    }

    void finish(const std::string& report) {
        log_.close();
        log_.add_file(repair_report_name, as_bytes(report));
        log_.finish();
    }

private:
    rebuilt_log log_;
    std::optional<uuid> old_id_{};
    std::vector<draft> drafts_{};
    std::vector<byte_buffer> restated_{};
};

class repairing {
public:
    repairing(const io::machine& machine, const std::string& from, const repair_steps& steps)
        : machine_{&machine}
        , from_{&from}
        , steps_{&steps}
        , found_{discover(machine, from)} {}

    repair_report run(const std::string& into) {
        // Once to see whether positions stay, which decides about the new log's identity, and what
        // becomes of revisions.
        salvaged_streams all;
        const auto foreseen = salvage(all, [](const salvaged_batch&) { return std::string{}; });
        require_new(*machine_, *from_, into);
        const bool is_same = foreseen.lost.empty() && foreseen.removed.empty();
        repaired_log made{*machine_, into, found_, !is_same};
        salvaged_streams streams;
        std::vector<kept_range> kept;
        std::vector<std::string> notes;
        std::uint64_t events = 0;
        std::uint64_t batches = 0;
        bool has_own_streams = false;
        auto report = salvage(streams, [&](const salvaged_batch& batch) {
            placed now;
            try {
                now = made.append(batch, [&](const salvaged_event& event) {
                    return restated(event, all, notes);
                });
            } catch (const error& e) {
                if (e.code() != errc::invalid && e.code() != errc::limit)
                    throw;
                return "no writer takes it: " + e.message();
            }
            for (std::size_t i = 0; i < batch.events.size(); ++i) {
                keep(kept, batch.events[i].at, now.first.advanced(i));
                has_own_streams =
                    has_own_streams || batch.events[i].stream->starts_with(own_stream_prefix);
            }
            events += batch.events.size();
            ++batches;
            return std::string{};
        });
        report.into = made.id();
        report.events = events;
        report.batches = batches;
        report.kept = std::move(kept);
        streams.tell(report);
        if (is_same && !(report.lost.empty() && report.removed.empty()))
            throw error{
                errc::io,
                "the log in '" + printable(*from_) +
                    "' changed while it was read; stop its writer, and repair it into another "
                    "directory"};
        if (!is_same && steps_->conclude) {
            for (const auto& event : steps_->conclude(all, notes)) {
                made.append(event);
                ++report.added;
            }
        }
        report.notes.insert(report.notes.end(), notes.begin(), notes.end());
        note_lost_rules(report, has_own_streams || !report.removed.empty());
        made.finish(steps_->describe(report));
        return report;
    }

private:
    /// Walks all that is intact; what `take` takes is kept in `streams`.
    [[nodiscard]] repair_report salvage(salvaged_streams& streams, const batch_taker& take) const {
        return salvage_log(
            *machine_,
            *from_,
            found_,
            steps_->check_event,
            steps_->on_progress,
            [&](const salvaged_batch& batch) {
                auto why = take(batch);
                if (!why.empty())
                    return why;
                for (const auto& e : batch.events)
                    streams.keep(*e.stream, batch.segment, e.stream_base, e.at, e.stream_revision);
                return std::string{};
            },
            {.revisions = [&](const std::string& stream, revision first, revision end
                          ) { streams.lose(stream, first, end); },
             .named = [&](std::string_view stream,
                          std::uint64_t base) { streams.name(stream, base); },
             .known = [&](position_range positions) { streams.know(positions); }}
        );
    }

    [[nodiscard]] std::optional<byte_buffer> restated(
        const salvaged_event& event, const salvaged_streams& kept, std::vector<std::string>& notes
    ) const {
        if (!steps_->restate || !event.stream->starts_with(own_stream_prefix))
            return {};
        return steps_->restate(event, kept, notes);
    }

    static void keep(std::vector<kept_range>& kept, position at, position now) {
        if (!kept.empty() && kept.back().positions.end == at)
            kept.back().positions.end = at.next();
        else
            kept.push_back({{at, at.next()}, now});
    }

    /// What a lost rule put out of reach can be reached again.
    static void note_lost_rules(repair_report& report, bool may_have_rules) {
        std::uint64_t named = 0;
        bool has_rules = false;
        for (const auto& s : report.streams) {
            named += s.end - s.first;
            has_rules = has_rules || s.stream.starts_with(own_stream_prefix);
        }
        if (has_rules)
            report.notes.emplace_back("rules of streams are among what is lost: what they put out "
                                      "of reach can be read in "
                                      "the new log, as far as it was not removed");
        else if (may_have_rules && named < report.lost_events())
            report.notes.emplace_back(
                "not every lost event is known by its stream: if a rule of a stream is among them, "
                "what it put out of reach can be read in the new log"
            );
    }

    const io::machine* machine_;
    const std::string* from_;
    const repair_steps* steps_;
    found_log found_;
};

} // namespace

repair_report repair(
    const io::machine& machine,
    const std::string& directory,
    const std::string& into,
    const repair_steps& steps
) {
    return repairing{machine, directory, steps}.run(into);
}

} // namespace everfold::log
