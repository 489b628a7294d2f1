// SPDX-License-Identifier: MIT
// import and export: the tutorial's log in and out.

#include "../tutorial_format.hpp"
#include "../user_directory.hpp"
#include "commands.hpp"
#include "failure.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/cli/import.hpp>
#include <everfold/cli/user_file.hpp>

#include <cstdint>
#include <string_view>

namespace users {

namespace {

std::uint64_t write_events(everfold::store& store, output& to) {
    std::uint64_t events = 0;
    for (const auto& event : store.read(everfold::query{}.stream(users_stream))) {
        to.write(everfold::cli::tutorial_line_of(event));
        to.write("\n");
        ++events;
    }
    to.flush();
    return events;
}

} // namespace

void import_events(const arguments& args, output& out) {
    const auto read_event = [](std::string_view line, everfold::cli::line_event& into) {
        into = {users_stream, event_from_line(line)};
    };
    everfold::cli::import_lines({program_name, args.log, args.file, read_event}, out);
}

void export_events(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::read_only);
    if (args.file == "-") {
        write_events(store, out);
        return;
    }
    if (everfold::cli::lies_in(args.log, args.file))
        throw usage_error{fmt::format("'{}' lies in the log that is exported", args.file)};
    everfold::cli::output_file target{args.file};
    output file{target.descriptor(), fmt::format("'{}'", args.file)};
    const auto events = write_events(store, file);
    target.commit();
    out.print("Exported {} to {}\n", counted(events, "event"), everfold::printable(args.file));
}

} // namespace users
