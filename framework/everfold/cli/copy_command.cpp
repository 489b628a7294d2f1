// SPDX-License-Identifier: MIT
// copy: events of one log into another.

#include <everfold/cli/commands.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/store/copy.hpp>

namespace everfold::cli {

void copy_events(const arguments& args, output& out) {
    auto from = open_log(program_name, args.log, open_mode::read_only);
    auto to = open_log(program_name, args.directory, open_mode::create);
    copy_report done;
    {
        progress bar{"copying", from.end().value()};
        copy_options options{.filter = args.selected.which};
        options.filter.limit(args.selected.limit);
        options.progress = [&](const copy_report& so_far) {
            bar.update(so_far.end.value(), so_far.events);
        };
        done = copy(from, to, options);
    }
    to.close();
    if (args.as_json)
        return out.write_json_line(fmt::format(
            R"({{"events":{},"appends":{},"repeated_appends":{}}})",
            done.events,
            done.appends,
            done.repeated_appends
        ));
    out.print(
        "{} in {}, now in {}; {} had been there\n",
        counted(done.events, "event"),
        counted(done.appends, "append"),
        printable(args.directory),
        counted(done.repeated_appends, "append")
    );
}

} // namespace everfold::cli
