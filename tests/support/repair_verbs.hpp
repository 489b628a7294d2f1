// SPDX-License-Identifier: MIT
#pragma once
// What tests of repair say: an event with all it has, a repair, what must hold of its report.

#include <everfold/log/derived_id.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/repair.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace everfold::testing {

struct whole_event {
    std::string stream{};
    std::uint64_t revision{};
    std::string type{};
    std::uint32_t version{};
    uuid id{};
    uuid correlation{};
    uuid causation{};
    std::int64_t recorded_ns{};
    timestamp occurred{};
    std::string metadata{};
    std::string payload{};
    std::vector<std::string> tags{};

    friend bool operator==(const whole_event&, const whole_event&) = default;
};

inline std::vector<whole_event> read_whole(const io::machine& machine, const std::string& path) {
    const auto log = log::event_log::open(machine, path, small_log(log::access::read_only));
    const auto& index = log->index();
    log::log_cursor cursor{index, {.items = {log::selection_item{}}}};
    std::vector<whole_event> out;
    while (const auto* e = cursor.next()) {
        whole_event w{
            .stream = std::string{e->stream},
            .revision = e->stream_revision.value(),
            .type = index.type(e->type).name,
            .version = index.type(e->type).version,
            .id = e->record.id.is_nil() ? log::derived_id(index.log_id(), e->at) : e->record.id,
            .correlation = e->record.correlation_id,
            .causation = e->record.causation_id,
            .recorded_ns = e->record.recorded_ns,
            .occurred = e->record.occurred_at,
            .metadata = std::string{as_text(e->record.metadata)},
            .payload = std::string{as_text(e->record.payload)}};
        const auto& in = *e->in->index;
        for (std::size_t i = 0; i < e->record.tag_count(); ++i)
            w.tags.emplace_back(in.tag(in.tag_number(e->record.tag(i))));
        out.push_back(std::move(w));
    }
    return out;
}

inline repair_report repaired(
    const std::shared_ptr<io::simulated_disk>& disk,
    const std::string& from = "/log",
    const std::string& into = "/new"
) {
    return log::repair(
        io::simulated_machine(disk, 1U << 30U), // no log of a test has this seed
        from,
        into,
        {.check_event = [](const log::event_record&) { return std::string{}; },
         .on_progress = [](std::uint64_t) {},
         .describe = [](const repair_report& r) { return std::to_string(r.lost_events()); }}
    );
}

/// The report and the new log in `into` against what the log held before it was damaged, and before
/// the events at the positions `removed` were. Returns the old positions that were kept.
inline std::set<std::uint64_t> check_repair(
    const std::shared_ptr<io::simulated_disk>& disk,
    const repair_report& report,
    const std::vector<whole_event>& truth,
    const std::string& into = "/new",
    const std::set<std::uint64_t>& removed = {}
) {
    const auto machine = io::simulated_machine(disk, 98);
    const auto now = read_whole(machine, into);
    CHECK(is_clean(machine, into));
    CHECK(report.events == now.size());
    CHECK(report.end.value() <= truth.size());
    CHECK((!report.is_end_known || report.end.value() == truth.size()));
    CHECK((report.from == report.into) == (report.lost.empty() && report.removed.empty()));

    // (stream, revision) that the report calls lost or removed.
    std::map<std::string, std::set<std::uint64_t>> lost_revisions;
    for (const auto& s : report.streams) {
        for (auto r = s.first; r < s.end; r = r.next())
            lost_revisions[s.stream].insert(r.value());
    }
    std::set<std::pair<std::string, std::uint64_t>> truly_removed;
    for (const auto p : removed)
        truly_removed.emplace(truth.at(p).stream, truth.at(p).revision);
    for (const auto& s : report.removed_of_streams) {
        for (auto r = s.first; r < s.end; r = r.next()) {
            CHECK(truly_removed.contains({s.stream, r.value()}));
            CHECK(lost_revisions[s.stream].insert(r.value()).second);
        }
    }
    std::set<std::uint64_t> kept;
    std::uint64_t new_position = 0;
    for (const auto& range : report.kept) {
        CHECK(range.now.value() == new_position);
        for (auto p = range.positions.first; p < range.positions.end; p = p.next()) {
            CHECK(kept.insert(p.value()).second);
            REQUIRE(p.value() < truth.size());
            REQUIRE(new_position < now.size());
            CHECK_FALSE(removed.contains(p.value()));
            auto wanted = truth[p.value()];
            const auto& lost = lost_revisions[wanted.stream];
            CHECK_FALSE(lost.contains(wanted.revision));
            wanted.revision -= static_cast<std::uint64_t>(
                std::distance(lost.begin(), lost.lower_bound(wanted.revision))
            );
            CHECK(now[new_position] == wanted);
            ++new_position;
        }
    }
    CHECK(new_position == now.size());
    // What is neither kept nor behind the end is on the list, and nothing else.
    std::set<std::uint64_t> listed;
    for (const auto& l : report.lost) {
        for (auto p = l.positions.first; p < l.positions.end; p = p.next())
            listed.insert(p.value());
        CHECK_FALSE(l.why.empty());
    }
    for (const auto& r : report.removed) {
        for (auto p = r.first; p < r.end; p = p.next()) {
            CHECK(removed.contains(p.value()));
            CHECK(listed.insert(p.value()).second);
        }
    }
    for (std::uint64_t p = 0; p < report.end.value(); ++p)
        CHECK(listed.contains(p) != kept.contains(p));
    CHECK((listed.empty() || *listed.rbegin() < report.end.value()));
    return kept;
}

} // namespace everfold::testing
