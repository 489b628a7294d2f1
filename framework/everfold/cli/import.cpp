// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/import.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/progress.hpp>
#include <everfold/cli/text.hpp>
#include <everfold/cli/tutorial_format.hpp>
#include <everfold/cli/user_file.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/record.hpp>
#include <everfold/store/stream_rules.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace everfold::cli {

namespace {

/// Collects events and appends them in atomic, durable batches. To the log itself: a store's append
/// takes the events stream by stream, and an import keeps the order of the lines across streams.
class batch_writer {
public:
    explicit batch_writer(log::event_log& log)
        : log_{log} {
        rules_.refresh(log.index());
    }

    /// Failure: malformed_line where the stream takes no events; the line before it is the last.
    void add(line_event event, std::uint64_t line) {
        require_open(event.stream);
        bytes_ += event.event.payload.size() + event.event.metadata.size();
        events_.push_back(std::move(event));
        lines_.push_back(line);
        if (events_.size() >= events_max || bytes_ >= bytes_max)
            commit();
    }

    /// Failure: malformed_line, with the line in refused_line(), where the log takes an event of it
    /// not; those before it are committed.
    void commit() {
        const auto events = std::exchange(events_, {});
        const auto lines = std::exchange(lines_, {});
        bytes_ = 0;
        if (events.empty())
            return;
        try {
            append(events);
        } catch (const error& e) {
            if (!is_about_the_event(e))
                throw;
            // Nothing of the batch is in the log. One by one, the culprit shows.
            for (std::size_t i = 0; i < events.size(); ++i)
                append_alone(events[i], lines[i]);
        }
    }

    [[nodiscard]] std::uint64_t committed() const noexcept { return committed_; }

    /// The line of the event that was refused.
    [[nodiscard]] std::uint64_t refused_line() const noexcept { return refused_line_; }

private:
    static constexpr std::size_t events_max = 1000;
    static constexpr std::size_t bytes_max = 4U << 20U;

    // What a store's append asks, too. Nobody else writes, so the rules stay as they are.
    void require_open(const std::string& stream) const {
        if (stream.starts_with(log::own_stream_prefix))
            throw malformed_line{
                "the stream '" + stream +
                "' would be one of the log's own, as is every name that begins with '$'"};
        if (!rules_.are_none() && rules_.is_tombstoned(stream))
            throw malformed_line{
                "the stream '" + stream +
                "' has ended: it was tombstoned, and its name is never used again"};
    }

    static bool is_about_the_event(const error& e) {
        return e.code() == errc::limit || e.code() == errc::encoding || e.code() == errc::invalid;
    }

    void append(std::span<const line_event> events) {
        std::vector<log::draft> drafts;
        for (const auto& e : events)
            drafts.push_back({
                .stream = e.stream,
                .type = e.event.type,
                .version = e.event.version,
                .tags = e.event.tags,
                .occurred_at = e.event.occurred_at,
                .originally_recorded_at = e.event.originally_recorded_at,
                .id = e.event.id,
                .correlation_id = e.event.correlation_id,
                .causation_id = e.event.causation_id,
                .metadata = e.event.metadata,
                .payload = e.event.payload,
            });
        static_cast<void>(log_.append(drafts, uuid{}, [](const log::stream_heads&) { return true; })
        );
        committed_ += events.size();
    }

    void append_alone(const line_event& event, std::uint64_t line) {
        try {
            append({&event, 1});
        } catch (const error& e) {
            if (!is_about_the_event(e))
                throw;
            refused_line_ = line;
            throw malformed_line{e.message()};
        }
    }

    log::event_log& log_;
    stream_rules rules_{};
    std::vector<line_event> events_{};
    std::vector<std::uint64_t> lines_{};
    std::size_t bytes_{};
    std::uint64_t committed_{};
    std::uint64_t refused_line_{};
};

/// What is wrong with the input, and why the import went no further.
struct problem {
    std::string what{};
    bool is_in_a_line{};
};

// Everything up to the end or to what is wrong with the input.
// Failure: everfold::error where the log can't be written.
std::optional<problem> import_all(
    const import_request& request,
    line_reader& lines,
    batch_writer& batches,
    progress& bar,
    const std::string& name
) {
    const auto at_line = [&](std::uint64_t number, const char* what) {
        return problem{fmt::format("{}, line {}: {}", name, number, what), true};
    };
    try {
        std::optional<problem> found;
        try {
            std::string_view line;
            while (lines.next(line)) {
                if (is_blank(line))
                    continue;
                batches.add(request.event_of(line), lines.number());
                bar.update(lines.bytes(), batches.committed());
            }
        } catch (const malformed_line& e) {
            // An event that the log refuses may have been earlier in the same batch.
            if (batches.refused_line() != 0)
                throw;
            found = at_line(lines.number(), e.what());
        } catch (const input_output_error& e) {
            found = problem{e.what(), false};
        }
        batches.commit();
        return found;
    } catch (const malformed_line& e) {
        return at_line(batches.refused_line(), e.what());
    } catch (error& e) {
        e.add(fmt::format(
            "importing {}; {} committed before", name, counted(batches.committed(), "event")
        ));
        throw;
    }
}

} // namespace

void import_lines(const import_request& request, output& out) {
    using clock = std::chrono::steady_clock;
    input_file file{request.file};
    const auto log = open_event_log(request.program, request.log, log::access::create);
    const auto started = clock::now();
    line_reader lines{[&](char* to, std::size_t size) { return file.read(to, size); }};
    batch_writer batches{*log};
    std::optional<problem> found;
    {
        progress bar{"importing", file.size()};
        found = import_all(request, lines, batches, bar, file.name());
    }
    log->close();
    const auto seconds = std::chrono::duration<double>(clock::now() - started).count();
    const auto rate = seconds > 0 ? static_cast<double>(batches.committed()) / seconds : 0.0;
    out.print(
        "Imported {} in {:.2f} s ({}/s)\n",
        counted(batches.committed(), "event"),
        seconds,
        with_thousands(static_cast<std::uint64_t>(rate))
    );
    if (!found)
        return;
    try {
        out.flush();
    } catch (const input_output_error&) { // NOLINT(bugprone-empty-catch)
        // That the summary can't be written matters less than where the input is wrong.
    }
    throw input_output_error{
        found->what,
        fmt::format(
            "all {} before it are in the log, nothing after is",
            counted(batches.committed(), "event")
        ),
        found->is_in_a_line ? "mend that line and import the file from there on"
                            : "import the rest of the file once it can be read"};
}

} // namespace everfold::cli
