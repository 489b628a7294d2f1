// SPDX-License-Identifier: MIT
// The one file that knows CLI11, which takes long to compile.
#include <everfold/base/bytes.hpp>
#include <everfold/cli/arguments.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/help.hpp>
#include <everfold/cli/words.hpp>
#include <everfold/log/record.hpp>
#include <everfold/log/remains.hpp>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace everfold::cli {

namespace {

/// What CLI11 read, as text: our own reading gives one sentence for each mistake.
struct raw_arguments {
    std::string log{};
    std::string file{};
    std::optional<std::string> stream{};
    std::vector<std::string> tags{};
    selection_words selected{};
    bool as_json{};
    bool follows{};
    bool explains{};
    std::string directory{};
    bool copies{};
    bool is_exact{};
    std::string ruled{};
    std::string before{};
    std::optional<std::string> expected{};
    std::optional<std::string> max_count{};
    std::optional<std::string> max_age{};
    std::string why{};
    bool is_dry_run{};
    bool lists_all{};
    std::optional<std::string> correlation{};
    std::optional<std::string> causation{};
    std::vector<std::string> metadata{};
};

// An option that may come several times, each with one value.
void add_list(CLI::App& to, const char* name, std::vector<std::string>& values) {
    to.add_option(name, values)->expected(1)->take_all();
}

void add_selection(CLI::App& to, selection_words& words) {
    add_list(to, "--stream", words.streams);
    add_list(to, "--category", words.categories);
    add_list(to, "--type", words.types);
    add_list(to, "--tag", words.tags);
    add_list(to, "--where", words.where);
    to.add_option("--since", words.since);
    to.add_option("--until", words.until);
    to.add_option("--from", words.from);
    to.add_option("--to", words.to);
    to.add_option("--from-revision", words.from_revision);
    to.add_option("--to-revision", words.to_revision);
    to.add_option("--recorded-since", words.recorded_since);
    to.add_option("--recorded-until", words.recorded_until);
    to.add_option("--limit", words.limit);
    to.add_flag("--backwards", words.is_backwards);
}

void add_grammar(CLI::App& to, verb command, raw_arguments& raw) {
    to.set_help_flag("");
    to.add_option("LOG", raw.log)->required();
    switch (command) {
    case verb::append:
        to.add_option("--stream", raw.stream);
        to.add_option("--expect", raw.expected);
        to.add_option("--correlation", raw.correlation);
        to.add_option("--causation", raw.causation);
        add_list(to, "--metadata", raw.metadata);
        break;
    case verb::import_events:
        to.add_option("FILE", raw.file)->required();
        to.add_option("--stream", raw.stream);
        add_list(to, "--tag", raw.tags);
        to.add_flag("--exact", raw.is_exact);
        break;
    case verb::export_events:
        add_selection(to, raw.selected);
        to.add_flag("--exact", raw.is_exact);
        break;
    case verb::copy:
        to.add_option("TARGET", raw.directory)->required();
        add_selection(to, raw.selected);
        to.add_flag("--json", raw.as_json);
        break;
    case verb::read:
        add_selection(to, raw.selected);
        to.add_flag("--json", raw.as_json);
        to.add_flag("--follow", raw.follows);
        to.add_option("--cursor", raw.selected.cursor);
        to.add_flag("--explain", raw.explains);
        break;
    case verb::schema:
        add_selection(to, raw.selected);
        to.add_flag("--json", raw.as_json);
        break;
    case verb::streams:
        add_list(to, "--category", raw.selected.categories);
        to.add_flag("--all", raw.lists_all);
        to.add_flag("--json", raw.as_json);
        break;
    case verb::about:
        to.add_option("STREAM", raw.ruled)->required();
        to.add_flag("--json", raw.as_json);
        break;
    case verb::describe:
        to.add_option("STREAM", raw.ruled)->required();
        add_list(to, "--metadata", raw.metadata);
        to.add_option("--expect", raw.expected);
        break;
    case verb::categories:
    case verb::types:
    case verb::stats:
    case verb::verify:
    case verb::removals:
        to.add_flag("--json", raw.as_json);
        break;
    case verb::backup:
        to.add_option("DIRECTORY", raw.directory)->required();
        to.add_flag("--copy", raw.copies);
        to.add_flag("--json", raw.as_json);
        break;
    case verb::repair:
        to.add_option("--into", raw.directory)->required();
        to.add_flag("--json", raw.as_json);
        break;
    case verb::truncate:
        to.add_option("STREAM", raw.ruled)->required();
        to.add_option("--before", raw.before)->required();
        to.add_option("--expect", raw.expected);
        break;
    case verb::tombstone:
        to.add_option("STREAM", raw.ruled)->required();
        to.add_option("--expect", raw.expected);
        to.add_option("--why", raw.why);
        break;
    case verb::retain:
        to.add_option("STREAM", raw.ruled)->required();
        to.add_option("--max-count", raw.max_count);
        to.add_option("--max-age", raw.max_age);
        break;
    case verb::scavenge:
        to.add_option("--why", raw.why);
        to.add_flag("--dry-run", raw.is_dry_run);
        to.add_flag("--json", raw.as_json);
        break;
    }
}

// The file's name without its folder and its ending.
std::string stem_of(const std::string& path) {
    auto name = path.substr(path.rfind('/') + 1);
    const auto dot = name.rfind('.');
    if (dot != std::string::npos && dot != 0)
        name.resize(dot);
    return name;
}

// An import takes events, not rules.
void refuse_own_stream(const std::string& name) {
    if (name.starts_with(log::own_stream_prefix))
        throw usage_error{
            "no events can be imported into '" + name +
            "': names that begin with '$' are the log's own; give another --stream"};
}

name_template import_stream_of(const raw_arguments& raw) {
    if (raw.stream) {
        if (raw.stream->empty())
            throw usage_error{"--stream is empty"};
        refuse_own_stream(*raw.stream);
        return name_template{*raw.stream};
    }
    if (raw.file == "-")
        throw usage_error{"standard input has no name to call the stream by: give --stream"};
    auto stem = stem_of(raw.file);
    if (stem.empty() || stem.size() > 255 || !is_printable(stem))
        throw usage_error{"no stream can be called like '" + raw.file + "': give --stream"};
    refuse_own_stream(stem);
    return name_template::constant(std::move(stem));
}

name_template tag_template(const std::string& text) {
    name_template out{text};
    if (!out.contains(':') || text.starts_with(':'))
        throw usage_error{"--tag '" + text + "' is not KEY:VALUE, as user:{user_id}"};
    return out;
}

bool takes_stream(verb command) noexcept {
    return command == verb::about || command == verb::describe || command == verb::truncate ||
           command == verb::tombstone || command == verb::retain;
}

// What a rule is to say, and of which stream.
void read_rule(verb command, const raw_arguments& raw, arguments& out) {
    out.ruled = name_in("STREAM", raw.ruled);
    if (command == verb::truncate)
        out.begin = revision{number_in("--before", raw.before, "a revision")};
    if (raw.expected)
        out.expected = expectation_in("--expect", *raw.expected);
    if (raw.max_count)
        out.kept.max_count = number_in("--max-count", *raw.max_count, "a count");
    if (raw.max_count && out.kept.max_count == 0)
        throw usage_error{"--max-count 0 would keep nothing; without it there is no bound"};
    if (raw.max_age)
        out.kept.max_age = duration_in("--max-age", *raw.max_age);
}

uuid id_in(const char* option, const std::string& text) {
    const auto id = uuid::parse(text);
    if (!id || id->is_nil())
        throw usage_error{fmt::format(
            "{} '{}' is not an id such as 0190d4c2-7b1e-7c3a-9f52-3d1a6c0b8e44", option, text
        )};
    return *id;
}

void read_metadata(const raw_arguments& raw, append_defaults& out) {
    for (const auto& pair : raw.metadata) {
        const auto sign = pair.find('=');
        if (sign == 0 || sign == std::string::npos || !is_utf8(pair))
            throw usage_error{
                "--metadata '" + printable(pair) + "' is not KEY=VALUE in UTF-8, as user=ada"};
        auto key = pair.substr(0, sign);
        if (std::ranges::any_of(out.metadata, [&](const auto& m) { return m.first == key; }))
            throw usage_error{"--metadata names '" + printable(key) + "' twice"};
        out.metadata.emplace_back(std::move(key), pair.substr(sign + 1));
    }
}

void read_defaults(const raw_arguments& raw, append_defaults& out) {
    out.stream = raw.stream;
    if (raw.expected)
        out.expected = expectation_in("--expect", *raw.expected);
    if (raw.correlation)
        out.correlation_id = id_in("--correlation", *raw.correlation);
    if (raw.causation)
        out.causation_id = id_in("--causation", *raw.causation);
    read_metadata(raw, out);
}

// It says all of a log, and nothing else.
void read_exact(verb command, const raw_arguments& raw, arguments& out) {
    out.is_exact = raw.is_exact;
    if (command == verb::import_events && (raw.stream || !raw.tags.empty()))
        throw usage_error{"--exact says streams and tags itself: not with --stream or --tag"};
    if (command == verb::export_events && raw.selected.is_any())
        throw usage_error{"--exact is all of a log: not with a selection; everfold copy takes one"};
}

// Events, in the order of the log.
void read_copy(const raw_arguments& raw, arguments& out) {
    if (raw.directory.empty())
        throw usage_error{"TARGET is empty: it names a directory"};
    if (raw.selected.is_backwards)
        throw usage_error{"events are copied in their order: not with --backwards"};
    out.directory = raw.directory;
}

arguments meaning_of(verb command, const raw_arguments& raw) {
    arguments out;
    out.command = command;
    out.log = raw.log;
    out.as_json = raw.as_json;
    out.follows = raw.follows;
    out.explains = raw.explains;
    out.says_place = raw.selected.cursor.has_value();
    out.file = raw.file;
    if (out.log.empty())
        throw usage_error{"LOG is empty: it names a directory"};
    out.selected = parse_selection(raw.selected);
    if (raw.follows && raw.selected.is_backwards)
        throw usage_error{"--follow goes forwards, where new events come: not with --backwards"};
    if (raw.explains && (raw.follows || raw.as_json))
        throw usage_error{"--explain shows no events: not with --follow or --json"};
    if (command == verb::export_events || command == verb::copy)
        for (const auto& name : raw.selected.streams)
            if (name.starts_with(log::own_stream_prefix))
                throw usage_error{
                    "--stream '" + name + "' holds rules, which " +
                    (command == verb::copy ? "a copy" : "an export") +
                    " does not carry; everfold read --json shows them"};
    if (raw.is_exact)
        read_exact(command, raw, out);
    if (command == verb::copy)
        read_copy(raw, out);
    if (command == verb::append) {
        if (raw.stream && (raw.stream->empty() || !is_printable(*raw.stream)))
            throw usage_error{
                "--stream is to be a name in UTF-8, not empty and without control characters"};
        read_defaults(raw, out.given);
    }
    if (command == verb::backup || command == verb::repair) {
        if (raw.directory.empty())
            throw usage_error{"DIRECTORY is empty: it names a new directory"};
        out.directory = raw.directory;
        out.copies = raw.copies;
    }
    if (takes_stream(command))
        read_rule(command, raw, out);
    if (command == verb::describe) {
        read_metadata(raw, out.given);
        if (!raw.expected)
            out.expected = expected_revision::any();
    }
    if (command == verb::streams) {
        out.categories = raw.selected.categories;
        out.lists_all = raw.lists_all;
    }
    if (command == verb::scavenge || command == verb::tombstone) {
        if (raw.why.size() > log::provenance_text_max || !is_printable(raw.why))
            throw usage_error{fmt::format(
                "--why is to be a text in UTF-8, of at most {} bytes and without control "
                "characters",
                log::provenance_text_max
            )};
        out.why = raw.why;
        out.is_dry_run = raw.is_dry_run;
    }
    if (command == verb::import_events) {
        if (out.file.empty())
            throw usage_error{"FILE is empty: it names a file, or is - for standard input"};
        if (raw.is_exact)
            return out;
        out.import_stream = import_stream_of(raw);
        for (const auto& tag : raw.tags)
            out.import_tags.push_back(tag_template(tag));
    }
    return out;
}

bool is_help(std::string_view word) {
    return word == "--help" || word == "-h";
}

template <class Print>
std::optional<arguments> after_printing(Print&& print) {
    output out{STDOUT_FILENO, "standard output"};
    print(out);
    out.flush();
    return {};
}

} // namespace

