// SPDX-License-Identifier: MIT
// Lines of JSON that become events: an event or a sentence, and a line that was written is read as
// the same event. The input: a line.

#include "fuzz.hpp"

#include <everfold/cli/append_line.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/tutorial_format.hpp>

namespace everfold::fuzz {

namespace {

void run_append(std::string_view line) {
    try {
        const auto request = cli::request_from_line(line, {.stream = "stream"});
        require(request.streams.size() == 1, "a line is an event of one stream");
        const auto& event = request.streams.front().events.front();
        validate(event.payload);
        if (!event.metadata.empty())
            validate(event.metadata);
    } catch (const cli::malformed_line& e) {
        require(is_utf8(e.what()), "what is said about a line can be shown");
    }
}

void run_import(std::string_view line) {
    cli::tutorial_event first;
    try {
        first = cli::event_from_tutorial_line(line);
    } catch (const cli::malformed_line& e) {
        require(is_utf8(e.what()), "what is said about a line can be shown");
        return;
    }
    validate(first.event.payload);
    recorded_event e;
    e.type = first.event.type;
    e.occurred_at = first.event.occurred_at.value();
    e.payload = first.event.payload;
    e.metadata = first.event.metadata;
    const auto again = cli::event_from_tutorial_line(cli::tutorial_line_of(e));
    require(
        again.event.type == first.event.type && again.event.payload == first.event.payload &&
            again.event.metadata == first.event.metadata &&
            again.event.occurred_at == first.event.occurred_at && again.data == first.data,
        "a line that was written is read as the same event"
    );
}

} // namespace

void run(bytes_view input) {
    run_append(as_text(input));
    run_import(as_text(input));
}

void repair(std::span<std::byte> /*input*/, std::uint32_t /*choice*/) {}

} // namespace everfold::fuzz
