// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/event/cbor.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/log/backup.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/repair.hpp>
#include <everfold/log/verification.hpp>
#include <everfold/store/carried_rules.hpp>
#include <everfold/store/snapshot_files.hpp>
#include <everfold/store/snapshot_place.hpp>
#include <everfold/store/tools.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace everfold {

namespace {

progress_sink or_nothing(const progress_sink& on_progress) {
    return on_progress ? on_progress : [](std::uint64_t) {};
}

std::string what_is_wrong_with(const log::event_record& event) {
    const char* what = "data";
    try {
        validate(event.payload);
        what = "metadata";
        if (!event.metadata.empty())
            validate(event.metadata);
        return {};
    } catch (const encoding_error& e) {
        return std::string{"the "} + what + " of this event is not well-formed: " + e.message();
    }
}

/// What is wrong with snapshots: they are ignored, and folds take longer.
void look_at_snapshots(
    const std::string& path, const io::machine& machine, std::vector<std::string>& notes
) {
    const auto ignored = [&](const std::string& name, const std::string& why) {
        notes.push_back("the snapshot '" + name + "' is ignored: " + why);
    };
    std::unique_ptr<log::event_log> log;
    try {
        log = log::event_log::open(machine, path, {.mode = log::access::read_only});
    } catch (const error&) {
        const auto names = snapshot_files{machine, path, {}}.all_names();
        if (!names.empty())
            notes.push_back(
                std::to_string(names.size()) +
                " snapshots were not looked at, since the log does not open"
            );
        return;
    }
    const auto& index = log->index();
    const snapshot_files snapshots{machine, path, index.log_id()};
    for (const auto& name : snapshots.all_names()) {
        std::string why;
        const auto found = snapshots.load(name, why);
        if (!found) {
            // A writer replaces them meanwhile.
            if (machine.files->kind(io::join(path, name)) != io::path_kind::missing)
                ignored(name, why);
            continue;
        }
        const auto& s = found->content;
        try {
            if (!is_place_of(s, index) || index.chain_at(s.log_position) != found->chain)
                ignored(name, "the log does not confirm it");
        } catch (const error& e) {
            ignored(name, "what it was made of can't be read: " + e.message());
        }
    }
}

/// JSON, member by member. A nlohmann::json of many would need memory to be destroyed.
class json_writer {
public:
    json_writer& member(std::string_view name, std::uint64_t value) {
        return raw(name, std::to_string(value));
    }

    json_writer& member(std::string_view name, position value) {
        return member(name, value.value());
    }

    json_writer& member(std::string_view name, bool value) {
        return raw(name, value ? "true" : "false");
    }

    json_writer& member(std::string_view name, const std::string& value) {
        return raw(name, text(value));
    }

    template <class List, class ToJson>
    json_writer& list(std::string_view name, const List& values, const ToJson& json_of_one) {
        std::string all;
        for (const auto& value : values) {
            all += all.empty() ? "" : ",";
            all += json_of_one(value);
        }
        return raw(name, "[" + all + "]");
    }

    [[nodiscard]] std::string done() const { return "{" + out_ + "}"; }

    [[nodiscard]] static std::string text(const std::string& value) {
        const nlohmann::json quoted(value);
        return quoted.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    }

private:
    json_writer& raw(std::string_view name, const std::string& value) {
        out_ += out_.empty() ? "\"" : ",\"";
        out_ += name;
        out_ += "\":";
        out_ += value;
        return *this;
    }

    std::string out_{};
};

json_writer json_of(const position_range& r) {
    return json_writer{}.member("first", r.first).member("last", r.end.value() - 1);
}

json_writer json_of(const missing_revisions& s) {
    return json_writer{}
        .member("stream", s.stream)
        .member("first_revision", s.first.value())
        .member("last_revision", s.end.value() - 1);
}

} // namespace

backup_report back_up(
    const std::string& path, const std::string& into, sealed_files how, const io::machine& machine
) {
    return log::back_up(machine, path, into, how);
}

backup_report back_up(const std::string& path, const std::string& into, sealed_files how) {
    return back_up(path, into, how, io::posix_machine());
}

verification
verify(const std::string& path, const progress_sink& on_progress, const io::machine& machine) {
    auto out = log::verify_log(machine, path, what_is_wrong_with, or_nothing(on_progress));
    look_at_snapshots(path, machine, out.notes);
    return out;
}

verification verify(const std::string& path, const progress_sink& on_progress) {
    return verify(path, on_progress, io::posix_machine());
}

repair_report repair(
    const std::string& path,
    const std::string& into,
    const progress_sink& on_progress,
    const io::machine& machine
) {
    carried_rules rules;
    return log::repair(
        machine,
        path,
        into,
        {.check_event = what_is_wrong_with,
         .on_progress = or_nothing(on_progress),
         .restate = [&](const auto& event, const auto& kept, auto& notes
                    ) { return rules.restate(event, kept, notes); },
         .conclude = [&](const auto& kept, auto& notes) { return rules.conclude(kept, notes); },
         .describe = [](const repair_report& report) { return to_json(report) + "\n"; }}
    );
}

repair_report
repair(const std::string& path, const std::string& into, const progress_sink& on_progress) {
    return repair(path, into, on_progress, io::posix_machine());
}

std::string to_json(const repair_report& report) {
    return json_writer{}
        .member("complete", report.is_complete())
        .member("from_log", report.from.to_string())
        .member("into_log", report.into.to_string())
        .member("events", report.events)
        .member("appends", report.batches)
        .member("added_rules", report.added)
        .member("lost_events", report.lost_events())
        .member("removed_events", report.removed_events())
        .member("end", report.end)
        .member("is_end_known", report.is_end_known)
        .member("torn_bytes", report.torn_bytes)
        .list(
            "kept",
            report.kept,
            [](const auto& k) { return json_of(k.positions).member("now", k.now).done(); }
        )
        .list(
            "lost",
            report.lost,
            [](const auto& l) { return json_of(l.positions).member("why", l.why).done(); }
        )
        .list(
            "streams",
            report.streams,
            [](const auto& s) {
                return json_of(s).member("may_be_removed", s.may_be_removed).done();
            }
        )
        .list("removed", report.removed, [](const auto& r) { return json_of(r).done(); })
        .list(
            "removed_of_streams",
            report.removed_of_streams,
            [](const auto& s) { return json_of(s).done(); }
        )
        .list(
            "removals",
            report.removals,
            [](const auto& r) {
                return json_writer{}
                    .member("file", r.file)
                    .member("at", r.at.to_string())
                    .member("events", r.events)
                    .member("why", r.why)
                    .done();
            }
        )
        .list(
            "damage",
            report.damage,
            [](const auto& d) {
                return json_writer{}
                    .member("file", d.file)
                    .member("offset", d.at.value())
                    .member("error", d.what)
                    .done();
            }
        )
        .list("notes", report.notes, [](const auto& n) { return json_writer::text(n); })
        .done();
}

} // namespace everfold
