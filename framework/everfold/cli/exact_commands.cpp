// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/cli/exact_commands.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/cli/user_file.hpp>
#include <everfold/store/exact_transfer.hpp>

#include <optional>
#include <string>

namespace everfold::cli {

namespace {

/// Of an event of 180 MiB. A log may be told to allow more, which nobody imports by the command.
constexpr std::size_t exact_line_bytes_max = std::size_t{256} << 20U;

[[noreturn]] void refuse(const arguments& args, const std::string& what) {
    throw input_output_error{
        what,
        "nothing was imported; '" + args.log + "' is no log",
        "import an export that is whole; the same command begins again"};
}

} // namespace

void export_exact_form(const arguments& args, output& out) {
    std::optional<progress> bar;
    // On one terminal, the bar would run through the lines.
    if (!out.is_terminal())
        bar.emplace("exporting", 0);
    const auto done = export_exactly(
        args.log,
        [&](std::string_view line) { out.write_json_line(line); },
        [&](std::uint64_t positions) {
            if (bar)
                bar->update(0, positions);
        }
    );
    bar.reset();
    if (done.removed != 0)
        say(program_name,
            fmt::format(
                "note: {} had been removed from the log, which the export says; import --exact "
                "does not take it. What everfold repair makes of the log closes up, and can be "
                "exported",
                counted(done.removed, "event")
            ));
}

void import_exact_form(const arguments& args, output& out) {
    input_file file{args.file};
    line_reader lines{
        [&](char* to, std::size_t size) { return file.read(to, size); }, exact_line_bytes_max};
    std::string_view line;
    exact_report done;
    try {
        progress bar{"importing", file.size()};
        done = import_exactly(
            [&]() -> std::optional<std::string_view> {
                if (!lines.next(line))
                    return {};
                return line;
            },
            args.log,
            [&](std::uint64_t positions) { bar.update(lines.bytes(), positions); }
        );
    } catch (const malformed_line& e) {
        refuse(args, fmt::format("{}, line {}: {}", file.name(), lines.number(), e.what()));
    } catch (error& e) {
        if (e.code() == errc::encoding)
            refuse(args, file.name() + ", " + e.message());
        e.add("importing " + file.name());
        throw;
    }
    out.print(
        "Imported {} in {} into {}\n",
        counted(done.events, "event"),
        counted(done.appends, "append"),
        printable(args.log)
    );
}

} // namespace everfold::cli
