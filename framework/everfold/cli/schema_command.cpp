// SPDX-License-Identifier: MIT
// schema: the types of events, their versions and their fields as they were seen.

#include <everfold/cli/commands.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/table.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/store/seen_schema.hpp>

#include <optional>
#include <string>
#include <utility>

namespace everfold::cli {

namespace {

// "12,000", or "11,000 of 12,000" of a field that was not always there.
std::string how_often(const seen_field& field) {
    if (!field.is_optional())
        return with_thousands(field.possible);
    return fmt::format(
        "{} of {}", with_thousands(field.value->count()), with_thousands(field.possible)
    );
}

void print_type(const seen_type& type, output& out) {
    out.print(
        "{}  {}, {}\n",
        out.in(colour::bold, fmt::format("{} version {}", printable(type.type), type.version)),
        counted(type.events, "event"),
        type.first == type.last ? fmt::format("position {}", with_thousands(type.first.value()))
                                : fmt::format(
                                      "positions {} to {}",
                                      with_thousands(type.first.value()),
                                      with_thousands(type.last.value())
                                  )
    );
    table rows{{{"FIELD"}, {"KIND"}, {"SEEN", table::align::right}}};
    for (const auto& field : type.fields())
        rows.add({
            {field.path, colour::cyan},
            {to_text(field.value->kinds())},
            {how_often(field), field.is_optional() ? colour::yellow : colour::none},
        });
    if (rows.size() != 0)
        rows.print(out);
    if (type.has_more)
        out.print("  more fields are not shown: there are too many\n");
    if (type.malformed != 0)
        out.print(
            "  the data of {} is not well-formed: see {} verify\n",
            counted(type.malformed, "event"),
            program_name
        );
}

std::string json_of(const seen_type& type) {
    auto line = fmt::format(
        R"({{"type":{},"version":{},"events":{},"first_position":{},"last_position":{},)"
        R"("malformed":{},"has_more":{},"fields":[)",
        quoted_json(type.type),
        type.version,
        type.events,
        type.first.value(),
        type.last.value(),
        type.malformed,
        type.has_more
    );
    const char* comma = "";
    for (const auto& field : type.fields()) {
        line += fmt::format(
            R"({}{{"path":{},"seen":{},"possible":{},"kinds":{{)",
            std::exchange(comma, ","),
            quoted_json(field.path),
            field.value->count(),
            field.possible
        );
        const char* between = "";
        for (const auto kind : all_value_kinds)
            if (const auto count = field.value->count(kind); count != 0)
                line +=
                    fmt::format(R"({}"{}":{})", std::exchange(between, ","), to_text(kind), count);
        line += "}}";
    }
    return line + "]}";
}

} // namespace

void show_schema(const arguments& args, output& out) {
    selected_events events{open_log(program_name, args.log, open_mode::read_only), args.selected};
    schema_survey seen;
    std::optional<progress> bar{std::in_place, "reading", events.span()};
    std::uint64_t count = 0;
    events.visit_new([&](const recorded_event& event) {
        seen.add(event);
        bar->update(events.passed(), ++count);
    });
    bar.reset();
    for (const auto& type : seen.types()) {
        if (args.as_json)
            out.write_json_line(json_of(type));
        else
            print_type(type, out);
    }
    if (!args.as_json)
        out.print("{} of {}\n", counted(seen.types().size(), "type"), counted(count, "event"));
}

} // namespace everfold::cli
