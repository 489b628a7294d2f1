// SPDX-License-Identifier: MIT
#include <everfold/cli/failure.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/name_template.hpp>
#include <everfold/cli/tutorial_format.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>

namespace everfold::cli {

namespace {

nlohmann::ordered_json::json_pointer place_of(const std::string& field) {
    using pointer = nlohmann::ordered_json::json_pointer;
    if (!field.starts_with('/'))
        return pointer{} / field;
    try {
        return pointer{field};
    } catch (const nlohmann::json::exception&) {
        throw usage_error{fmt::format("'{{{}}}' is no JSON pointer", field)};
    }
}

} // namespace

name_template::name_template(std::string_view text) {
    part now;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool is_doubled = at + 1 < text.size() && text[at + 1] == c;
        if (c != '{' && c != '}') {
            now.text += c;
        } else if (is_doubled) {
            now.text += c;
            ++at;
        } else {
            const auto end = text.find('}', at);
            if (c == '}' || end == std::string_view::npos || end == at + 1)
                throw usage_error{fmt::format(
                    "'{}' is no template: a field stands in braces, as in user-{{user_id}}; braces "
                    "themselves are doubled",
                    text
                )};
            now.field = text.substr(at + 1, end - at - 1);
            now.at = place_of(now.field);
            parts_.push_back(std::exchange(now, {}));
            at = end;
        }
    }
    parts_.push_back(std::move(now));
}

name_template name_template::constant(std::string text) {
    name_template out;
    out.parts_.emplace_back().text = std::move(text);
    return out;
}

bool name_template::contains(char c) const noexcept {
    return std::ranges::any_of(parts_, [&](const part& p) {
        return p.text.find(c) != std::string::npos;
    });
}

bool name_template::append_name_for(const flat_line& line, std::string& to) const {
    for (const auto& p : parts_) {
        to += p.text;
        if (p.field.empty())
            continue;
        const auto* value = p.field.starts_with('/') ? nullptr : line.find(p.field);
        if (value == nullptr)
            return false;
        if (const auto* text = std::get_if<std::string>(value))
            to += *text;
        else if (const auto* number = std::get_if<std::int64_t>(value))
            to += std::to_string(*number);
        else if (const auto* natural = std::get_if<std::uint64_t>(value))
            to += std::to_string(*natural);
        else
            return false;
    }
    return true;
}

std::string name_template::name_for(const nlohmann::ordered_json& data) const {
    std::string out;
    for (const auto& p : parts_) {
        out += p.text;
        if (p.field.empty())
            continue;
        // Not at(): a pointer through what is no object or array is an exception there.
        if (!data.contains(p.at))
            throw malformed_line{fmt::format("data has no {} to name it by", p.field)};
        const auto& value = data.at(p.at);
        if (value.is_string())
            out += value.get_ref<const std::string&>();
        else if (value.is_number() || value.is_boolean())
            append_json(out, value, compact_style);
        else
            throw malformed_line{fmt::format(
                "{} must be text, a number or true or false to be part of a name, and is {}",
                p.field,
                shown(value)
            )};
    }
    return out;
}

} // namespace everfold::cli
