// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/io/deferred.hpp>
#include <everfold/log/creation.hpp>
#include <everfold/log/derived_id.hpp>
#include <everfold/log/discovery.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/repair.hpp>
#include <everfold/log/salvaged_log.hpp>

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace everfold::log {

namespace {

/// Says that it is when the append at hand was recorded, so that it is recorded then.
class past_clock final : public io::clock {
public:
    explicit past_clock(std::shared_ptr<io::clock> now)
        : now_{std::move(now)} {}

    timestamp now() override { return at_; }

    std::chrono::nanoseconds monotonic() override { return now_->monotonic(); }

    void set(std::int64_t ns) { at_ = timestamp::from_nanoseconds(ns); }

private:
    std::shared_ptr<io::clock> now_;
    timestamp at_{};
};

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

/// The streams that have lost revisions.
class lost_in_streams {
public:
    void add(const std::string& stream, std::uint64_t first, std::uint64_t end) {
        ranges_[stream].push_back({first, end});
    }

    /// An event that had one revision and has another: what lies between is lost, as far as it was
    /// not already.
    void compare(const std::string& stream, revision old, revision now) {
        auto& known = progress_[stream];
        known.next_old = old.next();
        known.next_now = now.next();
        const auto shift = known.shifts.empty() ? 0 : known.shifts.back().second;
        if (old.value() <= now.value() + shift)
            return;
        add(stream, now.value() + shift, old.value());
        known.shifts.emplace_back(old.value(), old - now);
    }

    /// See new_revision.
    [[nodiscard]] revision now(std::string_view stream, revision old) const {
        const auto found = progress_.find(std::string{stream});
        if (found == progress_.end())
            return {};
        const auto& known = found->second;
        if (old >= known.next_old)
            return known.next_now;
        const auto behind = std::ranges::upper_bound(
            known.shifts, old.value(), {}, &std::pair<std::uint64_t, std::uint64_t>::first
        );
        const auto shift = behind == known.shifts.begin() ? 0 : std::prev(behind)->second;
        const auto here = old.value() - shift;
        return revision{
            behind == known.shifts.end() ? here : std::min(here, behind->first - behind->second)};
    }

    [[nodiscard]] std::vector<lost_revisions> take() {
        std::vector<lost_revisions> out;
        for (auto& [stream, ranges] : ranges_) {
            std::ranges::sort(ranges);
            std::optional<std::pair<std::uint64_t, std::uint64_t>> open;
            const auto close = [&] {
                if (open)
                    out.push_back({stream, revision{open->first}, revision{open->second}});
            };
            for (const auto& range : ranges) {
                if (open && range.first <= open->second) {
                    open->second = std::max(open->second, range.second);
                    continue;
                }
                close();
                open = range;
            }
            close();
        }
        return out;
    }

private:
    std::map<std::string, std::vector<std::pair<std::uint64_t, std::uint64_t>>> ranges_{};
    struct progress {
        /// From the old revision on, by how much the new one is less.
        std::vector<std::pair<std::uint64_t, std::uint64_t>> shifts{};
        revision next_old{};
        revision next_now{};
    };

    std::map<std::string, progress> progress_{};
};

using own_adapter =
    std::function<std::optional<byte_buffer>(std::string_view type, bytes_view payload)>;

/// The new log, while it is made.
class repaired_log {
public:
    repaired_log(
        const io::machine& machine, std::string into, const found_log& found, bool has_other_id
    )
        : clock_{std::make_shared<past_clock>(machine.time)}
        , files_{std::make_shared<io::deferred_files>(machine.files, into, manifest_name)}
        , machine_{machine}
        , into_{std::move(into)} {
        machine_.files = files_;
        machine_.time = clock_;
        machine_.has_background = false;
        clock_->set(found.created_ns);
        prepare_directory(machine_, into_);
        {
            const auto lock = files_->try_lock(io::join(into_, lock_name));
            create_log(machine_, into_, found.limits, has_other_id ? uuid{} : found.log_id);
        }
        log_ = event_log::open(
            machine_,
            into_,
            {.mode = access::existing, .compress_sealed = false, .allow_unsafe_file_system = true}
        );
        if (has_other_id)
            old_id_ = found.log_id;
    }

    [[nodiscard]] const uuid& id() const { return log_->index().log_id(); }

    /// Appends it as it was.
    [[nodiscard]] placed append(const salvaged_batch& batch, const own_adapter& adapt) {
        drafts_.clear();
        adapted_.clear();
        for (const auto& event : batch.events) {
            auto id = event.record.id;
            if (id.is_nil() && old_id_)
                id = derived_id(*old_id_, event.at);
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
                .payload = event.record.payload,
            });
            if (!event.stream->starts_with(own_stream_prefix))
                continue;
            if (auto payload = adapt(*event.type, event.record.payload)) {
                adapted_.push_back(std::move(*payload));
                drafts_.back().payload = adapted_.back();
            }
        }
        clock_->set(batch.recorded_ns);
        auto out = log_->append(drafts_, batch.append_id, [](const stream_heads&) { return true; });
        check(out.has_value(), "an append without a condition happens");
        return std::move(*out);
    }

    void finish(const std::string& report) {
        log_->close();
        io::replace_durably(*files_, io::join(into_, repair_report_name), as_bytes(report));
        files_->finish();
    }

private:
    std::shared_ptr<past_clock> clock_;
    std::shared_ptr<io::deferred_files> files_;
    io::machine machine_;
    std::string into_;
    std::unique_ptr<event_log> log_{};
    std::optional<uuid> old_id_{};
    std::vector<draft> drafts_{};
    std::deque<byte_buffer> adapted_{};
};

