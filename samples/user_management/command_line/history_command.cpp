// SPDX-License-Identifier: MIT
// history: the events of one user, found by their tag, and what each of them changed.

#include "../canonical.hpp"
#include "../tutorial_format.hpp"
#include "../user_management.hpp"
#include "commands.hpp"

#include <everfold/aggregate/diff.hpp>
#include <everfold/base/bytes.hpp>

#include <string>
#include <vector>

namespace users {

namespace {

using everfold::state_change;

// One event's changes, each by its JSON pointer without the first slash: "email", "address/city".
nlohmann::ordered_json json_of(const std::vector<state_change>& changes) {
    auto out = nlohmann::ordered_json::object();
    for (const auto& c : changes) {
        auto& one = out[c.path.substr(1)] = nlohmann::ordered_json::object();
        if (!c.before.empty())
            one["before"] = everfold::parse_json(c.before);
        if (!c.after.empty())
            one["after"] = everfold::parse_json(c.after);
    }
    return out;
}

std::string
json_line(const everfold::recorded_event& event, const std::vector<state_change>* changes) {
    auto line = nlohmann::ordered_json::object();
    line["position"] = event.log_position.value();
    line["recorded_at"] = event.recorded_at.to_string();
    line["timestamp"] = event.occurred_at.to_milliseconds();
    line["event_type"] = event.type;
    line["data"] = everfold::json_from_cbor(event.payload);
    if (changes != nullptr)
        line["changes"] = json_of(*changes);
    std::string out;
    append_json(out, line, canonical_style);
    return out;
}

std::string shown(const output& out, const std::string& json, colour tint) {
    if (json.empty())
        return out.in(colour::dim, "(none)");
    std::string text;
    append_json(text, everfold::parse_json(json), reading_style);
    return out.in(tint, everfold::printable(text));
}

colour colour_of(std::string_view event_type) {
    if (event_type == user_created::event_type)
        return colour::green;
    if (event_type == user_deleted::event_type)
        return colour::red;
    return event_type == user_updated::event_type ? colour::yellow : colour::none;
}

std::string padded(std::string text, std::size_t width) {
    const auto used = display_width(text);
    return text.append(used < width ? width - used : 0, ' ');
}

void print_event(
    const everfold::recorded_event& event, const std::vector<state_change>* changes, output& out
) {
    std::string data;
    append_json(data, everfold::json_from_cbor(event.payload), reading_style);
    // To the millisecond, which is what created_at and an export have.
    const auto time = everfold::timestamp::from_milliseconds(event.occurred_at.to_milliseconds());
    out.print(
        "  {:>10}  {}  {}  {}\n",
        with_thousands(event.log_position.value()),
        out.in(colour::dim, padded(time.to_string(), 24)),
        out.in(colour_of(event.type), padded(everfold::printable(event.type), 12)),
        everfold::printable(data)
    );
    if (changes == nullptr)
        return;
    if (changes->empty())
        out.print("{:14}{}\n", "", out.in(colour::dim, "changes nothing"));
    for (const auto& c : *changes)
        out.print(
            "{:14}{}  {} -> {}\n",
            "",
            out.in(colour::cyan, padded(everfold::printable(c.path.substr(1)), 10)),
            shown(out, c.before, colour::red),
            shown(out, c.after, colour::green)
        );
}

} // namespace

void print_history(everfold::store& store, const arguments& args, output& out) {
    std::uint64_t events = 0;
    const auto print = [&](const auto& event, const std::vector<state_change>* changes) {
        if (events++ == 0 && !args.as_json)
            out.print("{}\n", out.in(colour::bold, fmt::format("History of user {}", args.id)));
        if (args.as_json)
            out.write_json_line(json_line(event, changes));
        else
            print_event(event, changes, out);
    };
    const auto which = everfold::query{}.stream(users_stream).tag("user", args.id);
    if (args.with_changes)
        // A user follows from the events of that user alone, so folding those shows each change.
        everfold::for_each_change_in<user_directory>(
            store,
            which,
            [&](const user_directory& state) { return object_of(state, args.id); },
            [&](const auto& event, const auto& changes) { print(event, &changes); },
            everfold::unknown_events::skip
        );
    else
        for (const auto& event : store.read(which))
            print(event, nullptr);
    if (events == 0)
        throw refused{fmt::format("nothing ever happened to a user {}", args.id)};
    if (!args.as_json)
        out.print("{}\n", counted(events, "event"));
}

void show_history(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::read_only);
    print_history(store, args, out);
}

} // namespace users
