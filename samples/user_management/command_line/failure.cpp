// SPDX-License-Identifier: MIT
#include "failure.hpp"

#include "../user_management.hpp"

#include <everfold/base/bytes.hpp>

namespace users {

exit_code report_current_exception() noexcept {
    try {
        throw;
    } catch (const refused& e) {
        everfold::cli::say(program_name, everfold::printable(e.what()));
        return exit_code::refused;
    } catch (...) {
        return everfold::cli::report_current_exception(program_name);
    }
}

} // namespace users
