// SPDX-License-Identifier: MIT
#pragma once
// A line of what `append` reads:
//   {"type": "user_created", "data": {"user_id": 1}, "stream": "users", "tags": ["user:1"],
//    "metadata": {"by": "ada"}, "expected": "no_stream"}

#include <everfold/base/bytes.hpp>
#include <everfold/store/append.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace everfold::cli {

/// What lines get that do not say it themselves.
struct append_defaults {
    std::optional<std::string> stream{};
    expected_revision expected{expected_revision::any()};
    uuid correlation_id{};
    uuid causation_id{};
    /// Keys, and values as JSON or else as text. A line's own keys go before them.
    std::vector<std::pair<std::string, std::string>> metadata{};
};

/// The append that a line asks for: one event. `type` and `data` must be there; a stream where
/// `given` has none. Failure: malformed_line, also for fields of other names.
[[nodiscard]] append_request request_from_line(std::string_view line, const append_defaults& given);

/// Keys with values that are JSON or else text, as one CBOR map. Failure: usage_error.
[[nodiscard]] byte_buffer
encoded_metadata(const std::vector<std::pair<std::string, std::string>>& metadata);

} // namespace everfold::cli
