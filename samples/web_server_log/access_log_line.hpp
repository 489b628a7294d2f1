// SPDX-License-Identifier: MIT
#pragma once
// A line of an access log in Apache's combined format to events:
//   83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a.png HTTP/1.1" 200 203023 "from" "agent"

#include "events.hpp"

#include <everfold/base/timestamp.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace web_server {

/// A line that is not of the format; what() says why, in words that go after "line 12: ".
class unparsable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct access_log_line {
    everfold::timestamp at{};
    http_request request{};
};

/// Failure: unparsable.
[[nodiscard]] access_log_line parse_line(std::string_view line);

/// The error that a request was answered with; nothing below status 500.
[[nodiscard]] std::optional<server_error> error_of(const http_request& request);

/// Well-formed UTF-8: what is not in `bytes` is spelled \xHH, as Apache spells it.
[[nodiscard]] std::string text_of(std::string_view bytes);

} // namespace web_server
