// SPDX-License-Identifier: MIT
#include "arguments.hpp"

#include "failure.hpp"
#include "output.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/base/timestamp.hpp>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

namespace users {

namespace {

struct command_help {
    verb command{};
    std::string_view name{};
    std::string_view arguments{};
    std::string_view summary{};
};

constexpr std::array<command_help, 14> commands{{
    {verb::create, "create", "ID NAME [EMAIL]", "create a user; makes the log if there is none"},
    {verb::update,
     "update",
     "ID FIELD=VALUE...",
     "set fields to text, FIELD=null to null, FIELD:=JSON to any value"},
    {verb::remove, "delete", "ID", "delete a user; the history stays"},
    {verb::show, "show", "ID [--json]", "show a user"},
    {verb::list, "list", "[--limit N] [--json]", "list the users"},
    {verb::history,
     "history",
     "ID [--diff] [--json]",
     "what happened to a user, and what it changed"},
    {verb::at,
     "at",
     "WHEN [show ID|list|replay]",
     "the same as of a position of the log, revision:N of the users, a time "
     "(2024-01-31T09:30:00Z), @milliseconds or now"},
    {verb::diff, "diff", "WHEN WHEN [--json]", "what changed from one to the other; a JSON Patch"},
    {verb::replay, "replay", "", "fold every event again and print the state's digest"},
    {verb::snapshot, "snapshot", "", "keep the state, so that the next command need not replay"},
    {verb::compact, "compact", "[--json]", "compress what the snapshot covers; the history stays"},
    {verb::import_events,
     "import",
     "FILE|-",
     "append a log in JSON Lines; makes the log if there is none"},
    {verb::export_events, "export", "[FILE]", "write the log as JSON Lines"},
    {verb::demo, "demo", "", "a short story of two users, in a new log"},
}};

const command_help& help_of(verb command) {
    return commands.at(static_cast<std::size_t>(command));
}

const command_help* named(std::string_view name) {
    for (const auto& c : commands)
        if (c.name == name)
            return &c;
    return nullptr;
}

std::string usage_of(const command_help& c) {
    return fmt::format(
        "usage: user_management LOG {}{}{}", c.name, c.arguments.empty() ? "" : " ", c.arguments
    );
}

constexpr std::string_view general_usage =
    "usage: user_management LOG COMMAND [ARGUMENTS]; user_management --help lists the commands";

void print_help() {
    output out{STDOUT_FILENO, "standard output"};
    out.write("Users in an event log: everything that happened is kept, and the users are what it "
              "adds up to.\n\n"
              "usage: user_management LOG COMMAND [ARGUMENTS]      (LOG is a directory)\n\n");
    for (const auto& c : commands)
        out.print("  {:<44} {}\n", fmt::format("{} {}", c.name, c.arguments), c.summary);
    out.write(
        "\nExit code: 0 done, 1 refused, not found or conflict, 2 usage, 3 not a log, 4 damaged,\n"
        "5 in use by another writer, 6 input or output error. show, list, history, at, diff,\n"
        "replay and export only read: they never create, lock or repair.\n"
    );
    out.flush();
}

template <class Integer>
std::optional<Integer> integer_from(std::string_view text) {
    Integer value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size())
        return {};
    return value;
}

// What CLI11 read, as text: our own reading gives one sentence for each mistake.
struct raw_arguments {
    std::string id{};
    std::string name{};
    std::string email{};
    std::vector<std::string> fields{};
    std::optional<std::string> limit{};
    std::string when{};
    std::string until{};
    std::optional<std::string> file{};
    bool as_json{};
    bool with_changes{};
};

class reading {
public:
    reading(const command_help& help, const raw_arguments& raw)
        : help_{help}
        , raw_{raw} {}

    [[nodiscard]] std::int64_t id() const {
        if (const auto id = integer_from<std::int64_t>(raw_.id))
            return *id;
        fail(fmt::format("'{}' is not a user id, a whole number of 64 bits", raw_.id));
    }

    [[nodiscard]] std::string text(std::string_view what, const std::string& given) const {
        if (!everfold::is_utf8(given))
            fail(fmt::format("the {} is not well-formed UTF-8", what));
        return given;
    }

    [[nodiscard]] std::optional<std::uint64_t> limit() const {
        if (!raw_.limit)
            return {};
        if (const auto n = integer_from<std::uint64_t>(*raw_.limit))
            return n;
        fail(fmt::format("'{}' is not a limit, a whole number from 0 on", *raw_.limit));
    }

    [[nodiscard]] moment when(const std::string& text) const {
        constexpr std::string_view revision_prefix = "revision:";
        if (text == "now")
            return now{};
        if (const auto p = integer_from<std::uint64_t>(text))
            return everfold::position{*p};
        if (text.starts_with(revision_prefix))
            if (const auto r = integer_from<std::uint64_t>(text.substr(revision_prefix.size())))
                return everfold::revision{*r};
        if (const auto t = everfold::timestamp::parse(text))
            return *t;
        fail(fmt::format(
            "'{}' is neither a position, nor revision:N, nor a time (2024-01-31T09:30:00Z or "
            "@milliseconds), nor now",
            text
        ));
    }

    [[nodiscard]] nlohmann::ordered_json fields() const {
        auto out = nlohmann::ordered_json::object();
        for (const auto& assignment : raw_.fields) {
            const auto cut = assignment.find('=');
            if (cut == std::string::npos)
                fail(fmt::format("'{}' is not FIELD=VALUE", assignment));
            auto field = text("field", assignment.substr(0, cut));
            auto value = text("value", assignment.substr(cut + 1));
            const bool is_json = field.ends_with(':');
            if (is_json)
                field.pop_back();
            if (field.empty())
                fail(fmt::format("'{}' names no field", assignment));
            if (out.contains(field))
                fail(fmt::format("'{}' is set twice", field));
            if (is_json)
                out[field] = json_of(field, value);
            else if (value == "null")
                out[field] = nullptr;
            else
                out[field] = std::move(value);
        }
        return out;
    }

private:
    [[noreturn]] void fail(const std::string& message) const {
        throw usage_error{message, usage_of(help_)};
    }

