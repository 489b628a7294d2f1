// SPDX-License-Identifier: MIT
// append: one line in, one durable commit, one line out.

#include <everfold/base/error.hpp>
#include <everfold/cli/append_line.hpp>
#include <everfold/cli/commands.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/opening.hpp>
#include <everfold/cli/tutorial_format.hpp>
#include <everfold/cli/user_file.hpp>

#include <cstdio>

namespace everfold::cli {

namespace {

// For the program that wrote the line, on standard error.
[[noreturn]] void refuse(std::string_view why, std::uint64_t line, exit_code code) {
    std::string text = R"({"error":)";
    append_json_text(text, why, {",", ":", true});
    text += fmt::format(",\"line\":{}}}\n", line);
    static_cast<void>(std::fputs(text.c_str(), stderr));
    throw already_reported{code};
}

appended append_line(store& log, const append_request& request, std::uint64_t line) {
    try {
        const auto result = log.append(request);
        if (const auto* lost = result.conflict_or_null())
            refuse(lost->to_string(), line, exit_code::refused);
        return *result;
    } catch (const error& e) {
        // What the log says of the event, and not of itself.
        if (e.code() == errc::limit || e.code() == errc::encoding || e.code() == errc::invalid)
            refuse(e.what(), line, exit_code::usage);
        throw;
    }
}

void answer(const appended& at, std::uint64_t line, output& out) {
    try {
        out.write_json_line(fmt::format(
            R"({{"position":{},"revision":{}}})", at.last.value(), at.last_revisions.front().value()
        ));
        out.flush();
    } catch (const input_output_error& e) {
        throw input_output_error{
            e.what(),
            fmt::format("the event of line {} is in the log at position {}", line, at.last.value()),
            "go on with the next line"};
    }
}

} // namespace

void append_events(const arguments& args, output& out) {
    auto log = open_log(program_name, args.log, open_mode::create);
    input_file input{"-"};
    line_reader lines{[&](char* to, std::size_t size) { return input.read(to, size); }};
    try {
        std::string_view line;
        while (lines.next(line)) {
            if (is_blank(line))
                continue;
            const auto request = request_from_line(line, args.given);
            answer(append_line(log, request, lines.number()), lines.number(), out);
        }
    } catch (const malformed_line& e) {
        refuse(e.what(), lines.number(), exit_code::usage);
    } catch (error& e) {
        e.add(fmt::format(
            "appending line {}; every line that was answered is in the log", lines.number()
        ));
        throw;
    }
    log.close();
}

} // namespace everfold::cli
