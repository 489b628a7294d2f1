// SPDX-License-Identifier: MIT
// import and export: events as JSON Lines, in and out.

#include <everfold/cli/commands.hpp>
#include <everfold/cli/exact_commands.hpp>
#include <everfold/cli/import.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/tutorial_format.hpp>

namespace everfold::cli {

void import_events(const arguments& args, output& out) {
    if (args.is_exact)
        return import_exact_form(args, out);
    const auto event_of = [&](std::string_view line) {
        auto [event, data] = event_from_tutorial_line(line);
        line_event named{args.import_stream.name_for(data), std::move(event)};
        for (const auto& tag : args.import_tags) {
            auto name = tag.name_for(data);
            // A field with nothing in it would be a tag that nobody can ask for.
            if (name.starts_with(':') || name.ends_with(':'))
                throw malformed_line{"the tag '" + name + "' has no key or no value"};
            named.event.tags.push_back(std::move(name));
        }
        return named;
    };
    import_lines({program_name, args.log, args.file, event_of}, out);
}

void export_events(const arguments& args, output& out) {
    if (args.is_exact)
        return export_exact_form(args, out);
    selected_events events{open_log(program_name, args.log, open_mode::read_only), args.selected};
    std::optional<progress> bar;
    std::uint64_t written = 0;
    events.visit_new([&](const recorded_event& event) {
        // On one terminal, the bar would run through the lines.
        if (!bar && !out.is_terminal())
            bar.emplace("exporting", events.span());
        out.write_json_line(tutorial_line_of(event));
        ++written;
        if (bar)
            bar->update(events.passed(), written);
    });
}

} // namespace everfold::cli
