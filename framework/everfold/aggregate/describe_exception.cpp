// SPDX-License-Identifier: MIT
#include <everfold/aggregate/describe_exception.hpp>

namespace everfold::detail {

std::string describe_exception(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "something that is not a std::exception";
    }
}

} // namespace everfold::detail
