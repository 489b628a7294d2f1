// SPDX-License-Identifier: MIT
#pragma once
// The one family of exceptions, for operations that can't do what they say. What a caller is
// expected to branch on is a value instead; what is a bug is a check (check.hpp).
// docs/guide/errors.md has an entry for each code: meaning, cause, safety of data, what to do.

#include <everfold/base/ids.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold {

/// What kind of failure. The names and meanings never change; codes may be added.
enum class errc : std::uint8_t {
    io,            ///< the operating system refused a read, write, sync or open
    not_a_log,     ///< there is no log at this path
    damaged,       ///< the bytes on disk are not what was written
    unsupported,   ///< a newer format, or a file system that can't keep the promises
    in_use,        ///< another writer holds the log
    writer_failed, ///< an earlier write or sync failed; nothing more is accepted
    read_only,     ///< a write to what was opened for reading, or to what is closed
    conflict,      ///< somebody else appended first
    encoding,      ///< bytes or JSON that are not a well-formed event
    schema,        ///< an event whose type, version or fields the program does not know
    replay,        ///< an apply() threw while folding history
    limit,         ///< larger than the log allows
    invalid,       ///< an argument that can't be meant
    tombstoned,    ///< the stream has ended for ever
    diverged,      ///< a log and its mirror hold different events
    unconfirmed,   ///< a checkpoint that the log does not confirm
};

/// One row of docs/guide/errors.md.
struct errc_entry {
    errc code{};
    std::string_view name{};
    std::string_view meaning{};
    std::string_view data_is_safe{};
    std::string_view what_to_do{};
};

/// Every code once, in the order of the enumeration.
[[nodiscard]] std::span<const errc_entry> errc_table() noexcept;

[[nodiscard]] const errc_entry& entry_of(errc code) noexcept;

/// The root. what() is the message and then each context line, innermost first.
class error : public std::exception {
public:
    error(errc code, std::string message);
    error(const error&) = default;
    error(error&&) = default;
    error& operator=(const error&) = default;
    error& operator=(error&&) = default;
    ~error() override;

    [[nodiscard]] errc code() const noexcept { return code_; }

    [[nodiscard]] const std::string& message() const noexcept { return message_; }

    [[nodiscard]] const std::vector<std::string>& context() const noexcept { return context_; }

    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

    /// Adds what was being done, on the way up: `catch (error& e) { e.add("opening x"); throw; }`.
    void add(std::string context_line);

private:
    errc code_;
    std::string message_;
    std::vector<std::string> context_;
    std::string text_;
};

/// The operating system refused `operation` on `path`.
class io_error : public error {
public:
    io_error(std::string operation, std::string path, int error_number);
    io_error(const io_error&) = default;
    io_error(io_error&&) = default;
    io_error& operator=(const io_error&) = default;
    io_error& operator=(io_error&&) = default;
    ~io_error() override;

    [[nodiscard]] const std::string& operation() const noexcept { return operation_; }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// The value of errno.
    [[nodiscard]] int error_number() const noexcept { return error_number_; }

    [[nodiscard]] bool is_disk_full() const noexcept;

private:
    std::string operation_;
    std::string path_;
    int error_number_;
};

/// Bytes that are not what was written. Damage is never taken for the end of the log.
class corruption : public error {
public:
    /// `file` as the user knows it, `at` in bytes in that file.
    corruption(std::string file, byte_offset at, const std::string& what_is_wrong);
    corruption(const corruption&) = default;
    corruption(corruption&&) = default;
    corruption& operator=(const corruption&) = default;
    corruption& operator=(corruption&&) = default;
    ~corruption() override;

    [[nodiscard]] const std::string& file() const noexcept { return file_; }

    [[nodiscard]] byte_offset at() const noexcept { return at_; }

    /// The first position that can't be read because of it, where that is known.
    std::optional<position> first_lost{};

private:
    std::string file_;
    byte_offset at_;
};

/// Bytes or text that are not a well-formed event, at `at` bytes from their start.
class encoding_error : public error {
public:
    encoding_error(std::size_t at, const std::string& what_is_wrong);
    encoding_error(const encoding_error&) = default;
    encoding_error(encoding_error&&) = default;
    encoding_error& operator=(const encoding_error&) = default;
    encoding_error& operator=(encoding_error&&) = default;
    ~encoding_error() override;

    [[nodiscard]] std::size_t at() const noexcept { return at_; }

private:
    std::size_t at_;
};

/// An event that the program does not know in this type, version or form.
class schema_error : public error {
public:
    schema_error(
        std::string event_type, std::uint32_t event_version, const std::string& what_is_wrong
    );
    schema_error(const schema_error&) = default;
    schema_error(schema_error&&) = default;
    schema_error& operator=(const schema_error&) = default;
    schema_error& operator=(schema_error&&) = default;
    ~schema_error() override;

    [[nodiscard]] const std::string& event_type() const noexcept { return event_type_; }

    [[nodiscard]] std::uint32_t event_version() const noexcept { return event_version_; }

private:
    std::string event_type_;
    std::uint32_t event_version_;
};

/// Thrown where losing a race is a failure: when a repository's retries are spent. A store's
/// append() answers with a value instead.
class conflict : public error {
public:
    /// `expected` and `actual` in words: "revision 4", "no stream".
    conflict(std::string stream, std::string expected, std::string actual);
    /// Where it was not about a stream.
    conflict(std::string expected, std::string actual);
    conflict(const conflict&) = default;
    conflict(conflict&&) = default;
    conflict& operator=(const conflict&) = default;
    conflict& operator=(conflict&&) = default;
    ~conflict() override;

    /// Empty where it was not about one.
    [[nodiscard]] const std::string& stream() const noexcept { return stream_; }

    [[nodiscard]] const std::string& expected() const noexcept { return expected_; }

    [[nodiscard]] const std::string& actual() const noexcept { return actual_; }

private:
    std::string stream_;
    std::string expected_;
    std::string actual_;
};

/// Sticky: the first failed write or sync ends the writer, and each later call says so again.
/// What was acknowledged is safe; reopening the log recovers.
class writer_failed : public error {
public:
    explicit writer_failed(std::exception_ptr original, const std::string& original_text);
    writer_failed(const writer_failed&) = default;
    writer_failed(writer_failed&&) = default;
    writer_failed& operator=(const writer_failed&) = default;
    writer_failed& operator=(writer_failed&&) = default;
    ~writer_failed() override;

    [[nodiscard]] const std::exception_ptr& original() const noexcept { return original_; }

private:
    std::exception_ptr original_;
};

/// An apply() threw while folding history. The event has happened; the fold must take it.
class replay_error : public error {
public:
    replay_error(
        std::string stream,
        revision at_revision,
        std::string event_type,
        std::optional<position> at_position,
        std::exception_ptr original,
        const std::string& original_text
    );
    replay_error(const replay_error&) = default;
    replay_error(replay_error&&) = default;
    replay_error& operator=(const replay_error&) = default;
    replay_error& operator=(replay_error&&) = default;
    ~replay_error() override;

    [[nodiscard]] const std::string& stream() const noexcept { return stream_; }

    [[nodiscard]] revision at_revision() const noexcept { return revision_; }

    [[nodiscard]] const std::string& event_type() const noexcept { return event_type_; }

    [[nodiscard]] std::optional<position> at_position() const noexcept { return position_; }

    [[nodiscard]] const std::exception_ptr& original() const noexcept { return original_; }

private:
    std::string stream_;
    revision revision_;
    std::string event_type_;
    std::optional<position> position_;
    std::exception_ptr original_;
};

} // namespace everfold
