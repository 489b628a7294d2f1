// SPDX-License-Identifier: MIT
// backup: a second log like the first.

#include <everfold/cli/commands.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/store/tools.hpp>

namespace everfold::cli {

void back_up_log(const arguments& args, output& out) {
    const auto done = back_up(
        args.log, args.directory, args.copies ? sealed_files::copied : sealed_files::linked
    );
    if (args.as_json)
        return out.write_json_line(fmt::format(
            R"({{"directory":{},"events":{},"segments":{},"linked_segments":{},"copied_bytes":{}}})",
            quoted_json(args.directory),
            done.end.value(),
            done.segments,
            done.linked,
            done.copied_bytes
        ));
    out.print(
        "{} in {}, now in {}: {} linked, {} copied\n",
        counted(done.end.value(), "event"),
        counted(done.segments, "segment"),
        printable(args.directory),
        counted(done.linked, "segment"),
        in_units(done.copied_bytes)
    );
}

} // namespace everfold::cli
