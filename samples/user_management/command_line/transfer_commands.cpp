// SPDX-License-Identifier: MIT
// import and export: the tutorial's log in and out.

#include "../tutorial_format.hpp"
#include "../user_directory.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "user_file.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace users {

namespace {

// Collects events and appends them in atomic, durable batches.
class batch_writer {
public:
    explicit batch_writer(everfold::store store)
        : store_{std::move(store)} {}

    void add(everfold::new_event event, std::uint64_t line) {
        bytes_ += event.payload.size() + event.metadata.size();
        events_.push_back(std::move(event));
        lines_.push_back(line);
        if (events_.size() >= events_max || bytes_ >= bytes_max)
            commit();
    }

    /// Failure: malformed_line, with the line in number(), where the log takes an event of it not;
    /// those before it are committed.
    void commit() {
        const auto events = std::exchange(events_, {});
        const auto lines = std::exchange(lines_, {});
        bytes_ = 0;
        if (events.empty())
            return;
        try {
            append(events);
        } catch (const everfold::error& e) {
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

    static bool is_about_the_event(const everfold::error& e) {
        return e.code() == everfold::errc::limit || e.code() == everfold::errc::encoding ||
               e.code() == everfold::errc::invalid;
    }

    void append(std::vector<everfold::new_event> events) {
        const auto count = events.size();
        everfold::append_request request;
        request.streams.push_back(
            {users_stream, everfold::expected_revision::any(), std::move(events)}
        );
        static_cast<void>(store_.append(request).value());
        committed_ += count;
    }

    void append_alone(const everfold::new_event& event, std::uint64_t line) {
        try {
            append({event});
        } catch (const everfold::error& e) {
            if (!is_about_the_event(e))
                throw;
            refused_line_ = line;
            throw malformed_line{e.message()};
        }
    }

    everfold::store store_;
    std::vector<everfold::new_event> events_{};
    std::vector<std::uint64_t> lines_{};
    std::size_t bytes_{};
    std::uint64_t committed_{};
    std::uint64_t refused_line_{};
};

bool is_blank(std::string_view line) {
    return line.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
}

// Everything up to the end or to what is wrong with the input, which is returned as a sentence.
// Failure: everfold::error where the log can't be written.
std::optional<std::string>
import_lines(line_reader& lines, batch_writer& batches, progress& bar, const std::string& name) {
    const auto at_line = [&](std::uint64_t number, const char* what) {
        return fmt::format("{}, line {}: {}", name, number, what);
    };
    try {
        std::optional<std::string> problem;
        try {
            std::string_view line;
            while (lines.next(line)) {
                if (is_blank(line))
                    continue;
                batches.add(event_from_line(line), lines.number());
                bar.update(lines.bytes(), batches.committed());
            }
        } catch (const malformed_line& e) {
            // An event that the log refuses may have been earlier in the same batch.
            if (batches.refused_line() != 0)
                throw;
            problem = at_line(lines.number(), e.what());
        } catch (const input_output_error& e) {
            problem = e.what();
        }
        batches.commit();
        return problem;
    } catch (const malformed_line& e) {
        return at_line(batches.refused_line(), e.what());
    } catch (everfold::error& e) {
        e.add(fmt::format(
            "importing {}; {} committed before", name, counted(batches.committed(), "event")
        ));
        throw;
    }
}

std::uint64_t write_events(everfold::store& store, output& to) {
    std::uint64_t events = 0;
    for (const auto& event : store.read(everfold::query{}.stream(users_stream))) {
        to.write(line_from_event(event));
        to.write("\n");
        ++events;
    }
    to.flush();
    return events;
}

} // namespace

void import_events(const arguments& args, output& out) {
    using clock = std::chrono::steady_clock;
    input_file file{args.file};
    auto store = open_log(args.log, everfold::open_mode::create);
    const auto started = clock::now();
    line_reader lines{[&](char* to, std::size_t size) { return file.read(to, size); }};
    batch_writer batches{store};
    std::optional<std::string> problem;
    {
        progress bar{"importing", file.size()};
        problem = import_lines(lines, batches, bar, file.name());
    }
    store.close();
    const auto seconds = std::chrono::duration<double>(clock::now() - started).count();
    const auto rate = seconds > 0 ? static_cast<double>(batches.committed()) / seconds : 0.0;
    out.print(
        "Imported {} in {:.2f} s ({}/s)\n",
        counted(batches.committed(), "event"),
        seconds,
        with_thousands(static_cast<std::uint64_t>(rate))
    );
    if (problem) {
        out.flush();
        throw input_output_error{fmt::format(
            "{}; all {} before it are in the log, nothing after is: mend the input and import the "
            "rest",
            *problem,
            counted(batches.committed(), "event")
        )};
    }
}

void export_events(const arguments& args, output& out) {
    auto store = open_log(args.log, everfold::open_mode::read_only);
    if (args.file == "-") {
        write_events(store, out);
        return;
    }
    output_file target{args.file};
    output file{target.descriptor(), fmt::format("'{}'", args.file)};
    const auto events = write_events(store, file);
    target.commit();
    out.print("Exported {} to {}\n", counted(events, "event"), everfold::printable(args.file));
}

} // namespace users
