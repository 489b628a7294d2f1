// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/cli/failure.hpp>

#include <cstdio>
#include <exception>
#include <new>

namespace everfold::cli {

namespace {

// Each line of an error escaped by itself: the context lines keep their breaks, data makes none.
std::string printable_lines(std::string_view text) {
    std::string out;
    for (;;) {
        const auto end = text.find('\n');
        out += printable(text.substr(0, end));
        if (end == std::string_view::npos)
            return out;
        out += '\n';
        text.remove_prefix(end + 1);
    }
}

void explain(
    std::string_view program,
    const char* what,
    std::string_view data_is_safe,
    std::string_view what_to_do
) {
    auto text = printable_lines(what);
    if (!data_is_safe.empty())
        text += "\n  data:  " + printable(data_is_safe);
    if (!what_to_do.empty())
        text += "\n  to do: " + printable(what_to_do);
    say(program, text);
}

} // namespace

complaint::complaint(const std::string& what, std::string data_is_safe, std::string what_to_do)
    : std::runtime_error{what}
    , data_is_safe_{std::move(data_is_safe)}
    , what_to_do_{std::move(what_to_do)} {}

complaint::~complaint() = default;

exit_code exit_code_of(errc code) noexcept {
    switch (code) {
    case errc::not_a_log:
    case errc::unsupported:
        return exit_code::not_a_log;
    case errc::damaged:
        return exit_code::damaged;
    case errc::in_use:
        return exit_code::in_use;
    case errc::io:
    case errc::writer_failed:
    case errc::encoding:
    case errc::limit:
        return exit_code::input_output;
    case errc::read_only:
    case errc::conflict:
    case errc::schema:
    case errc::replay:
    case errc::invalid:
    case errc::tombstoned:
    case errc::diverged:
    case errc::unconfirmed:
        return exit_code::refused;
    }
    return exit_code::refused;
}

void say(std::string_view program, const std::string& text) noexcept {
    // There is nowhere left to report a failure to.
    static_cast<void>(std::fprintf(
        stderr, "%.*s: %s\n", static_cast<int>(program.size()), program.data(), text.c_str()
    ));
}

exit_code report_current_exception(std::string_view program) noexcept {
    try {
        throw;
    } catch (const already_reported& e) {
        return e.code();
    } catch (const complaint& e) {
        explain(program, e.what(), e.data_is_safe(), e.what_to_do());
        if (dynamic_cast<const usage_error*>(&e) != nullptr)
            return exit_code::usage;
        return dynamic_cast<const input_output_error*>(&e) != nullptr ? exit_code::input_output
                                                                      : exit_code::refused;
    } catch (const error& e) {
        const auto& entry = entry_of(e.code());
        explain(program, e.what(), entry.data_is_safe, entry.what_to_do);
        return exit_code_of(e.code());
    } catch (const std::bad_alloc&) {
        say(program, "out of memory; what was acknowledged is safe");
        return exit_code::input_output;
    } catch (const std::exception& e) {
        say(program, printable_lines(e.what()));
        return exit_code::input_output;
    } catch (...) {
        say(program, "an unknown failure");
        return exit_code::input_output;
    }
}

} // namespace everfold::cli
