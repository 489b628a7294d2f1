// SPDX-License-Identifier: MIT
#include "answers.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace web_server {

namespace {

using everfold::cli::colour;
using everfold::cli::counted;
using everfold::cli::in_units;
using everfold::cli::table;
using everfold::cli::with_thousands;

constexpr std::size_t shown_max = 10;
constexpr std::size_t shown_bytes_max = 72;
constexpr std::size_t days_shown = 14;

everfold::timestamp time_of(hour h) {
    return {h * 3600, 0};
}

// "2015-05-17 10:05:03"
std::string for_people(everfold::timestamp t) {
    auto text = t.to_string();
    if (text.size() < 19 || text[10] != 'T')
        return text;
    text.resize(19);
    text[10] = ' ';
    return text;
}

std::string day_of(hour h) {
    return for_people(time_of(h)).substr(0, 10);
}

double share_of(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// A bar of eighths of a cell.
std::string bar(double share, std::size_t width) {
    constexpr std::array<std::string_view, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const auto eighths = static_cast<std::size_t>(share * static_cast<double>(width * 8) + 0.5);
    std::string out;
    for (std::size_t i = 0; i < eighths / 8; ++i)
        out += "█";
    out += parts[eighths % 8];
    if (out.empty() && share > 0)
        out = parts[1];
    return out;
}

// Long data is cut, at a character.
std::string shortened(std::string_view text) {
    auto out = everfold::printable(text);
    if (out.size() <= shown_bytes_max)
        return out;
    auto cut = shown_bytes_max - 3;
    while ((static_cast<unsigned char>(out[cut]) & 0xC0U) == 0x80U)
        --cut;
    out.resize(cut);
    return out + "...";
}

void heading(output& out, std::string_view text) {
    out.print("\n{}\n", out.in(colour::bold, text));
}

void print_overview(const traffic& t, output& out) {
    const auto line = [&](std::string_view name, const std::string& value) {
        out.print("  {}{}\n", out.in(colour::cyan, fmt::format("{:<16}", name)), value);
    };
    out.print("{}\n", out.in(colour::bold, "The traffic"));
    line("from", for_people(t.first) + " UTC");
    line("to", for_people(t.last) + " UTC");
    line("requests", with_thousands(t.requests));
    line("clients", with_thousands(t.clients.size()));
    line("errors", with_thousands(t.errors));
    if (const auto busiest = t.busiest_hour())
        line(
            "busiest hour",
            fmt::format(
                "{} UTC, {}",
                for_people(time_of(busiest->first)).substr(0, 16),
                counted(busiest->second, "request")
            )
        );

    heading(out, "Bytes sent");
    line("count", with_thousands(t.requests));
    const auto hundredths = static_cast<std::uint64_t>(t.average_sent() * 100 + 0.5);
    line("average", fmt::format("{}.{:02}", with_thousands(hundredths / 100), hundredths % 100));
    line("minimum", with_thousands(static_cast<std::uint64_t>(t.sent.minimum)));
    line("maximum", with_thousands(static_cast<std::uint64_t>(t.sent.maximum)));
    line("in all", fmt::format("{} ({})", with_thousands(t.sent.total), in_units(t.sent.total)));
    if (t.sent.without_body != 0)
        line(
            "",
            out.in(
                colour::dim,
                fmt::format("{} had no body, which is 0", counted(t.sent.without_body, "answer"))
            )
        );
}

void print_statuses(const traffic& t, output& out) {
    constexpr std::array<std::pair<std::string_view, colour>, 6> names{{
        {"other", colour::none},
        {"informed", colour::none},
        {"answered", colour::green},
        {"sent elsewhere", colour::cyan},
        {"refused", colour::yellow},
        {"failed", colour::red},
    }};
    heading(out, "Status");
    const auto classes = t.status_classes();
    for (std::size_t i = 0; i < classes.size(); ++i) {
        if (classes[i] == 0)
            continue;
        const auto& [name, tint] = names[i < names.size() ? i : 0];
        const auto share = share_of(classes[i], t.requests);
        out.print(
            "  {}xx {:<15}{:>9}  {:5.1f} %  {}\n",
            i,
            name,
            with_thousands(classes[i]),
            share * 100,
            out.in(tint, bar(share, 40))
        );
    }
    std::string each;
    for (const auto& [status, count] : t.statuses)
        each += fmt::format("{}{}: {}", each.empty() ? "" : ", ", status, with_thousands(count));
    out.print("  {}\n", out.in(colour::dim, each));
}

void print_tables(const traffic& t, output& out) {
    heading(out, "Busiest paths");
    table paths{{{"REQUESTS", table::align::right}, {"PATH"}}};
    for (const auto& [path, count] : t.busiest_paths(shown_max))
        paths.add({{with_thousands(count), colour::cyan}, {shortened(path)}});
    paths.print(out);

    heading(out, "Most active clients");
    table clients{
        {{"REQUESTS", table::align::right}, {"BYTES SENT", table::align::right}, {"CLIENT"}}};
    for (const auto& [name, seen] : t.most_active_clients(shown_max))
        clients.add(
            {{with_thousands(seen.requests), colour::cyan},
             {in_units(seen.bytes_sent)},
             {shortened(name)}}
        );
    clients.print(out);

    if (t.last_errors.empty())
        return;
    heading(out, t.errors > t.last_errors.size() ? "The last errors" : "The errors");
    table errors{{{"TIME (UTC)"}, {"STATUS"}, {"CLIENT"}, {"REQUEST"}}};
    for (const auto& [at, what] : t.last_errors)
        errors.add(
            {{for_people(at), colour::dim},
             {fmt::format("{} {}", what.status_code, what.error_type), colour::red},
             {shortened(what.client)},
             {shortened(what.message)}}
        );
    errors.print(out);
}

void print_hours(const traffic& t, output& out) {
    heading(out, "Requests by the hour of the day, UTC");
    const auto of_day = t.hours_of_day();
    const auto most = *std::max_element(of_day.begin(), of_day.end());
    for (std::size_t h = 0; h < of_day.size(); ++h) {
        const auto drawn = bar(share_of(of_day[h], most), 50);
        out.print("  {:02}{:>9}", h, with_thousands(of_day[h]));
        out.print("{}{}\n", drawn.empty() ? "" : "  ", out.in(colour::cyan, drawn));
    }

    // A row a day, a cell an hour; a dot where there was no request.
    constexpr std::array<std::string_view, 8> levels{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const auto busiest = t.busiest_hour();
    std::vector<std::pair<std::string, std::array<std::uint64_t, 24>>> days;
    for (const auto& [at, count] : t.hours) {
        if (days.empty() || days.back().first != day_of(at))
            days.push_back({day_of(at), {}});
        days.back().second[static_cast<std::size_t>((at % 24 + 24) % 24)] = count;
    }
    const auto skipped = days.size() - std::min(days.size(), days_shown);
    heading(
        out,
        skipped == 0 ? "Day by day, UTC"
                     : fmt::format("Day by day, UTC: the last {} of {}", days_shown, days.size())
    );
    out.print("              0     6     12    18      requests\n");
    for (auto day = days.begin() + static_cast<std::ptrdiff_t>(skipped); day != days.end(); ++day) {
        std::string row;
        std::uint64_t sum = 0;
        for (const auto count : day->second) {
            sum += count;
            const auto share = share_of(count, busiest->second);
            row += count == 0 ? "·" : levels[static_cast<std::size_t>(share * 7.0 + 0.5)];
        }
        out.print("  {}  {}  {:>8}\n", day->first, out.in(colour::cyan, row), with_thousands(sum));
    }
}

void print_unparsed(const traffic& t, output& out) {
    if (t.unparsed == 0)
        return;
    heading(out, fmt::format("{} did not parse", counted(t.unparsed, "line")));
    for (std::size_t i = 0; i < std::min(shown_max, t.unparsed_lines.size()); ++i) {
        const auto& [line, reason] = t.unparsed_lines[i];
        out.print("  line {}: {}\n", line, everfold::printable(reason));
    }
    if (t.unparsed > shown_max)
        out.print("  and {}\n", counted(t.unparsed - shown_max, "other"));
}

} // namespace

void print_answers(const traffic& t, output& out) {
    if (t.requests == 0) {
        out.print("No request is in the log.\n");
        return print_unparsed(t, out);
    }
    print_overview(t, out);
    print_statuses(t, out);
    print_tables(t, out);
    print_hours(t, out);
    print_unparsed(t, out);
}

std::string json_answers(const traffic& t) {
    using json = nlohmann::ordered_json;
    auto out = json::object();
    out["complete"] = t.lines.has_value();
    out["lines"] = t.lines ? json(*t.lines) : json(nullptr);
    out["requests"] = t.requests;
    out["errors"] = t.errors;
    auto unparsed = json::array();
    for (const auto& [line, reason] : t.unparsed_lines)
        unparsed.push_back({{"line", line}, {"reason", reason}});
    out["unparsed"] = t.unparsed;
    out["unparsed_lines"] = std::move(unparsed);
    out["first"] = t.requests == 0 ? json(nullptr) : json(t.first.to_string());
    out["last"] = t.requests == 0 ? json(nullptr) : json(t.last.to_string());
    out["bytes_sent"] = {
        {"count", t.requests},
        {"average", t.average_sent()},
        {"minimum", t.requests == 0 ? 0 : t.sent.minimum},
        {"maximum", t.sent.maximum},
        {"total", t.sent.total},
        {"without_body", t.sent.without_body}};
    auto classes = json::object();
    const auto of_class = t.status_classes();
    for (std::size_t i = 0; i < of_class.size(); ++i)
        if (of_class[i] != 0)
            classes[std::to_string(i) + "xx"] = of_class[i];
    out["status_classes"] = std::move(classes);
    auto statuses = json::object();
    for (const auto& [status, count] : t.statuses)
        statuses[std::to_string(status)] = count;
    out["statuses"] = std::move(statuses);
    out["paths"] = t.paths.size();
    auto paths = json::array();
    for (const auto& [path, count] : t.busiest_paths(shown_max))
        paths.push_back({{"path", path}, {"requests", count}});
    out["busiest_paths"] = std::move(paths);
    out["clients"] = t.clients.size();
    auto clients = json::array();
    for (const auto& [name, seen] : t.most_active_clients(shown_max))
        clients.push_back(
            {{"client", name}, {"requests", seen.requests}, {"bytes_sent", seen.bytes_sent}}
        );
    out["most_active_clients"] = std::move(clients);
    auto hours = json::object();
    for (const auto& [at, count] : t.hours)
        hours[time_of(at).to_string()] = count;
    out["requests_per_hour"] = std::move(hours);
    out["requests_per_hour_of_day"] = t.hours_of_day();
    const auto busiest = t.busiest_hour();
    out["busiest_hour"] =
        busiest ? json{{"hour", time_of(busiest->first).to_string()}, {"requests", busiest->second}}
                : json(nullptr);
    auto errors = json::array();
    for (const auto& [at, what] : t.last_errors)
        errors.push_back(
            {{"at", at.to_string()},
             {"status_code", what.status_code},
             {"error_type", what.error_type},
             {"message", what.message},
             {"client", what.client}}
        );
    out["last_errors"] = std::move(errors);
    return out.dump();
}

} // namespace web_server
