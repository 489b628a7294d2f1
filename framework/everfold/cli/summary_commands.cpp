// SPDX-License-Identifier: MIT
// types and stats: what is in a log, in numbers.

#include <everfold/cli/commands.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/table.hpp>
#include <everfold/cli/text.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::cli {

namespace {

/// Events that belong together.
struct group {
    std::string name{};
    std::uint32_t version{};
    std::uint64_t events{};
    std::uint64_t bytes{};
    position first{};
    position last{};
    timestamp first_recorded{};
    timestamp last_recorded{};
};

/// One pass over the log; groups in the order of their first event.
template <class Key>
class survey {
public:
    template <class View>
    void add(const View& key, std::string_view name, const recorded_event& event) {
        auto found = places_.find(key);
        if (found == places_.end()) {
            found = places_.emplace(Key{key}, groups_.size()).first;
            groups_.push_back(
                {.name = std::string{name},
                 .version = event.version,
                 .first = event.log_position,
                 .first_recorded = event.recorded_at}
            );
        }
        auto& g = groups_[found->second];
        ++g.events;
        g.bytes += event.payload.size();
        g.last = event.log_position;
        g.last_recorded = event.recorded_at;
    }

    [[nodiscard]] const std::vector<group>& groups() const noexcept { return groups_; }

private:
    std::map<Key, std::size_t, std::less<>> places_{};
    std::vector<group> groups_{};
};

void visit_all(store& log, const std::function<void(const recorded_event&)>& visit) {
    progress bar{"reading", log.end().value()};
    std::uint64_t events = 0;
    for (const auto& event : log.read()) {
        visit(event);
        ++events;
        bar.update(events, events);
    }
}

// To the end of the object.
std::string json_of(const group& g) {
    return fmt::format(
        R"("events":{},"bytes":{},"first_position":{},"last_position":{},)"
        R"("first_recorded_at":"{}","last_recorded_at":"{}"}})",
        g.events,
        g.bytes,
        g.first.value(),
        g.last.value(),
        g.first_recorded.to_string(),
        g.last_recorded.to_string()
    );
}

void print_types(const std::vector<group>& groups, output& out) {
    table rows{{
        {"TYPE"},
        {"VERSION", table::align::right},
        {"EVENTS", table::align::right},
        {"DATA", table::align::right},
        {"FIRST RECORDED"},
        {"LAST RECORDED"},
    }};
    for (const auto& g : groups)
        rows.add({
            {g.name, colour::green},
            {std::to_string(g.version), colour::dim},
            {with_thousands(g.events)},
            {in_units(g.bytes)},
            {in_milliseconds(g.first_recorded), colour::dim},
            {in_milliseconds(g.last_recorded), colour::dim},
        });
    if (!groups.empty())
        rows.print(out);
    out.print("{}\n", counted(groups.size(), "type"));
}

} // namespace

void list_types(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::read_only);
    survey<std::uint32_t> types;
    visit_all(log, [&](const recorded_event& e) { types.add(e.type_number, e.type, e); });
    if (!args.as_json)
        return print_types(types.groups(), out);
    for (const auto& g : types.groups())
        out.write_json_line(fmt::format(
            R"({{"type":{},"version":{},{})", quoted_json(g.name), g.version, json_of(g)
        ));
}

void show_stats(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::read_only);
    const auto stats = log.stats();
    std::string first;
    std::string last;
    for (const auto& e : log.read(query{}.limit(1)))
        first = e.recorded_at.to_string();
    for (const auto& e : log.read(query{}.backwards().limit(1)))
        last = e.recorded_at.to_string();
    const auto torn = log.report().torn_bytes;
    if (args.as_json)
        return out.write_json_line(fmt::format(
            R"({{"log_id":"{}","events":{},"streams":{},"segments":{},"archived_segments":{},)"
            R"("bytes":{},"snapshots":{},"torn_bytes":{},)"
            R"("first_recorded_at":{},"last_recorded_at":{}}})",
            log.log_id().to_string(),
            stats.events,
            stats.streams,
            stats.segments,
            stats.archived_segments,
            stats.bytes,
            stats.snapshots,
            torn,
            first.empty() ? "null" : quoted_json(first),
            last.empty() ? "null" : quoted_json(last)
        ));
    const auto line = [&](std::string_view what, const std::string& value) {
        out.print(
            "{}{}{}\n", out.in(colour::cyan, what), std::string(16 - what.size(), ' '), value
        );
    };
    line("log", log.log_id().to_string());
    line("events", with_thousands(stats.events));
    line("streams", with_thousands(stats.streams));
    line(
        "segments",
        stats.archived_segments == 0 ? with_thousands(stats.segments)
                                     : fmt::format(
                                           "{}, {} of them archived",
                                           with_thousands(stats.segments),
                                           with_thousands(stats.archived_segments)
                                       )
    );
    line("snapshots", with_thousands(stats.snapshots));
    line("size", in_units(stats.bytes));
    line("first recorded", first.empty() ? "-" : first);
    line("last recorded", last.empty() ? "-" : last);
    if (torn != 0)
        line("unfinished", counted(torn, "byte"));
}

} // namespace everfold::cli
