// SPDX-License-Identifier: MIT
#include <everfold/testing/failed.hpp>

namespace everfold::testing {

failed::failed(const std::string& message)
    : failed{std::string{}, message} {}

failed::failed(const std::string& message, const std::source_location& where)
    : failed{std::string{where.file_name()} + ":" + std::to_string(where.line()) + ": ", message} {}

failed::failed(const std::string& place, const std::string& message)
    : std::runtime_error{place + message}
    , place_size_{place.size()} {}

failed::~failed() = default;

} // namespace everfold::testing
