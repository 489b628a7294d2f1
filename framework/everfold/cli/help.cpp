// SPDX-License-Identifier: MIT
#include <everfold/cli/help.hpp>

#include <array>

namespace everfold::cli {

namespace {

constexpr std::string_view selection_help =
    "SELECTION, which events:\n"
    "  --stream S --category C --type T   of this stream, category (the name up to its first -),\n"
    "                                     type; given several times: of any of them\n"
    "  --tag KEY:VALUE                    with this tag; several times: with all of them\n"
    "  --since TIME --until TIME          that occurred in this time, both ends included; a TIME "
    "is\n"
    "                                     2024-01-31T09:30:00Z or @ and milliseconds since 1970\n"
    "  --from P --to P                    at these positions of the log, both included\n"
    "  --recorded-since TIME --recorded-until TIME\n"
    "                                     that this log recorded in this time\n"
    "  --from-revision R --to-revision R  at these revisions of the one --stream\n"
    "  --where 'POINTER OPERATOR VALUE'   whose data, at this JSON pointer, compares so: with = != "
    "<\n"
    "                                     <= > >= or contains (part of a text, member of an "
    "array).\n"
    "                                     VALUE is text or JSON: /user_id=123, '/cents >= 500',\n"
    "                                     '/address/city = \"Oslo\"', '/tags contains new'; a "
    "POINTER\n"
    "                                     with blanks or operators stands in double quotes\n"
    "  --backwards                        the last one first\n"
    "  --limit N                          at most so many\n";

constexpr std::string_view append_details =
    "Reads one event a line from standard input, as JSON:\n"
    "  {\"type\": \"user_created\", \"data\": {\"user_id\": 1}, \"stream\": \"users\",\n"
    "   \"tags\": [\"user:1\"], \"metadata\": {\"by\": \"ada\"}, \"expected\": \"no_stream\"}\n"
    "type and data must be there; a line's stream goes before --stream. expected is what the\n"
    "stream must look like: \"any\" (which it is without), \"no_stream\", \"exists\", or the "
    "revision\n"
    "of its last event. Each line is one commit: once it is on the disk,\n"
    "  {\"position\":0,\"revision\":0}\n"
    "is printed. What lines do not say themselves can be given for all of them:\n"
    "  --expect EXPECTED    any (without the option), no_stream, exists or a revision\n"
    "  --correlation ID     and --causation ID: UUIDs of what the events belong to, and answer\n"
    "  --metadata KEY=VALUE VALUE is JSON or else text; several times: so many keys\n"
    "A malformed line ends the run with exit code 2, a conflict with 1; standard\n"
    "error then has {\"error\":\"...\",\"line\":N}, and the lines before N stay in the log.\n"
    "A log that is missing is created.\n";

constexpr std::string_view import_details =
    "FILE, or standard input for -, has one event a line, as JSON:\n"
    "  {\"timestamp\": 1704067200000, \"datetime\": \"2024-01-01T00:00:00.000\",\n"
    "   \"event_type\": \"user_created\", \"data\": {\"user_id\": 1, \"name\": \"Ada\"}}\n"
    "timestamp, in milliseconds since 1970, becomes the time at which the event occurred; "
    "datetime\n"
    "is not needed. Events go into one stream, called like the file without its ending, or into\n"
    "  --stream TEMPLATE    such as user-{user_id}: fields of the data stand in braces, or JSON\n"
    "                       pointers as {/address/city}; braces themselves are doubled\n"
    "  --tag TEMPLATE       such as user:{user_id}; several times: so many tags\n"
    "A line that is malformed, or lacks a field that a template names, ends the run with its\n"
    "number and exit code 6; all lines before it are in the log. So does one whose stream was\n"
    "tombstoned, or is the log's own (a name that begins with $). A log that is missing is "
    "created.\n\n"
    "  --exact              FILE is what export --exact has written. LOG is a new directory, and\n"
    "                       becomes the equal of the exported log, down to positions, ids and\n"
    "                       times: all of it or, where a line is wrong, no log. An import that "
    "was\n"
    "                       interrupted is begun again by the same command.\n";

constexpr std::string_view export_details =
    "Writes to standard output what import reads: time, type and data of each event, and its\n"
    "metadata as further fields. Streams and tags have no place in that form; read --json has\n"
    "them. Only what can be reached is exported: neither what rules hide, removed or not, nor the\n"
    "rules themselves, so a log made by import has none.\n"
    "  --exact              all of the log instead, in the exact form (docs/export_format.md):\n"
    "                       every field of every event, rules and what they hide, and what was\n"
    "                       appended together; import --exact makes an equal log of it\n\n";

constexpr std::string_view copy_details =
    "Appends the selected events of LOG to the log TARGET, which is created where it is missing.\n"
    "They keep streams, types, ids, times, tags, metadata and data, and events that were appended\n"
    "together stay together. Positions and revisions are those that TARGET gives. Rules, and what\n"
    "they have put out of reach, are not copied.\n\n"
    "The copied streams must begin in TARGET with this copy, else exit code 1. The same command\n"
    "again adds what is missing: after an interruption, or once LOG has grown.\n\n";

constexpr std::string_view read_details =
    "Shows events as they were stored, whatever their types: no program that knows them is\n"
    "needed, and none of its upcasters run.\n"
    "  --json               one object a line: position, revision, stream, type, version, id,\n"
    "                       recorded_at, occurred_at, tags, metadata, data\n"
    "  --follow             then waits for new events, also of a writer in another process, until\n"
    "                       it is interrupted\n"
    "  --cursor start|C     says at the end, on standard error, the cursor C with which the same\n"
    "                       selection goes on from there, whatever its limit\n"
    "  --explain            instead of the events, how they are found and what was read for it\n\n";

constexpr std::string_view streams_details =
    "From the indexes: no event is read.\n"
    "  --category C         of this category (the name up to its first -); several times: of any\n"
    "  --all                also those of which nothing can be reached: empty ones, which go on,\n"
    "                       and those that were tombstoned, which come last\n";

constexpr std::string_view about_details =
    "Its state, counts, first and last event, the bounds that rules set, how it ended, and its\n"
    "metadata. What has had neither event nor rule is unknown: exit code 1.\n";

constexpr std::string_view describe_details =
    "Takes the place of the metadata that the stream had; without an option it is empty. It is\n"
    "about the stream, and stays when events are removed. It may come before the first event.\n"
    "  --metadata KEY=VALUE VALUE is JSON or else text; several times: so many keys\n"
    "  --expect EXPECTED    what the stream must look like: any (without the option), exists,\n"
    "                       no_stream, or the revision of its last event; else exit code 1\n";

constexpr std::string_view schema_details =
    "Reads the selected events, all of them without a SELECTION, and lists for each type and\n"
    "version what its data held: the fields, of what kinds their values were, and how often each\n"
    "was there. A field within a field is address.city, the elements of an array are tags[]; "
    "where\n"
    "the names in an object turn out to be data, since there are more than 64, all of its values\n"
    "are prices.*. How a program reads these types, compare_schema() says in that program\n"
    "(docs/guide/evolution.md).\n\n";

constexpr std::string_view verify_details =
    "Reads every event of every segment again and checks all there is to check: checksums, the\n"
    "links between batches, seals, indexes, snapshots, and that data and metadata are "
    "well-formed.\n"
    "Opens the log for reading only, beside a writer too, and changes nothing. Each damaged place "
    "is\n"
    "named: file, byte, the first position that is lost, and what is intact behind it; the rest "
    "is\n"
    "read all the same. Exit code 4 where something is damaged. What can be made again, indexes "
    "and\n"
    "snapshots, is no damage: a note says what is wrong.\n";

constexpr std::string_view backup_details =
    "Makes a log of its own in the new directory DIRECTORY: all that is durable now, closed. The "
    "log\n"
    "is opened for reading only; a writer that has it open goes on. Full segments, which nobody\n"
    "changes, are hard links where DIRECTORY is on the same file system:\n"
    "  --copy               copy them, so that damage of one file does not reach the other\n"
    "To restore it, copy the directory back. everfold verify DIRECTORY reads it again.\n";

constexpr std::string_view repair_details =
    "Makes a log in the new directory DIRECTORY of every append that is intact, in order, with "
    "the\n"
    "times and ids that its events had. LOG need not open: its manifest, its head mark, segments "
    "may\n"
    "be damaged or gone. Nothing in LOG is changed; stop its writer first.\n\n"
    "Where nothing is lost, positions stay, and so does the log's identity. Else every lost "
    "position\n"
    "is listed, and where the others are now: behind the first loss positions are new ones, and "
    "in\n"
    "streams that have lost events revisions are. DIRECTORY/repair-report.json has all of it. "
    "Exit\n"
    "code 4 where something is lost; the new log is there all the same.\n";

constexpr std::string_view truncate_details =
    "What comes before REVISION can't be reached any more, from now on; everfold scavenge removes "
    "it.\n"
    "REVISION is at most the one that the stream's next event gets. Positions and revisions stay.\n"
    "  --before REVISION    where the stream begins\n"
    "  --expect EXPECTED    what the stream must look like: exists (without the option), any,\n"
    "                       no_stream, or the revision of its last event; else exit code 1\n";

constexpr std::string_view tombstone_details =
    "None of its events can be reached any more, and nothing is ever appended to it again: this\n"
    "can't be taken back. To empty a stream that goes on, truncate it.\n"
    "  --expect EXPECTED    what the stream must look like: exists (without the option), any,\n"
    "                       no_stream, or the revision of its last event; else exit code 1\n"
    "  --why TEXT           is told to whoever reads the stream, with the time\n";

constexpr std::string_view retain_details =
    "Takes the place of the bounds that the stream had; without an option it has none. What is\n"
    "out of bounds can't be reached, and everfold scavenge removes it.\n"
    "  --max-count N        the last N events\n"
    "  --max-age TIME       those recorded no longer ago: 90d, 12h, 30m, 5s\n";

constexpr std::string_view scavenge_details =
    "Removes for good the events that rules (truncate, tombstone, retain) have put out of reach.\n"
    "No answer changes; positions and revisions stay. A backup whose files are hard links still\n"
    "has them: what must be gone has to be gone from backups, too.\n"
    "  --why TEXT           goes into the record of the removal, which removals shows\n"
    "  --dry-run            says what would be removed; LOG is only read, beside a writer too\n";

constexpr std::array<command_help, 20> commands{{
    {verb::append,
     "append",
     "LOG [--stream S] [--expect EXPECTED] [--metadata KEY=VALUE]...",
     "append events from standard input, one durable commit a line",
     append_details},
    {verb::import_events,
     "import",
     "LOG FILE|- [--stream TEMPLATE] [--tag TEMPLATE]... | --exact",
     "append a file of JSON Lines",
     import_details},
    {verb::export_events,
     "export",
     "LOG [SELECTION] | --exact",
     "write events as JSON Lines, which import reads",
     export_details},
    {verb::copy,
     "copy",
     "LOG TARGET [SELECTION] [--json]",
     "append events to another log",
     copy_details},
    {verb::read,
     "read",
     "LOG [SELECTION] [--json] [--follow] [--explain]",
     "show events",
     read_details},
    {verb::streams,
     "streams",
     "LOG [--category C] [--all] [--json]",
     "list the streams, by the first event that is left of each",
     streams_details},
    {verb::categories,
     "categories",
     "LOG [--json]",
     "list the categories with their streams and events",
     {}},
    {verb::about, "about", "LOG STREAM [--json]", "what is known of one stream", about_details},
    {verb::describe,
     "describe",
     "LOG STREAM [--metadata KEY=VALUE]... [--expect EXPECTED]",
     "give a stream metadata of its own",
     describe_details},
    {verb::types, "types", "LOG [--json]", "list the event types and their versions", {}},
    {verb::schema,
     "schema",
     "LOG [SELECTION] [--json]",
     "list the event types with the fields of their data, as seen",
     schema_details},
    {verb::stats, "stats", "LOG [--json]", "how much there is, and how much room it takes", {}},
    {verb::verify,
     "verify",
     "LOG [--json]",
     "read everything again and say whether it is intact",
     verify_details},
    {verb::backup,
     "backup",
     "LOG DIRECTORY [--copy] [--json]",
     "copy the log as it is now, beside its writer",
     backup_details},
    {verb::repair,
     "repair",
     "LOG --into DIRECTORY [--json]",
     "save what is intact of a damaged log into a new one",
     repair_details},
    {verb::truncate,
     "truncate",
     "LOG STREAM --before REVISION [--expect EXPECTED]",
     "let a stream begin later",
     truncate_details},
    {verb::tombstone,
     "tombstone",
     "LOG STREAM [--expect EXPECTED] [--why TEXT]",
     "end a stream for ever",
     tombstone_details},
    {verb::retain,
     "retain",
     "LOG STREAM [--max-count N] [--max-age TIME]",
     "bound how much of a stream can be reached",
     retain_details},
    {verb::scavenge,
     "scavenge",
     "LOG [--why TEXT] [--dry-run] [--json]",
     "remove what can't be reached",
     scavenge_details},
    {verb::removals, "removals", "LOG [--json]", "list what was removed, when and why", {}},
}};

bool takes_selection(const command_help& c) {
    return c.arguments.find("[SELECTION]") != std::string_view::npos;
}

} // namespace

std::span<const command_help> all_commands() noexcept {
    return commands;
}

const command_help* command_named(std::string_view name) noexcept {
    for (const auto& c : commands)
        if (c.name == name)
            return &c;
    return nullptr;
}

std::string usage_of(const command_help& c) {
    return fmt::format("usage: {} {} {}", program_name, c.name, c.arguments);
}

std::string general_usage() {
    return fmt::format(
        "usage: {} COMMAND LOG [OPTIONS]; {} --help lists the commands", program_name, program_name
    );
}

void print_help(output& out) {
    out.print(
        "Looks into an event log and adds to it, whatever program it belongs to: event types need\n"
        "not be known, and events are shown as they were stored.\n\n"
        "usage: {} COMMAND LOG [OPTIONS]      (LOG is a directory)\n\n",
        program_name
    );
    for (const auto& c : commands)
        out.print("  {:<9} {}\n  {:<9}   {}\n", c.name, c.arguments, "", c.summary);
    out.print(
        "\n{}\n"
        "{} COMMAND --help says more; --version says which version this is. --json gives one\n"
        "object a line, for programs.\n\n"
        "Exit code: 0 done, 1 refused, not found or conflict, 2 usage, 3 not a log, 4 damaged,\n"
        "5 in use by another writer, 6 input or output error. Only append, import, describe,\n"
        "truncate, tombstone, retain and scavenge change LOG: the others never create, lock or\n"
        "repair it.\n"
        "copy changes TARGET.\n",
        selection_help,
        program_name
    );
}

void print_help(const command_help& c, output& out) {
    out.print("{}\n\n{}.\n", usage_of(c), c.summary);
    if (!c.details.empty())
        out.print("\n{}", c.details);
    if (takes_selection(c))
        out.write(selection_help);
}

} // namespace everfold::cli
