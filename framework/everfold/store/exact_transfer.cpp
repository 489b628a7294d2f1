// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/log/creation.hpp>
#include <everfold/log/derived_id.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/rebuilding.hpp>
#include <everfold/store/exact_line.hpp>
#include <everfold/store/exact_transfer.hpp>
#include <everfold/store/stream_rules.hpp>

#include <utility>
#include <vector>

namespace everfold {

namespace {

exact_event line_of(const log::log_event& found, const log::log_index& index, const uuid& log_id) {
    const auto& record = found.record;
    const auto& type = index.type(found.type);
    exact_event out;
    out.at = found.at;
    out.stream = found.stream;
    out.stream_revision = found.stream_revision;
    out.recorded_ns = record.recorded_ns;
    out.event.type = type.name;
    out.event.version = type.version;
    out.event.id = record.id;
    if (record.id.is_nil())
        out.derived_id = log::derived_id(log_id, found.at);
    out.event.occurred_at = record.occurred_at;
    out.event.correlation_id = record.correlation_id;
    out.event.causation_id = record.causation_id;
    const auto& names = *found.in->index;
    for (std::size_t i = 0; i < record.tag_count(); ++i)
        out.event.tags.emplace_back(names.tag(names.tag_number(record.tag(i))));
    out.event.metadata.assign(record.metadata.begin(), record.metadata.end());
    out.event.payload.assign(record.payload.begin(), record.payload.end());
    return out;
}

/// Takes in the lines of one export, and makes the log.
class exact_import {
public:
    exact_import(const line_source& from, const std::string& into, const io::machine& machine)
        : from_{&from}
        , into_{&into}
        , machine_{machine} {}

    exact_report run(const progress_sink& on_progress) {
        const auto header = first_line();
        header_ = header;
        log::prepare_import(machine_, *into_);
        made_.emplace(
            machine_,
            *into_,
            log::rebuilt_log::origin{header.log_id, header.limits, header.created_ns}
        );
        while (!is_over_) {
            take(next_line());
            if (on_progress)
                on_progress(report_.end.value());
        }
        if ((*from_)())
            refuse(number_ + 1, "it is behind the last line of the export");
        require_known_rules();
        made_->close();
        made_->finish();
        log::conclude_import(machine_, *into_);
        report_.log_id = header.log_id;
        return report_;
    }

private:
    [[noreturn]] static void refuse(std::uint64_t line, const std::string& what) {
        throw error{errc::encoding, "line " + std::to_string(line) + ": " + what};
    }

    [[noreturn]] void refuse(const std::string& what) const { refuse(number_, what); }

    exact_line next_line() {
        const auto text = (*from_)();
        if (!text)
            refuse(
                number_ + 1,
                number_ == 0 ? "there is none; an exact export has at least two"
                             : "it is missing: the export was cut short"
            );
        ++number_;
        try {
            return exact_line_from(*text);
        } catch (const error& e) {
            if (e.code() != errc::encoding)
                throw;
            refuse(e.message());
        }
    }

    exact_header first_line() {
        const auto line = next_line();
        const auto* header = std::get_if<exact_header>(&line);
        if (header == nullptr)
            refuse("it is not the first line of an exact export");
        try {
            log::require_possible(header->limits);
        } catch (const error& e) {
            refuse(e.message());
        }
        return *header;
    }

    void take(exact_line line) {
        if (auto* event = std::get_if<exact_event>(&line))
            return take(std::move(*event));
        if (const auto* gone = std::get_if<exact_removed>(&line))
            throw error{
                errc::invalid,
                "line " + std::to_string(number_) + ": the events at positions " +
                    std::to_string(gone->first.value()) + " to " +
                    std::to_string(gone->last.value()) +
                    " were removed from the log, and a new one can't have that gap. Repair the "
                    "log into a new one, in which positions close up, and export that"};
        const auto* end = std::get_if<exact_end>(&line);
        if (end == nullptr)
            refuse("it begins another export");
        if (left_ != 0)
            refuse(
                "the append of line " + std::to_string(batch_line_) + " lacks " +
                std::to_string(left_) + " of its events"
            );
        if (end->end != report_.end || end->events != report_.events ||
            end->appends != report_.appends)
            refuse("the export says that it has other events than it has");
        is_over_ = true;
    }

