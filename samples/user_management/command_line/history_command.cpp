// SPDX-License-Identifier: MIT
// history: the events of one user, found by their tag, and what each of them changed.

#include "../canonical.hpp"
#include "../tutorial_format.hpp"
#include "../user_management.hpp"
#include "commands.hpp"

#include <everfold/aggregate/fold.hpp>
#include <everfold/base/bytes.hpp>

#include <optional>
#include <string>
#include <vector>

namespace users {

namespace {

// A user's state follows from the events of that user alone, so folding those shows each change.
class change_log {
public:
    explicit change_log(std::int64_t id)
        : id_{id} {}

    [[nodiscard]] std::vector<field_change> changes_of(const everfold::recorded_event& event) {
        fold_.apply(state_, event);
        const auto found = state_.users.find(id_);
        auto now = found == state_.users.end() ? nlohmann::json(nullptr) : object_of(found->second);
        auto out = changes_between(before_, now);
        before_ = std::move(now);
        return out;
    }

private:
    std::int64_t id_;
    user_directory state_{};
    everfold::folder<user_directory> fold_{everfold::unknown_events::skip};
    nlohmann::json before_{};
};

std::string
json_line(const everfold::recorded_event& event, const std::vector<field_change>* changes) {
    auto line = nlohmann::ordered_json::object();
    line["position"] = event.log_position.value();
    line["recorded_at"] = event.recorded_at.to_string();
    line["timestamp"] = event.occurred_at.to_milliseconds();
    line["event_type"] = event.type;
    line["data"] = everfold::json_from_cbor(event.payload);
    if (changes != nullptr) {
        auto& all = line["changes"] = nlohmann::ordered_json::object();
        for (const auto& c : *changes) {
            auto& one = all[c.field] = nlohmann::ordered_json::object();
            if (c.before)
                one["before"] = *c.before;
            if (c.after)
                one["after"] = *c.after;
        }
    }
    std::string out;
    append_json(out, line, canonical_style);
    return out;
}

std::string shown(const output& out, const std::optional<nlohmann::json>& value, colour tint) {
    if (!value)
        return out.in(colour::dim, "(none)");
    std::string text;
    append_json(text, *value, reading_style);
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
    const everfold::recorded_event& event, const std::vector<field_change>* changes, output& out
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
            out.in(colour::cyan, padded(everfold::printable(c.field), 10)),
            shown(out, c.before, colour::red),
            shown(out, c.after, colour::green)
        );
}

} // namespace

void print_history(everfold::store& store, const arguments& args, output& out) {
    change_log log{args.id};
    std::uint64_t events = 0;
    const auto which = everfold::query{}.stream(users_stream).tag("user", args.id);
    for (const auto& event : store.read(which)) {
        if (events++ == 0 && !args.as_json)
            out.print("{}\n", out.in(colour::bold, fmt::format("History of user {}", args.id)));
        std::vector<field_change> changes;
        if (args.with_changes)
            changes = log.changes_of(event);
        const auto* shown_changes = args.with_changes ? &changes : nullptr;
        if (args.as_json)
            out.write_json_line(json_line(event, shown_changes));
        else
            print_event(event, shown_changes, out);
    }
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
