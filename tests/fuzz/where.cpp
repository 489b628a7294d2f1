// SPDX-License-Identifier: MIT
// --where: a condition, or a sentence about what is wrong; and a condition answers for any payload.
// The input: the text, and where it has a zero byte, behind it a payload.

#include "fuzz.hpp"

#include <everfold/cli/failure.hpp>
#include <everfold/cli/where.hpp>
#include <everfold/json.hpp>

#include <optional>
#include <string_view>

namespace everfold::fuzz {

void run(bytes_view input) {
    const auto all = as_text(input);
    const auto text = all.substr(0, all.find('\0'));
    std::optional<payload_condition> condition;
    try {
        condition = cli::parse_where(text);
    } catch (const cli::usage_error& e) {
        require(is_printable(e.what()), "what is said about a condition can be shown");
        return;
    }
    require(is_utf8(condition->pointer()) && !condition->values().empty(), "a condition is whole");
    require(is_utf8(condition->to_string()), "a condition has a text");
    const payload_condition same{condition->pointer(), condition->op(), condition->values()};
    require(same == *condition, "a condition is what it was made of");
    const auto payload = input.subspan(text.size() < input.size() ? text.size() + 1 : text.size());
    const bool is_valid = answers([&] { validate(payload); });
    const bool is_read = answers([&] { static_cast<void>(condition->holds_for(payload)); });
    require(is_read || !is_valid, "a condition answers for a payload");
}

void repair(std::span<std::byte> /*input*/, std::uint32_t /*choice*/) {}

} // namespace everfold::fuzz
