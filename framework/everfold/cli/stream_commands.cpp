// SPDX-License-Identifier: MIT
// streams, categories, about and describe: what the log knows of its streams without reading them.

#include <everfold/cli/append_line.hpp>
#include <everfold/cli/commands.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/table.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/cli/words.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace everfold::cli {

namespace {

// So many that the columns fit what follows, and few enough for any memory.
constexpr std::size_t rows_max = 1000;

template <class T>
std::string number_or(const std::optional<T>& n, std::string_view none) {
    return n ? std::to_string(n->value()) : std::string{none};
}

template <class T>
std::string shown(const std::optional<T>& n) {
    return n ? with_thousands(n->value()) : "-";
}

std::string json_of(const stream_info& s) {
    return fmt::format(
        R"({{"stream":{},"category":{},"state":"{}","events":{},"last_revision":{},)"
        R"("first_position":{},"last_position":{}}})",
        quoted_json(s.name),
        quoted_json(s.category),
        to_text(s.state),
        s.events,
        number_or(s.last_revision, "null"),
        number_or(s.first, "null"),
        number_or(s.last, "null")
    );
}

std::optional<timestamp> recorded_at(store& log, std::optional<position> p) {
    if (p)
        for (const auto& e : log.read(query{}.from(*p).limit(1)))
            if (e.log_position == *p)
                return e.recorded_at;
    return {};
}

struct known_times {
    std::optional<timestamp> first{};
    std::optional<timestamp> last{};
};

std::string quoted_or_null(const std::optional<timestamp>& t) {
    return t ? "\"" + t->to_string() + "\"" : "null";
}

std::string json_of(const stream_info& s, const known_times& times) {
    auto line = json_of(s);
    line.pop_back();
    return line + fmt::format(
                      R"(,"first_recorded_at":{},"last_recorded_at":{},"begins_at":{},)"
                      R"("max_count":{},"max_age_ns":{},"ended_at":{},"why":{},"metadata":{}}})",
                      quoted_or_null(times.first),
                      quoted_or_null(times.last),
                      s.begins_at.value(),
                      s.kept.max_count,
                      s.kept.max_age.count(),
                      s.end ? quoted_or_null(s.end->at) : "null",
                      s.end ? quoted_json(s.end->why) : "null",
                      s.metadata_json()
                  );
}

std::string bounds_of(const stream_info& s) {
    std::string out;
    if (s.begins_at != revision{})
        out += fmt::format("begins at revision {}", with_thousands(s.begins_at.value()));
    if (s.kept.max_count != 0)
        out += fmt::format(
            "{}at most the last {}", out.empty() ? "" : ", ", counted(s.kept.max_count, "event")
        );
    if (s.kept.max_age.count() != 0)
        out += fmt::format(
            "{}none older than {}", out.empty() ? "" : ", ", duration_text(s.kept.max_age)
        );
    return out.empty() ? "none" : out;
}

std::string place_of(const std::optional<position>& p, const std::optional<timestamp>& t) {
    return p && t
               ? fmt::format("position {}, recorded {}", with_thousands(p->value()), t->to_string())
               : "-";
}

[[noreturn]] void refuse_as_unknown(const arguments& args) {
    throw complaint{
        fmt::format("'{}' has no stream '{}'", args.log, args.ruled),
        "nothing was changed",
        fmt::format("look at the names: {} streams LOG --all", program_name)};
}

bool is_wanted(const stream_info& s, const arguments& args) {
    if (!args.lists_all && s.state != stream_state::readable)
        return false;
    return args.categories.empty() ||
           std::ranges::find(args.categories, s.category) != args.categories.end();
}

} // namespace

void list_streams(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::read_only);
    table rows{{
        {"STREAM"},
        {"CATEGORY"},
        {"EVENTS", table::align::right},
        {"LAST REVISION", table::align::right},
        {"FIRST POSITION", table::align::right},
        {"LAST POSITION", table::align::right},
        {args.lists_all ? "STATE" : ""},
    }};
    std::uint64_t count = 0;
    for (const auto& s : log.list_streams()) {
        if (!is_wanted(s, args))
            continue;
        ++count;
        if (args.as_json) {
            out.write_json_line(json_of(s));
            continue;
        }
        rows.add({
            {s.name, colour::cyan},
            {s.category, colour::dim},
            {with_thousands(s.events)},
            {shown(s.last_revision)},
            {shown(s.first)},
            {shown(s.last)},
            {args.lists_all ? std::string{to_text(s.state)} : std::string{}},
        });
        if (rows.size() >= rows_max)
            rows.print(out);
    }
    if (args.as_json)
        return;
    if (rows.size() != 0)
        rows.print(out);
    out.print("{}\n", counted(count, "stream"));
}

void list_categories(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::read_only);
    const auto all = log.categories();
    if (args.as_json) {
        for (const auto& c : all)
            out.write_json_line(fmt::format(
                R"({{"category":{},"streams":{},"events":{}}})",
                quoted_json(c.name),
                c.streams,
                c.events
            ));
        return;
    }
    table rows{{{"CATEGORY"}, {"STREAMS", table::align::right}, {"EVENTS", table::align::right}}};
    for (const auto& c : all)
        rows.add({{c.name, colour::cyan}, {with_thousands(c.streams)}, {with_thousands(c.events)}});
    if (!all.empty())
        rows.print(out);
    out.print("{}\n", all.size() == 1 ? "1 category" : with_thousands(all.size()) + " categories");
}

void show_stream(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::read_only);
    const auto s = log.about(args.ruled);
    // Rules and metadata may come before the first event.
    const stream_info nothing{.name = s.name, .category = s.category};
    if (s == nothing)
        refuse_as_unknown(args);
    const known_times times{recorded_at(log, s.first), recorded_at(log, s.last)};
    if (args.as_json)
        return out.write_json_line(json_of(s, times));
    const auto line = [&](std::string_view what, const std::string& value) {
        out.print(
            "{}{}{}\n",
            out.in(colour::cyan, what),
            std::string(16 - what.size(), ' '),
            printable(value)
        );
    };
    line("stream", s.name);
    line("category", s.category);
    line("state", std::string{to_text(s.state)});
    line("events", with_thousands(s.events));
    line("last revision", shown(s.last_revision));
    line("first event", place_of(s.first, times.first));
    line("last event", place_of(s.last, times.last));
    line("bounds", bounds_of(s));
    if (s.end)
        line("ended", s.end->at.to_string() + (s.end->why.empty() ? "" : ", " + s.end->why));
    line("metadata", s.metadata_json());
}

void describe_stream(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::existing);
    const auto metadata = encoded_metadata(args.given.metadata);
    const auto result = log.describe(args.ruled, metadata, args.expected);
    if (const auto* lost = result.conflict_or_null()) {
        if (!lost->actual)
            refuse_as_unknown(args);
        throw complaint{
            lost->to_string(),
            "nothing was changed",
            "look at what came meanwhile, and decide again"};
    }
    out.print(
        "{}: {}. Rule at position {}\n",
        printable(args.ruled),
        printable(log.about(args.ruled).metadata_json()),
        result->first.value()
    );
    log.close();
}

} // namespace everfold::cli