    [[nodiscard]] nlohmann::ordered_json
    json_of(const std::string& field, const std::string& text) const {
        try {
            return everfold::parse_json(text);
        } catch (const everfold::error& e) {
            fail(fmt::format("the value of '{}' is not JSON: {}", field, e.message()));
        }
    }

    const command_help& help_;
    const raw_arguments& raw_;
};

// The grammar. Everything is text here; `reading` gives it meaning.
class grammar {
public:
    explicit grammar(raw_arguments& raw) {
        app_.set_help_flag("");
        app_.require_subcommand(1);
        for (const auto& c : commands)
            add(app_, c, raw);
        auto& at = *app_.get_subcommand("at");
        at.require_subcommand(0, 1);
        for (const auto inner : {verb::show, verb::list, verb::replay})
            add(at, help_of(inner), raw);
    }

    void parse(std::vector<std::string> words) {
        std::reverse(words.begin(), words.end());
        app_.parse(std::move(words));
    }

    /// What `at` is to do, where that was said.
    [[nodiscard]] const command_help* chosen_at() const {
        const auto parsed = app_.get_subcommand("at")->get_subcommands();
        return parsed.empty() ? nullptr : named(parsed.front()->get_name());
    }

private:
    static void add(CLI::App& to, const command_help& help, raw_arguments& raw) {
        auto& c = *to.add_subcommand(std::string{help.name});
        c.set_help_flag("");
        switch (help.command) {
        case verb::create:
            c.add_option("ID", raw.id)->required();
            c.add_option("NAME", raw.name)->required();
            c.add_option("EMAIL", raw.email);
            break;
        case verb::update:
            c.add_option("ID", raw.id)->required();
            c.add_option("FIELD", raw.fields)->required();
            break;
        case verb::remove:
            c.add_option("ID", raw.id)->required();
            break;
        case verb::show:
            c.add_option("ID", raw.id)->required();
            c.add_flag("--json", raw.as_json);
            break;
        case verb::list:
            c.add_option("--limit", raw.limit);
            c.add_flag("--json", raw.as_json);
            break;
        case verb::history:
            c.add_option("ID", raw.id)->required();
            c.add_flag("--diff", raw.with_changes);
            c.add_flag("--json", raw.as_json);
            break;
        case verb::at:
            c.add_option("WHEN", raw.when)->required();
            break;
        case verb::diff:
            c.add_option("FROM", raw.when)->required();
            c.add_option("TO", raw.until)->required();
            c.add_flag("--json", raw.as_json);
            break;
        case verb::compact:
            c.add_flag("--json", raw.as_json);
            break;
        case verb::import_events:
            c.add_option("FILE", raw.file)->required();
            break;
        case verb::export_events:
            c.add_option("FILE", raw.file);
            break;
        case verb::replay:
        case verb::snapshot:
        case verb::demo:
            break;
        }
    }

    CLI::App app_{};
};

bool is_help(std::string_view word) {
    return word == "--help" || word == "-h";
}

} // namespace

std::optional<arguments> parse_arguments(std::span<const char* const> argv) {
    std::vector<std::string> words;
    for (const auto* word : argv.subspan(std::min<std::size_t>(1, argv.size())))
        words.emplace_back(word);
    if (!words.empty() && (is_help(words.front()) || (words.size() > 1 && is_help(words[1])))) {
        print_help();
        return {};
    }
    if (words.empty())
        throw usage_error{"no log given", std::string{general_usage}};
    if (words.front().empty() || words.front().front() == '-')
        throw usage_error{
            fmt::format("'{}' is not a log directory", everfold::printable(words.front())),
            std::string{general_usage}};
    if (words.size() == 1)
        throw usage_error{"no command given", std::string{general_usage}};
    // The log comes first whatever it is called; so a directory named like a command is no trouble.
    arguments out;
    out.log = words.front();
    words.erase(words.begin());
    const auto* const asked = named(words.front());
    if (asked == nullptr)
        throw usage_error{
            fmt::format("there is no command '{}'", everfold::printable(words.front())),
            std::string{general_usage}};
    if (words.size() == 2 && is_help(words[1])) {
        output help{STDOUT_FILENO, "standard output"};
        help.print("{}\n  {}\n", usage_of(*asked), asked->summary);
        help.flush();
        return {};
    }

    raw_arguments raw;
    grammar g{raw};
    try {
        g.parse(std::move(words));
    } catch (const CLI::ParseError& e) {
        throw usage_error{e.what(), usage_of(*asked)};
    }
    const auto* inner = asked->command == verb::at ? g.chosen_at() : nullptr;
    const reading read{*asked, raw};
    out.command = asked->command;
    out.at_command = inner != nullptr ? inner->command : verb::list;
    if (help_of(inner != nullptr ? inner->command : asked->command).arguments.starts_with("ID"))
        out.id = read.id();
    out.name = read.text("name", raw.name);
    if (!raw.email.empty())
        out.email = read.text("email", raw.email);
    out.fields = read.fields();
    out.limit = read.limit();
    out.as_json = raw.as_json;
    out.with_changes = raw.with_changes;
    if (asked->command == verb::at || asked->command == verb::diff)
        out.when = read.when(raw.when);
    if (asked->command == verb::diff)
        out.until = read.when(raw.until);
    if (raw.file)
        out.file = *raw.file;
    return out;
}

} // namespace users
