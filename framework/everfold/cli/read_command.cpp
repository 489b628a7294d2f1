// SPDX-License-Identifier: MIT
// read: events as they were stored, once or as they come.

#include <everfold/cli/commands.hpp>
#include <everfold/cli/event_text.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/process.hpp>

#include <chrono>
#include <cstdint>

namespace everfold::cli {

namespace {

constexpr int standard_error = 2;

// How long an interrupt, or a reader that went away, may have to wait for a log at rest.
constexpr std::chrono::milliseconds follow_patience{50};

// Rows for people, or lines for programs.
class event_printer {
public:
    event_printer(bool as_json, output& out)
        : as_json_{as_json}
        , out_{out} {}

    void print(const recorded_event& event) {
        if (as_json_)
            return out_.write_json_line(json_line_of(event));
        rows_.add(row_of(event));
        // So many that the columns fit what follows, and few enough for any memory.
        if (rows_.size() >= rows_max)
            rows_.print(out_);
    }

    void flush() {
        if (rows_.size() != 0)
            rows_.print(out_);
        out_.flush();
    }

private:
    static constexpr std::size_t rows_max = 1000;

    bool as_json_;
    output& out_;
    table rows_{event_columns()};
};

void follow(selected_events& events, event_printer& printer, output& out) {
    interrupts interrupted;
    bool is_over = false;
    const auto show = [&](const recorded_event& event) {
        if (is_over)
            return;
        printer.print(event);
        printer.flush();
        is_over = interrupted.wait(std::chrono::milliseconds{0});
    };
    while (!is_over) {
        events.visit_new(show);
        if (!out.has_reader())
            throw input_output_error{
                "nobody reads standard output any more", "the log is not affected"};
        is_over = is_over || events.is_done() || interrupted.wait(std::chrono::milliseconds{0});
        if (!is_over)
            events.wait_for_new(follow_patience);
    }
}

} // namespace

void read_events(const arguments& args, output& out) {
    selected_events events{open_log(program_name, args.log, open_mode::read_only), args.selected};
    if (args.explains) {
        events.visit_new([](const recorded_event&) {});
        out.write(events.explanation().to_string());
        return out.flush();
    }
    event_printer printer{args.as_json, out};
    if (args.follows) {
        follow(events, printer, out);
    } else {
        events.visit_new([&](const recorded_event& event) { printer.print(event); });
        printer.flush();
    }
    if (args.says_place && events.place()) {
        // Beside the events: on standard output there is nothing but them.
        output beside{standard_error, "standard error"};
        beside.print("cursor: {}\n", events.place()->to_string());
        beside.flush();
    }
}

} // namespace everfold::cli
