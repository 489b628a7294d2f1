// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/store/query_explanation.hpp>

#include <initializer_list>
#include <string_view>
#include <utility>

namespace everfold {

namespace {

std::string counted(std::uint64_t n, std::string_view what) {
    std::string out = std::to_string(n);
    out += ' ';
    out += what;
    if (n != 1)
        out += 's';
    return out;
}

using part = std::pair<std::uint64_t, std::string_view>;

/// "3 by tag, 1 by type"; nothing for zeros.
std::string list_of(std::initializer_list<part> parts) {
    std::string out;
    for (const auto& [n, what] : parts) {
        if (n == 0)
            continue;
        if (!out.empty())
            out += ", ";
        out += std::to_string(n);
        out += ' ';
        out += what;
    }
    return out;
}

std::string name(std::string_view kind, std::string_view text) {
    std::string out{kind};
    out += " '";
    out += printable(text);
    out += '\'';
    return out;
}

void add_item(std::string& out, const item_explanation& e) {
    std::string asks;
    const auto ask = [&](const std::string& what, std::optional<std::uint64_t> events) {
        asks += asks.empty() ? "" : ", ";
        asks += what;
        if (events)
            asks += " (" + counted(*events, "event") + ")";
    };
    for (std::size_t i = 0; i < e.item.tags.size(); ++i)
        ask(name("tag", e.item.tags[i]), i < e.tag_events.size() ? e.tag_events[i] : 0);
    if (e.item.stream)
        ask(name("stream", *e.item.stream), e.stream_events);
    if (e.item.category)
        ask(name("category", *e.item.category),
            e.item.stream ? std::nullopt : std::optional{e.stream_events});
    std::string types;
    for (const auto& type : e.item.types)
        types += types.empty() ? name("type", type) : " or " + name("type", type);
    if (!types.empty())
        ask(types, e.type_events);
    if (asks.empty())
        asks = "every event";
    out += "item:     " + asks + '\n';
    const auto found = list_of(
        {{e.segments_by_tag, "by tag"},
         {e.segments_by_stream, "by stream"},
         {e.segments_by_type, "by type"},
         {e.segments_by_position, "by position"},
         {e.segments_by_nothing, "not at all, a name is missing there"}}
    );
    if (!found.empty())
        out += "          segments: " + found + '\n';
}

} // namespace

std::string query_explanation::to_string() const {
    std::string out;
    for (const auto& item : items)
        add_item(out, item);
    for (const auto& condition : conditions)
        out += "where:    " + condition + '\n';
    out += "segments: " + std::to_string(segments);
    const auto parts = list_of(
        {{segments_outside, "out of bounds"},
         {segments_at_other_times, "at other times"},
         {segments_without_match, "without a match"},
         {segments_entered, reading ? "entered" : "to read"}}
    );
    if (!parts.empty())
        out += ": " + parts;
    out += '\n';
    if (!reading)
        return out;
    const auto& r = *reading;
    out += "read:     " + counted(r.candidates, "candidate") + ", " +
           counted(r.frames_read, "frame") + ", " + counted(r.events_decoded, "event");
    if (r.frames_skipped_by_time != 0)
        out += "; " + counted(r.frames_skipped_by_time, "frame") + " skipped by time";
    const auto fell_out = list_of(
        {{r.events_unmatched, "by other names"},
         {r.events_at_other_times, "by time"},
         {r.events_out_of_reach, "by rules"},
         {r.events_failing_conditions, "by conditions"}}
    );
    out += "\nevents:   " + counted(r.events_delivered, "event");
    if (!fell_out.empty())
        out += "; left out: " + fell_out;
    out += '\n';
    return out;
}

} // namespace everfold
