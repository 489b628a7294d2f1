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

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace everfold::cli {

namespace {

/// What is wrong with the input, and why the import went no further.
struct problem {
    std::string what{};
    bool is_in_a_line{};
};

problem at_line(const std::string& file, std::uint64_t number, const char* what) {
    return {fmt::format("{}, line {}: {}", file, number, what), true};
}

/// Events that were read one after the other, and are appended in one batch.
struct piece {
    static constexpr std::size_t events_max = 1000;
    static constexpr std::size_t bytes_max = 4U << 20U;

    std::vector<line_event> events{}; ///< the first `count`; the others are memory for the next
    std::vector<std::uint64_t> lines{};
    std::size_t count{};
    std::size_t bytes{}; ///< of their payloads
    bool is_last{};
    std::optional<problem> found{}; ///< why it is the last
};

/// Pieces on their way from the thread that reads to the one that appends, and back.
///
/// Threads: any.
class conveyor {
public:
    explicit conveyor(std::size_t pieces)
        : empty_(pieces) {}

    /// One to fill; nothing once the other side has given up.
    [[nodiscard]] std::optional<piece> take_empty() { return take(empty_); }

    /// One to append; nothing once the other side has given up.
    [[nodiscard]] std::optional<piece> take_full() { return take(full_); }

    void give_full(piece p) { give(full_, std::move(p)); }
    void give_empty(piece p) { give(empty_, std::move(p)); }

    void give_up() noexcept {
        const std::lock_guard lock{mutex_};
        is_given_up_ = true;
        changed_.notify_all();
    }

private:
    std::optional<piece> take(std::deque<piece>& from) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [&] { return is_given_up_ || !from.empty(); });
        if (is_given_up_)
            return {};
        auto out = std::move(from.front());
        from.pop_front();
        return out;
    }

    void give(std::deque<piece>& to, piece p) {
        const std::lock_guard lock{mutex_};
        to.push_back(std::move(p));
        changed_.notify_all();
    }

    std::mutex mutex_{};
    std::condition_variable changed_{};
    std::deque<piece> empty_;
    std::deque<piece> full_{};
    bool is_given_up_{};
};

/// Lines to events.
class piece_reader {
public:
    piece_reader(const import_request& request, input_file& file)
        : request_{request}
        , file_{file}
        , lines_{[&file](char* to, std::size_t size) { return file.read(to, size); }} {}

    /// As many as a piece takes; the last one says why it is.
    void fill(piece& p) {
        p.count = 0;
        p.bytes = 0;
        p.lines.clear();
        try {
            while (p.count < piece::events_max && p.bytes < piece::bytes_max) {
                std::string_view line;
                if (!lines_.next(line)) {
                    p.is_last = true;
                    return;
                }
                if (!is_blank(line))
                    add(line, p);
            }
        } catch (const malformed_line& e) {
            p.found = at_line(file_.name(), lines_.number(), e.what());
            p.is_last = true;
        } catch (const input_output_error& e) {
            p.found = problem{e.what(), false};
            p.is_last = true;
        }
    }

    [[nodiscard]] std::uint64_t bytes() const noexcept { return lines_.bytes(); }

private:
    void add(std::string_view line, piece& p) {
        if (p.count == p.events.size())
            p.events.emplace_back();
        auto& to = p.events[p.count];
        request_.read_event(line, to);
        p.bytes += to.event.payload.size() + to.event.metadata.size();
        p.lines.push_back(lines_.number());
        ++p.count;
    }

    const import_request& request_;
    input_file& file_;
    line_reader lines_;
};

/// Appends pieces in atomic batches. To the log itself: a store's append takes the events stream by
/// stream, and an import keeps the order of the lines across streams.
class piece_writer {
public:
    piece_writer(log::event_log& log, std::string file)
        : log_{log}
        , file_{std::move(file)} {
        rules_.refresh(log.index());
    }

    /// What is wrong with an event, or with what came after the last. All before it is then in the
    /// log.
    [[nodiscard]] std::optional<problem> append(const piece& p) {
        const auto events = std::span{p.events}.first(p.count);
        std::size_t end = 0;
        std::string why;
        while (end < events.size() && (why = why_not_to(events[end].stream)).empty())
            ++end;
        try {
            if (auto found = append(events.first(end), p.lines))
                return found;
        } catch (error& e) {
            e.add(fmt::format(
                "importing {}; {} committed before", file_, counted(committed(), "event")
            ));
            throw;
        }
        return end < events.size() ? at_line(file_, p.lines[end], why.c_str()) : p.found;
    }

