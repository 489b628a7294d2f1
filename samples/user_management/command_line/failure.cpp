// SPDX-License-Identifier: MIT
#include "failure.hpp"

#include "../user_management.hpp"

#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>

#include <cstdio>
#include <exception>
#include <string>

namespace users {

namespace {

exit_code code_of(everfold::errc code) {
    using everfold::errc;
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
        return exit_code::refused;
    }
    return exit_code::refused;
}

// Each line of an error escaped by itself: the context lines keep their breaks, data makes none.
std::string printable_lines(std::string_view text) {
    std::string out;
    for (;;) {
        const auto end = text.find('\n');
        out += everfold::printable(text.substr(0, end));
        if (end == std::string_view::npos)
            return out;
        out += '\n';
        text.remove_prefix(end + 1);
    }
}

void say(const std::string& text) {
    // There is nowhere left to report a failure to.
    static_cast<void>(std::fputs(("user_management: " + text + '\n').c_str(), stderr));
}

} // namespace

exit_code report_current_exception() noexcept {
    try {
        throw;
    } catch (const refused& e) {
        say(everfold::printable(e.what()));
        return exit_code::refused;
    } catch (const usage_error& e) {
        say(printable_lines(e.what()) + '\n' + e.usage());
        return exit_code::usage;
    } catch (const input_output_error& e) {
        say(printable_lines(e.what()));
        return exit_code::input_output;
    } catch (const everfold::error& e) {
        const auto& entry = everfold::entry_of(e.code());
        say(printable_lines(e.what()) + "\n  data:  " + std::string{entry.data_is_safe} +
            "\n  to do: " + std::string{entry.what_to_do});
        return code_of(e.code());
    } catch (const std::bad_alloc&) {
        say("out of memory; what was acknowledged is safe");
        return exit_code::input_output;
    } catch (const std::exception& e) {
        say(printable_lines(e.what()));
        return exit_code::input_output;
    } catch (...) {
        say("an unknown failure");
        return exit_code::input_output;
    }
}

} // namespace users