    void take(exact_event event) {
        if (event.at != report_.end)
            refuse(
                "the event at position " + std::to_string(event.at.value()) +
                " comes where that at " + std::to_string(report_.end.value()) + " must"
            );
        if (event.begins.has_value() != (left_ == 0))
            refuse(
                left_ == 0 ? "the event belongs to no append"
                           : "an append begins before the one of line " +
                                 std::to_string(batch_line_) + " is complete"
            );
        if (event.recorded_ns < recorded_ns_)
            refuse("'recorded_at' lies before that of the event before");
        if (event.event.id.is_nil() &&
            event.derived_id != log::derived_id(header_.log_id, event.at))
            refuse("'derived_id' is not what log and position give");
        recorded_ns_ = event.recorded_ns;
        if (event.begins) {
            left_ = event.begins->count;
            append_id_ = event.begins->id;
            batch_line_ = number_;
            bytes_ = 0;
        }
        // Ahead of the log, which would say so once all of it is in memory.
        bytes_ += event.event.payload.size() + event.event.metadata.size() + event.stream.size() +
                  event.event.type.size();
        for (const auto& tag : event.event.tags)
            bytes_ += tag.size();
        if (bytes_ > header_.limits.batch_bytes_max)
            refuse(
                "the append of line " + std::to_string(batch_line_) +
                " takes more than the export's own limit"
            );
        batch_.push_back(std::move(event));
        report_.end = report_.end.next();
        if (--left_ == 0)
            append();
    }

    void append() {
        drafts_.clear();
        for (const auto& e : batch_)
            drafts_.push_back({
                .stream = e.stream,
                .type = e.event.type,
                .version = e.event.version,
                .tags = e.event.tags,
                .occurred_at = e.event.occurred_at,
                .originally_recorded_at = e.event.originally_recorded_at,
                .id = e.event.id,
                .correlation_id = e.event.correlation_id,
                .causation_id = e.event.causation_id,
                .metadata = e.event.metadata,
                .payload = e.event.payload,
            });
        log::placed now;
        try {
            now = made_->append(drafts_, append_id_, recorded_ns_);
        } catch (const error& e) {
            if (e.code() != errc::invalid && e.code() != errc::limit)
                throw;
            refuse(batch_line_, "no log takes the append that begins here: " + e.message());
        }
        for (std::size_t i = 0; i < batch_.size(); ++i) {
            if (now.revisions[i] != batch_[i].stream_revision)
                refuse(
                    batch_line_ + i,
                    "'revision' must be " + std::to_string(now.revisions[i].value()) +
                        ", the next one of the stream"
                );
        }
        report_.events += batch_.size();
        ++report_.appends;
        batch_.clear();
    }

    /// Else the log would open, and not be read.
    void require_known_rules() const {
        try {
            stream_rules{}.refresh(made_->index());
        } catch (error& e) {
            e.add("reading the rules of streams that the export holds");
            throw;
        }
    }

    const line_source* from_;
    const std::string* into_;
    io::machine machine_;
    std::optional<log::rebuilt_log> made_{};
    exact_header header_{};
    exact_report report_{};
    std::uint64_t number_{};
    std::int64_t recorded_ns_{};
    bool is_over_{};
    // The append at hand.
    std::vector<exact_event> batch_{};
    std::vector<log::draft> drafts_{};
    uuid append_id_{};
    std::uint64_t left_{};
    std::uint64_t batch_line_{};
    std::uint64_t bytes_{};
};

} // namespace

exact_report export_exactly(
    const std::string& path,
    const line_sink& to,
    const progress_sink& on_progress,
    const io::machine& machine
) {
    const auto log = log::event_log::open(machine, path, {.mode = log::access::read_only});
    const auto content = log::read_manifest(*machine.files, path).content;
    to(to_line(exact_header{content.log_id, content.created_ns, content.limits}));
    exact_report out{.log_id = content.log_id};
    const auto& index = log->index();
    log::selection all;
    all.items.emplace_back();
    log::log_cursor cursor{index, std::move(all)};
    const auto pass_removed = [&](position until) {
        if (until <= out.end)
            return;
        out.removed += until - out.end;
        to(to_line(exact_removed{out.end, position{until.value() - 1}}));
        out.end = until;
    };
    std::optional<position> batch;
    while (const auto* event = cursor.next()) {
        pass_removed(event->at);
        auto line = line_of(*event, index, content.log_id);
        const auto append = cursor.batch();
        if (batch != append.first) {
            batch = append.first;
            line.begins = exact_append{append.count, append.id};
            ++out.appends;
        }
        to(to_line(line));
        ++out.events;
        out.end = event->at.next();
        if (on_progress)
            on_progress(out.end.value());
    }
    pass_removed(cursor.end());
    to(to_line(exact_end{out.end, out.events, out.appends}));
    return out;
}

exact_report
export_exactly(const std::string& path, const line_sink& to, const progress_sink& on_progress) {
    return export_exactly(path, to, on_progress, io::posix_machine());
}

exact_report import_exactly(
    const line_source& from,
    const std::string& into,
    const progress_sink& on_progress,
    const io::machine& machine
) {
    return exact_import{from, into, machine}.run(on_progress);
}

exact_report
import_exactly(const line_source& from, const std::string& into, const progress_sink& on_progress) {
    return import_exactly(from, into, on_progress, io::posix_machine());
}

} // namespace everfold
