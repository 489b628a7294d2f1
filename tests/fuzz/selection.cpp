// SPDX-License-Identifier: MIT
// The options that select events, and the texts of times, spans and names in them. The input:
// lines, each a letter for the option and its value.

#include "fuzz.hpp"

#include <everfold/base/timestamp.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/name_template.hpp>
#include <everfold/cli/selection.hpp>
#include <everfold/cli/words.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace everfold::fuzz {

namespace {

void run_text(const std::string& text) {
    if (const auto t = timestamp::parse(text))
        require(timestamp::parse(t->to_string()) == t, "a time is read from its own text");
    if (const auto id = uuid::parse(text))
        require(uuid::parse(id->to_string()) == id, "an id is read from its own text");
    const auto shown = printable(text);
    require(
        is_printable(shown) && (shown == text) == is_printable(text), "what is shown can be shown"
    );
    try {
        const auto d = cli::duration_in("--age", text);
        require(
            cli::duration_in("--age", cli::duration_text(d)) == d, "a span is read from its text"
        );
    } catch (const cli::usage_error&) {
    }
    try {
        static_cast<void>(cli::expectation_in("--expected", text));
    } catch (const cli::usage_error&) {
    }
    try {
        const cli::name_template name{text};
        const auto data = nlohmann::ordered_json{{"a", 1}, {"b", "x"}, {"c", {{"d", true}}}};
        static_cast<void>(name.name_for(data));
    } catch (const cli::usage_error&) {
    } catch (const cli::malformed_line&) {
    }
}

void take_word(cli::selection_words& words, char option, std::string text) {
    switch (option) {
    case 's':
        words.streams.push_back(std::move(text));
        break;
    case 'c':
        words.categories.push_back(std::move(text));
        break;
    case 't':
        words.types.push_back(std::move(text));
        break;
    case 'g':
        words.tags.push_back(std::move(text));
        break;
    case 'w':
        words.where.push_back(std::move(text));
        break;
    case 'a':
        words.since = std::move(text);
        break;
    case 'b':
        words.until = std::move(text);
        break;
    case 'A':
        words.recorded_since = std::move(text);
        break;
    case 'B':
        words.recorded_until = std::move(text);
        break;
    case 'f':
        words.from = std::move(text);
        break;
    case 'F':
        words.to = std::move(text);
        break;
    case 'r':
        words.from_revision = std::move(text);
        break;
    case 'R':
        words.to_revision = std::move(text);
        break;
    case 'l':
        words.limit = std::move(text);
        break;
    case 'p':
        words.cursor = std::move(text);
        break;
    case '-':
        words.is_backwards = true;
        break;
    default:
        break;
    }
}

} // namespace

void run(bytes_view input) {
    cli::selection_words words;
    auto rest = as_text(input);
    for (int lines = 0; !rest.empty() && lines < 32; ++lines) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.empty())
            continue;
        run_text(std::string{line.substr(1)});
        take_word(words, line.front(), std::string{line.substr(1)});
    }
    try {
        const auto chosen = cli::parse_selection(words);
        require(!chosen.which.items().empty(), "a selection selects something");
        static_cast<void>(chosen.which.fingerprint());
    } catch (const cli::usage_error&) {
    }
}

void repair(std::span<std::byte> /*input*/, std::uint32_t /*choice*/) {}

} // namespace everfold::fuzz
