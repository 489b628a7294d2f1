// SPDX-License-Identifier: MIT
// import and export: events as JSON Lines, in and out.

#include <everfold/cli/commands.hpp>
#include <everfold/cli/exact_commands.hpp>
#include <everfold/cli/flat_line.hpp>
#include <everfold/cli/import.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/tutorial_format.hpp>

namespace everfold::cli {

namespace {

/// A field with nothing in it would be a tag that nobody can ask for.
bool is_tag(std::string_view name) noexcept {
    return !name.starts_with(':') && !name.ends_with(':');
}

line_event read_any(const arguments& args, std::string_view line) {
    auto [event, data] = event_from_tutorial_line(line);
    line_event out{args.import_stream.name_for(data), std::move(event)};
    for (const auto& tag : args.import_tags) {
        auto name = tag.name_for(data);
        if (!is_tag(name))
            throw malformed_line{"the tag '" + name + "' has no key or no value"};
        out.event.tags.push_back(std::move(name));
    }
    return out;
}

/// The same, without a JSON value, for a line that has the usual form; otherwise false.
bool read_flat(const arguments& args, std::string_view line, flat_line& flat, line_event& into) {
    if (!flat.parse(line))
        return false;
    into.stream.clear();
    if (!args.import_stream.append_name_for(flat, into.stream))
        return false;
    flat.make_event(into.event);
    for (const auto& tag : args.import_tags) {
        auto& name = into.event.tags.emplace_back();
        if (!tag.append_name_for(flat, name) || !is_tag(name))
            return false;
    }
    return true;
}

} // namespace

void import_events(const arguments& args, output& out) {
    if (args.is_exact)
        return import_exact_form(args, out);
    flat_line flat;
    const auto read_event = [&](std::string_view line, line_event& into) {
        if (!read_flat(args, line, flat, into))
            into = read_any(args, line);
    };
    import_lines({program_name, args.log, args.file, read_event}, out);
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
