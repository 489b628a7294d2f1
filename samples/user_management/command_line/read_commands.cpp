// SPDX-License-Identifier: MIT
// show, list, at and replay: answers out of the log, which stays untouched.

#include "../canonical.hpp"
#include "../user_management.hpp"
#include "commands.hpp"

#include <everfold/aggregate/as_of.hpp>
#include <everfold/aggregate/fold.hpp>
#include <everfold/base/bytes.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <variant>

namespace users {

namespace {

// Milliseconds as a time; what an update put there instead as it is.
nlohmann::json created_text(const nlohmann::json& created_at) {
    if (!is_int64(created_at))
        return created_at;
    return everfold::timestamp::from_milliseconds(created_at.get<std::int64_t>()).to_string();
}

void print_user(const user& u, bool as_json, output& out) {
    if (as_json)
        return out.write_json_line(canonical_json(u));
    out.print("{}\n", out.in(colour::bold, fmt::format("User {}", u.user_id)));
    const auto object = object_of(u);
    const auto line = [&](const std::string& field, const nlohmann::json& value) {
        const auto cell = value_cell(value);
        const auto name = everfold::printable(field);
        out.print(
            "  {}{}  {}\n",
            out.in(colour::cyan, name),
            std::string(name.size() < 10 ? 10 - name.size() : 0, ' '),
            out.in(cell.tint, everfold::printable(cell.text))
        );
    };
    for (const auto* field : {"name", "email", "phone"})
        if (object.contains(field))
            line(field, object[field]);
    line("created", created_text(object["created_at"]));
    for (const auto& [field, encoded] : u.other)
        if (field != "created_at")
            line(field, object[field]);
}

const user& require_user(const user_directory& state, const arguments& args, const char* when) {
    const auto found = state.users.find(args.id);
    if (found == state.users.end())
        throw refused{fmt::format(
            "there is no user {}{}; `history {}` shows whether there was one",
            args.id,
            when,
            args.id
        )};
    return found->second;
}

void replay_to(everfold::store& store, std::optional<everfold::position> last, output& out) {
    using clock = std::chrono::steady_clock;
    auto which = everfold::query{}.stream(users_stream);
    if (last)
        which.to(*last);
    user_directory state;
    everfold::folder<user_directory> fold{everfold::unknown_events::skip};
    std::uint64_t events = 0;
    const auto started = clock::now();
    for (const auto& e : store.read(which)) {
        fold.apply(state, e);
        ++events;
    }
    const auto seconds = std::chrono::duration<double>(clock::now() - started).count();
    const auto rate = seconds > 0 ? static_cast<double>(events) / seconds : 0.0;
    if (out.is_terminal())
        out.print(
            "Folded {} into {} in {:.3f} s.\n",
            counted(events, "event"),
            counted(state.users.size(), "user"),
            seconds
        );
    out.write_json_line(fmt::format(
        R"({{"events":{},"users":{},"seconds":{:.6f},"events_per_second":{:.0f},"sha256":"{}"}})",
        events,
        state.users.size(),
        seconds,
        rate,
        state_digest(state)
    ));
}

} // namespace

everfold::position position_of(everfold::store& store, const moment& when) {
    const auto end = store.end();
    if (end == everfold::position{})
        throw refused{"the log holds no event, so there is no earlier state"};
    if (std::holds_alternative<now>(when))
        return everfold::position{end.value() - 1};
    if (const auto* p = std::get_if<everfold::position>(&when)) {
        if (*p >= end)
            throw refused{fmt::format(
                "position {} is beyond the end: the last event is at position {}",
                p->value(),
                end.value() - 1
            )};
        return *p;
    }
    if (const auto* r = std::get_if<everfold::revision>(&when)) {
        const auto there = everfold::query{}.stream(users_stream).from_revision(*r).to_revision(*r);
        for (const auto& e : store.read(there))
            return e.log_position;
        const auto last = store.last_revision(users_stream);
        throw refused{fmt::format(
            "the users have no revision {}: {}",
            r->value(),
            last ? fmt::format("the last one is {}", last->value()) : "nothing has happened yet"
        )};
    }
    const auto& time = std::get<everfold::timestamp>(when);
    if (const auto p = store.position_at(time))
        return *p;
    std::string first;
    for (const auto& e : store.read(everfold::query{}.limit(1)))
        first = e.recorded_at.to_string();
    throw refused{fmt::format(
        "nothing was recorded at or before {}: the first event was recorded at {}",
        time.to_string(),
        first
    )};
}

table::cell value_cell(const nlohmann::json& value) {
    if (value.is_null())
        return {"-", colour::dim};
    if (value.is_string())
        return {value.get<std::string>()};
    std::string text;
    append_json(text, value, reading_style);
    return {text};
}

void print_users(
    const user_directory& state, std::optional<std::uint64_t> limit, bool as_json, output& out
) {
    auto left = limit.value_or(state.users.size());
    if (as_json) {
        for (auto it = state.users.begin(); it != state.users.end() && left > 0; ++it, --left)
            out.write_json_line(canonical_json(it->second));
        return;
    }
    const bool has_others = std::any_of(state.users.begin(), state.users.end(), [](const auto& u) {
        return !u.second.other.empty();
    });
    table rows{{
        {"ID", table::align::right},
        {"NAME"},
        {"EMAIL"},
        {"PHONE"},
        {"CREATED"},
        {has_others ? "OTHER" : ""},
    }};
    std::uint64_t shown = 0;
    for (auto it = state.users.begin(); it != state.users.end() && shown < left; ++it, ++shown) {
        const auto& u = it->second;
        auto object = object_of(u);
        auto other = nlohmann::json::object();
        for (const auto& [field, encoded] : u.other)
            if (field != "created_at")
                other[field] = std::move(object[field]);
        rows.add({
            {std::to_string(u.user_id), colour::cyan},
            value_cell(object["name"]),
            value_cell(object["email"]),
            object.contains("phone") ? value_cell(object["phone"]) : table::cell{},
            {value_cell(created_text(object["created_at"])).text, colour::dim},
            other.empty() ? table::cell{} : value_cell(other),
        });
    }
    if (shown > 0)
        rows.print(out);
    const auto total = counted(state.users.size(), "user");
    if (shown == state.users.size())
        out.print("{}\n", total);
    else
        out.print("{} of {}\n", with_thousands(shown), total);
}

void show_user(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::read_only);
    auto repository = repository_of(store);
    repository.inspect(users_stream, [&](const user_management& now) {
        print_user(require_user(now.state(), args, ""), args.as_json, out);
    });
}

void list_users(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::read_only);
    auto repository = repository_of(store);
    repository.inspect(users_stream, [&](const user_management& now) {
        print_users(now.state(), args.limit, args.as_json, out);
    });
}

void show_at(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::read_only);
    const auto last = position_of(store, args.when);
    if (args.at_command == verb::replay)
        return replay_to(store, last, out);
    auto repository = repository_of(store);
    const auto loaded = repository.load(users_stream, everfold::as_of{last});
    if (!args.as_json)
        out.print(
            "{}\n",
            out.in(colour::dim, fmt::format("As of position {}", with_thousands(last.value())))
        );
    if (args.at_command == verb::show)
        print_user(require_user(loaded.state(), args, " at that point"), args.as_json, out);
    else
        print_users(loaded.state(), args.limit, args.as_json, out);
}

void replay_log(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::read_only);
    replay_to(store, {}, out);
}

} // namespace users
