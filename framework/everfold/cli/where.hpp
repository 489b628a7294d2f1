// SPDX-License-Identifier: MIT
#pragma once
// The language of --where: a place in the data, a comparison, a value.

#include <everfold/store/payload_condition.hpp>

#include <string_view>

namespace everfold::cli {

/// `POINTER OPERATOR VALUE`, blanks between them or not: `/address/city = "Oslo"`, `/cents>=500`.
///
/// The pointer ends before a blank or an operator; between double quotes, as in JSON, it is
/// whatever it says. A value in double quotes is a text. Another one is what it says as JSON, and
/// for =, != and contains also the text as it stands; what is no JSON is text. Failure: usage_error
/// that names the character.
[[nodiscard]] payload_condition parse_where(std::string_view text);

} // namespace everfold::cli
