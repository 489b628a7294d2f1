// SPDX-License-Identifier: MIT
#include <everfold/cli/event_text.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/stored_json.hpp>
#include <everfold/cli/text.hpp>

#include <fmt/format.h>

#include <iterator>

namespace everfold::cli {

std::string json_line_of(const recorded_event& event) {
    std::string out;
    out.reserve(320 + event.payload.size() * 2);
    fmt::format_to(
        std::back_inserter(out),
        R"({{"position":{},"revision":{},"stream":)",
        event.log_position.value(),
        event.stream_revision.value()
    );
    append_json_text(out, event.stream, compact_style);
    out += R"(,"type":)";
    append_json_text(out, event.type, compact_style);
    fmt::format_to(
        std::back_inserter(out),
        R"(,"version":{},"id":"{}","recorded_at":"{}","occurred_at":"{}")",
        event.version,
        event.id.to_string(),
        event.recorded_at.to_string(),
        event.occurred_at.to_string()
    );
    if (!event.correlation_id.is_nil())
        out += fmt::format(R"(,"correlation_id":"{}")", event.correlation_id.to_string());
    if (!event.causation_id.is_nil())
        out += fmt::format(R"(,"causation_id":"{}")", event.causation_id.to_string());
    out += R"(,"tags":[)";
    for (std::size_t i = 0; i < event.tags.size(); ++i) {
        if (i != 0)
            out += ',';
        append_json_text(out, event.tags[i], compact_style);
    }
    out += R"(],"metadata":)";
    out += metadata_text_of(event);
    out += R"(,"data":)";
    out += data_text_of(event);
    out += '}';
    return out;
}

std::vector<table::column> event_columns() {
    return {
        {"POSITION", table::align::right},
        {"OCCURRED"},
        {"STREAM"},
        {"REV", table::align::right},
        {"TYPE"},
        {"DATA"},
    };
}

std::vector<table::cell> row_of(const recorded_event& event) {
    const auto type = event.version == 1 ? std::string{event.type}
                                         : fmt::format("{} v{}", event.type, event.version);
    return {
        {with_thousands(event.log_position.value()), colour::dim},
        {in_milliseconds(event.occurred_at), colour::dim},
        {std::string{event.stream}, colour::cyan},
        {with_thousands(event.stream_revision.value()), colour::dim},
        {type, colour::green},
        {data_text_of(event)},
    };
}

} // namespace everfold::cli