class repairing {
public:
    repairing(const io::machine& machine, const std::string& from, const repair_steps& steps)
        : machine_{&machine}
        , from_{&from}
        , steps_{&steps}
        , found_{discover(machine, from)} {}

    repair_report run(const std::string& into) {
        // Once to see whether positions stay, which decides about the new log's identity.
        const auto foreseen = salvage_log(
            *machine_,
            *from_,
            found_,
            steps_->check_event,
            steps_->on_progress,
            [](const salvaged_batch&) { return std::string{}; },
            [](const std::string&, revision, revision) {}
        );
        require_new(*machine_, *from_, into);
        repaired_log made{
            *machine_, into, found_, !foreseen.lost.empty() || !foreseen.removed.empty()};
        lost_in_streams streams;
        const auto adapt = [&](std::string_view type, bytes_view payload) {
            return steps_->adapt(type, payload, [&](std::string_view stream, revision old) {
                return streams.now(stream, old);
            });
        };
        std::vector<kept_range> kept;
        std::uint64_t events = 0;
        std::uint64_t batches = 0;
        auto report = salvage_log(
            *machine_,
            *from_,
            found_,
            steps_->check_event,
            steps_->on_progress,
            [&](const salvaged_batch& batch) {
                placed now;
                try {
                    now = made.append(batch, adapt);
                } catch (const error& e) {
                    if (e.code() != errc::invalid && e.code() != errc::limit)
                        throw;
                    return "no writer takes it: " + e.message();
                }
                for (std::size_t i = 0; i < batch.events.size(); ++i)
                    streams.compare(
                        *batch.events[i].stream, batch.events[i].stream_revision, now.revisions[i]
                    );
                for (std::size_t i = 0; i < batch.events.size(); ++i)
                    keep(kept, batch.events[i].at, now.first.advanced(i));
                events += batch.events.size();
                ++batches;
                return std::string{};
            },
            [&](const std::string& stream, revision first, revision end) {
                streams.add(stream, first.value(), end.value());
            }
        );
        report.into = made.id();
        report.events = events;
        report.batches = batches;
        report.kept = std::move(kept);
        // What was removed for good leaves gaps, too; where nothing else is missing, they are all.
        if (!report.lost.empty())
            report.streams = streams.take();
        if (!report.lost.empty() && foreseen.lost.empty())
            throw error{
                errc::io,
                "the log in '" + printable(*from_) +
                    "' changed while it was read; stop its writer, and repair it into another "
                    "directory"};
        made.finish(steps_->describe(report));
        return report;
    }

private:
    static void keep(std::vector<kept_range>& kept, position at, position now) {
        if (!kept.empty() && kept.back().positions.end == at)
            kept.back().positions.end = at.next();
        else
            kept.push_back({{at, at.next()}, now});
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