    /// May be asked by any thread.
    [[nodiscard]] std::uint64_t committed() const noexcept { return committed_; }

private:
    // What a store's append asks, too. Nobody else writes, so the rules stay as they are.
    [[nodiscard]] std::string why_not_to(const std::string& stream) const {
        if (stream.starts_with(log::own_stream_prefix))
            return "the stream '" + stream +
                   "' would be one of the log's own, as is every name that begins with '$'";
        if (!rules_.are_none() && rules_.is_tombstoned(stream))
            return "the stream '" + stream +
                   "' has ended: it was tombstoned, and its name is never used again";
        return {};
    }

    static bool is_about_the_event(const error& e) {
        return e.code() == errc::limit || e.code() == errc::encoding || e.code() == errc::invalid;
    }

    std::optional<problem>
    append(std::span<const line_event> events, const std::vector<std::uint64_t>& lines) {
        if (events.empty())
            return {};
        try {
            append_batch(events);
            return {};
        } catch (const error& e) {
            if (!is_about_the_event(e))
                throw;
        }
        // Nothing of the batch is in the log. One by one, the culprit shows.
        for (std::size_t i = 0; i < events.size(); ++i) {
            try {
                append_batch(events.subspan(i, 1));
            } catch (const error& e) {
                if (!is_about_the_event(e))
                    throw;
                return at_line(file_, lines[i], e.message().c_str());
            }
        }
        return {};
    }

    void append_batch(std::span<const line_event> events) {
        drafts_.clear();
        for (const auto& e : events)
            drafts_.push_back({
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
        static_cast<void>(log_.append(drafts_, uuid{}, [](const log::stream_heads&) {
            return true;
        }));
        committed_ += events.size();
    }

    log::event_log& log_;
    std::string file_;
    stream_rules rules_{};
    std::vector<log::draft> drafts_{};
    std::atomic<std::uint64_t> committed_{0};
};

/// Appends what it is given on a thread of its own.
class appender {
public:
    appender(piece_writer& writer, conveyor& pieces)
        : thread_{[this, &writer, &pieces] { run(writer, pieces); }}
        , pieces_{pieces} {}

    appender(const appender&) = delete;
    appender& operator=(const appender&) = delete;
    appender(appender&&) = delete;
    appender& operator=(appender&&) = delete;

    ~appender() {
        pieces_.give_up();
        if (thread_.joinable())
            thread_.join();
    }

    /// Waits for the last piece. Failure: everfold::error where the log can't be written.
    [[nodiscard]] std::optional<problem> finish() {
        thread_.join();
        if (failed_)
            std::rethrow_exception(failed_);
        return std::move(found_);
    }

private:
    void run(piece_writer& writer, conveyor& pieces) noexcept {
        try {
            while (auto p = pieces.take_full()) {
                found_ = writer.append(*p);
                if (p->is_last || found_)
                    break;
                pieces.give_empty(std::move(*p));
            }
        } catch (...) {
            failed_ = std::current_exception();
        }
        pieces.give_up();
    }

    // Before the thread, which sets them.
    std::optional<problem> found_{};
    std::exception_ptr failed_{};
    std::thread thread_;
    conveyor& pieces_;
};

/// Everything up to the end or to what is wrong with the input.
std::optional<problem> import_all(piece_reader& reader, piece_writer& writer, progress& bar) {
    constexpr std::size_t pieces_under_way = 4;
    conveyor pieces{pieces_under_way};
    appender append{writer, pieces};
    while (auto p = pieces.take_empty()) {
        reader.fill(*p);
        const bool is_last = p->is_last;
        pieces.give_full(std::move(*p));
        if (is_last)
            break;
        bar.update(reader.bytes(), writer.committed());
    }
    return append.finish();
}

} // namespace

void import_lines(const import_request& request, output& out) {
    using clock = std::chrono::steady_clock;
    input_file file{request.file};
    const auto log = open_event_log(request.program, request.log, log::access::create);
    const auto started = clock::now();
    piece_reader reader{request, file};
    piece_writer writer{*log, file.name()};
    std::optional<problem> found;
    {
        progress bar{"importing", file.size()};
        found = import_all(reader, writer, bar);
    }
    log->close();
    const auto seconds = std::chrono::duration<double>(clock::now() - started).count();
    const auto rate = seconds > 0 ? static_cast<double>(writer.committed()) / seconds : 0.0;
    out.print(
        "Imported {} in {:.2f} s ({}/s)\n",
        counted(writer.committed(), "event"),
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
            counted(writer.committed(), "event")
        ),
        found->is_in_a_line ? "mend that line and import the file from there on"
                            : "import the rest of the file once it can be read"};
}

} // namespace everfold::cli
