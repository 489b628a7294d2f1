// SPDX-License-Identifier: MIT
#pragma once
// What an exception says, whatever it is.

#include <exception>
#include <string>

namespace everfold::detail {

/// Its what(), or a sentence for what is no std::exception. `thrown` is not null.
[[nodiscard]] std::string describe_exception(const std::exception_ptr& thrown);

} // namespace everfold::detail