std::optional<arguments> parse_arguments(std::span<const char* const> argv) {
    std::vector<std::string> words;
    for (const auto* word : argv.subspan(std::min<std::size_t>(1, argv.size())))
        words.emplace_back(word);
    if (words.empty())
        throw usage_error{"no command given", general_usage()};
    if (is_help(words.front()))
        return after_printing([](output& out) { print_help(out); });
    if (words.front() == "--version")
        return after_printing([](output& out) {
            out.print("{} {}\n", program_name, EVERFOLD_VERSION);
        });
    const auto* const asked = command_named(words.front());
    if (asked == nullptr)
        throw usage_error{"there is no command '" + words.front() + "'", general_usage()};
    words.erase(words.begin());
    // Not among the values of options: `--stream --help` is a mistake, and no event type's name.
    if (std::ranges::any_of(words, is_help))
        return after_printing([&](output& out) { print_help(*asked, out); });

    raw_arguments raw;
    CLI::App app;
    add_grammar(app, asked->command, raw);
    std::ranges::reverse(words);
    try {
        app.parse(std::move(words));
        return meaning_of(asked->command, raw);
    } catch (const CLI::ArgumentMismatch& e) {
        const std::string what{e.what()};
        throw usage_error{what.substr(0, what.find(':')) + " takes one value", usage_of(*asked)};
    } catch (const CLI::ParseError& e) {
        throw usage_error{e.what(), usage_of(*asked)};
    } catch (const usage_error& e) {
        throw usage_error{e.what(), usage_of(*asked)};
    }
}

} // namespace everfold::cli
