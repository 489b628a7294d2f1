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

#include <utility>

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

nlohmann::ordered_json json_of(const position_range& r) {
    return {{"first", r.first.value()}, {"last", r.end.value() - 1}};
}

nlohmann::ordered_json json_of(const missing_revisions& s) {
    return {
        {"stream", s.stream},
        {"first_revision", s.first.value()},
        {"last_revision", s.end.value() - 1}};
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
    auto out = nlohmann::ordered_json{
        {"complete", report.is_complete()},
        {"from_log", report.from.to_string()},
        {"into_log", report.into.to_string()},
        {"events", report.events},
        {"appends", report.batches},
        {"added_rules", report.added},
        {"lost_events", report.lost_events()},
        {"removed_events", report.removed_events()},
        {"end", report.end.value()},
        {"is_end_known", report.is_end_known},
        {"torn_bytes", report.torn_bytes}};
    for (const auto* list :
         {"kept",
          "lost",
          "streams",
          "removed",
          "removed_of_streams",
          "removals",
          "damage",
          "notes"})
        out[list] = nlohmann::ordered_json::array();
    for (const auto& k : report.kept) {
        auto range = json_of(k.positions);
        range["now"] = k.now.value();
        out["kept"].push_back(std::move(range));
    }
    for (const auto& l : report.lost) {
        auto range = json_of(l.positions);
        range["why"] = l.why;
        out["lost"].push_back(std::move(range));
    }
    for (const auto& s : report.streams) {
        out["streams"].push_back(json_of(s));
        out["streams"].back()["may_be_removed"] = s.may_be_removed;
    }
    for (const auto& r : report.removed)
        out["removed"].push_back(json_of(r));
    for (const auto& s : report.removed_of_streams)
        out["removed_of_streams"].push_back(json_of(s));
    for (const auto& r : report.removals)
        out["removals"].push_back(
            {{"file", r.file}, {"at", r.at.to_string()}, {"events", r.events}, {"why", r.why}}
        );
    for (const auto& d : report.damage)
        out["damage"].push_back({{"file", d.file}, {"offset", d.at.value()}, {"error", d.what}});
    for (const auto& n : report.notes)
        out["notes"].push_back(n);
    return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace everfold
