// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace everfold {

namespace {

constexpr std::array<errc_entry, 16> table{{
    {errc::io,
     "io",
     "the operating system refused a read, write, sync or open",
     "what was acknowledged is safe",
     "read the path and the system's reason in the message; mend that, then open again"},
    {errc::not_a_log,
     "not_a_log",
     "there is no log at this path",
     "nothing was read, created or changed",
     "check the path; to create a log, open a path that does not exist or an empty directory"},
    {errc::damaged,
     "damaged",
     "the bytes on disk are not what was written",
     "nothing was changed; what lies before the named place is intact",
     "copy the directory away first, then restore the named file from a backup, or save the rest "
     "with "
     "'everfold repair'"},
    {errc::unsupported,
     "unsupported",
     "a newer format, or a file system that can't keep the promises",
     "nothing was changed",
     "open it with the program version that wrote it, or move it to a local file system"},
    {errc::in_use,
     "in_use",
     "another writer holds the log",
     "nothing was changed",
     "stop the process that the message names, or open the log read-only"},
    {errc::writer_failed,
     "writer_failed",
     "an earlier write or sync failed; nothing more is accepted",
     "what was acknowledged is safe; what was not may or may not be there after reopening",
     "mend the cause that the message names, then close and open the log again"},
    {errc::read_only,
     "read_only",
     "a write to what was opened for reading, or to what is closed",
     "nothing was changed",
     "open the log for writing"},
    {errc::conflict,
     "conflict",
     "somebody else appended first",
     "nothing was appended",
     "load again, decide again, and append with the new revision"},
    {errc::encoding,
     "encoding",
     "bytes or JSON that are not a well-formed event",
     "nothing was appended",
     "mend the input at the place that the message names"},
    {errc::schema,
     "schema",
     "an event whose type, version or fields the program does not know",
     "the log is as it was; the event is in it",
     "use the program that knows the event, add the type to the state's events, or say that "
     "unknown "
     "types are to be skipped"},
    {errc::replay,
     "replay",
     "an apply() threw while folding history",
     "the log is as it was; the state was not built",
     "an apply() must take every event that happened: mend it and load again"},
    {errc::limit,
     "limit",
     "larger than the log allows",
     "nothing was appended",
     "split it, or create the log with larger limits"},
    {errc::invalid,
     "invalid",
     "an argument that can't be meant",
     "nothing was changed",
     "mend the call as the message says"},
    {errc::tombstoned,
     "tombstoned",
     "the stream has ended for ever",
     "nothing was changed",
     "use a stream of another name"},
    {errc::diverged,
     "diverged",
     "a log and its mirror hold different events",
     "no event was changed in either",
     "open each alone and decide which one goes on; move the other away, and a new mirror is made"},
    {errc::unconfirmed,
     "unconfirmed",
     "a checkpoint that the log does not confirm",
     "nothing was delivered; log and checkpoint are as they were",
     "find out which of the two was restored or exchanged; where the log is right, clear what was "
     "built from the events and begin without the checkpoint"},
}};

std::string quoted(std::string_view path) {
    return "'" + printable(path) + "'";
}

} // namespace

std::span<const errc_entry> errc_table() noexcept {
    return table;
}

const errc_entry& entry_of(errc code) noexcept {
    const auto at = static_cast<std::size_t>(code);
    check(at < table.size(), "an error code has an entry");
    return table[at];
}

error::error(errc code, std::string message)
    : code_{code}
    , message_{std::move(message)}
    , text_{message_} {}

error::~error() = default;

void error::add(std::string context_line) {
    text_ += "\n  while " + context_line;
    context_.push_back(std::move(context_line));
}

io_error::io_error(std::string operation, std::string path, int error_number)
    : error{errc::io, "can't " + operation + " " + quoted(path) + ": " + std::generic_category().message(error_number)}
    , operation_{std::move(operation)}
    , path_{std::move(path)}
    , error_number_{error_number} {}

io_error::~io_error() = default;

bool io_error::is_disk_full() const noexcept {
    return error_number_ == ENOSPC || error_number_ == EDQUOT || error_number_ == EFBIG;
}

corruption::corruption(std::string file, byte_offset at, const std::string& what_is_wrong)
    : error{errc::damaged, "damaged: " + quoted(file) + " at byte " + std::to_string(at.value()) + ": " + what_is_wrong}
    , file_{std::move(file)}
    , at_{at} {}

corruption::~corruption() = default;

encoding_error::encoding_error(std::size_t at, const std::string& what_is_wrong)
    : error{errc::encoding, what_is_wrong + " (at byte " + std::to_string(at) + ")"}
    , at_{at} {}

encoding_error::~encoding_error() = default;

schema_error::schema_error(
    std::string event_type, std::uint32_t event_version, const std::string& what_is_wrong
)
    : error{errc::schema, "event type " + quoted(event_type) + " version " + std::to_string(event_version) + ": " + what_is_wrong}
    , event_type_{std::move(event_type)}
    , event_version_{event_version} {}

schema_error::~schema_error() = default;

conflict::conflict(std::string stream, std::string expected, std::string actual)
    : error{errc::conflict, "stream " + quoted(stream) + ": expected " + expected + ", found " + actual}
    , stream_{std::move(stream)}
    , expected_{std::move(expected)}
    , actual_{std::move(actual)} {}

conflict::conflict(std::string expected, std::string actual)
    : error{errc::conflict, "expected " + expected + ", found " + actual}
    , expected_{std::move(expected)}
    , actual_{std::move(actual)} {}

conflict::~conflict() = default;

writer_failed::writer_failed(std::exception_ptr original, const std::string& original_text)
    : error{errc::writer_failed, "the writer stopped when an earlier write failed; what was acknowledged is safe; open the log again to go on. First failure: " + original_text}
    , original_{std::move(original)} {}

writer_failed::~writer_failed() = default;

replay_error::replay_error(
    std::string stream,
    revision at_revision,
    std::string event_type,
    std::optional<position> at_position,
    std::exception_ptr original,
    const std::string& original_text
)
    : error{errc::replay, "apply() threw on event type " + quoted(event_type) + " of stream " + quoted(stream) + " at revision " + std::to_string(at_revision.value()) + (at_position ? ", position " + std::to_string(at_position->value()) : std::string{}) + ": " + original_text}
    , stream_{std::move(stream)}
    , revision_{at_revision}
    , event_type_{std::move(event_type)}
    , position_{at_position}
    , original_{std::move(original)} {}

replay_error::~replay_error() = default;

} // namespace everfold
