// SPDX-License-Identifier: MIT
// create, update, delete, snapshot, compact and demo: the commands that may write.

#include "../canonical.hpp"
#include "../user_management.hpp"
#include "commands.hpp"
#include "failure.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/cli/opening.hpp>

#include <string>
#include <utility>
#include <vector>

namespace users {

namespace {

std::string shown_user(std::int64_t id, const user_directory& state) {
    const auto found = state.users.find(id);
    if (found == state.users.end() || !found->second.name)
        return fmt::format("user {}", id);
    return fmt::format("user {} ({})", id, everfold::printable(*found->second.name));
}

// A writing command closes its log itself: what closing has to report is not lost in a destructor.
void finish(everfold::store& store) {
    store.close();
}

std::string text_of(const std::string& json) {
    if (json.empty())
        return "(none)";
    std::string out;
    append_json(out, everfold::parse_json(json), reading_style);
    return everfold::printable(out);
}

} // namespace

everfold::store open_log(const std::string& path, everfold::open_mode mode) {
    return everfold::cli::open_log(program_name, path, mode);
}

void create_user(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::create);
    auto repository = repository_of(store);
    const auto who = repository.update(users_stream, [&](user_management& u) {
        u.create_user(args.id, args.name, args.email);
        return shown_user(args.id, u.state());
    });
    finish(store);
    out.print("Created {}.\n", who);
}

void update_user(const arguments& args, output& out) {
    const auto changes = update_of(args.id, args.fields);
    auto store = open_log(args.log, everfold::open_mode::existing);
    auto repository = repository_of(store);
    const auto [who, changed] = repository.update(users_stream, [&](user_management& u) {
        const auto before = object_of(u.state(), args.id);
        u.update_user(changes);
        return std::pair{
            shown_user(args.id, u.state()),
            everfold::changes_between(before, object_of(u.state(), args.id)),
        };
    });
    finish(store);
    out.print("Updated {}{}\n", who, changed.empty() ? "; nothing is different." : ":");
    for (const auto& c : changed)
        out.print(
            "  {}  {} -> {}\n",
            out.in(colour::cyan, fmt::format("{:<10}", everfold::printable(c.path.substr(1)))),
            text_of(c.before),
            text_of(c.after)
        );
}

void delete_user(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::existing);
    auto repository = repository_of(store);
    const auto who = repository.update(users_stream, [&](user_management& u) {
        auto name = shown_user(args.id, u.state());
        u.delete_user(args.id);
        return name;
    });
    finish(store);
    out.print("Deleted {}; the history stays.\n", who);
}

void take_snapshot(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::existing);
    const auto at = repository_of(store).snapshot(users_stream);
    finish(store);
    if (at)
        out.print(
            "Snapshot of {}: the next command reads only what comes after.\n",
            counted(at->value() + 1, "event")
        );
    else
        out.write("The log holds no event yet: there is nothing to keep.\n");
}

void compact_log(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::existing);
    everfold::compact_report report{};
    if (store.last_revision(users_stream))
        report = repository_of(store).compact(users_stream);
    else
        report.bytes_before = report.bytes_after = store.stats().bytes;
    finish(store);
    if (args.as_json)
        return out.write_json_line(fmt::format(
            R"({{"bytes_before":{},"bytes_after":{},"events":{},"segments":{},"snapshot_bytes":{}}})",
            report.bytes_before,
            report.bytes_after,
            report.events_covered,
            report.segments,
            report.snapshot_bytes
        ));
    out.print(
        "Compacted {}: {} -> {} ({} -> {} bytes",
        counted(report.events_covered, "event"),
        in_units(report.bytes_before),
        in_units(report.bytes_after),
        with_thousands(report.bytes_before),
        with_thousands(report.bytes_after)
    );
    if (report.bytes_after > 0 && report.bytes_after < report.bytes_before / 20 * 19)
        out.print(
            ", {:.1f} times smaller",
            static_cast<double>(report.bytes_before) / static_cast<double>(report.bytes_after)
        );
    out.print(
        ")\nThe snapshot in it takes {}. The history is all there.\n",
        in_units(report.snapshot_bytes)
    );
}

void run_demo(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::create);
    if (store.end() != everfold::position{})
        throw refused{fmt::format(
            "'{}' holds {} already; give the demo a new directory",
            everfold::printable(args.log),
            counted(store.end().value(), "event")
        )};
    auto repository = repository_of(store);
    const auto heading = [&](std::string_view text) {
        out.print("{}\n", out.in(colour::bold, text));
    };
    const auto update = [&](std::int64_t id, const nlohmann::ordered_json& fields) {
        repository.update(users_stream, [&](user_management& u) {
            u.update_user(update_of(id, fields));
        });
        out.print("  update {} {}\n", id, fields.dump());
    };
    heading("What happens");
    for (const auto& [id, name, email] :
         {std::tuple{123, "Alice", "alice@example.com"},
          std::tuple{456, "Bob", "bob@example.com"}}) {
        repository.update(users_stream, [&](user_management& u) {
            u.create_user(id, name, email);
        });
        out.print("  create {} {} {}\n", id, name, email);
    }
    update(123, {{"email", "alice@newemail.com"}});
    update(123, {{"phone", "555-0123"}});
    update(456, {{"name", "Robert"}});
    heading("\nCurrent users");
    print_users(repository.load(users_stream).state(), {}, false, out);
    out.write("\n");
    auto alice = args;
    alice.id = 123;
    alice.with_changes = true;
    print_history(store, alice, out);
    repository.update(users_stream, [](user_management& u) { u.delete_user(456); });
    heading("\nUsers after user 456 is deleted");
    print_users(repository.load(users_stream).state(), {}, false, out);
    finish(store);
    out.print("\nNext: user_management {} history 456 --diff\n", everfold::printable(args.log));
}

} // namespace users
