// SPDX-License-Identifier: MIT
#include <everfold/event/value_kind.hpp>

namespace everfold {

std::string_view to_text(value_kind kind) noexcept {
    switch (kind) {
    case value_kind::integer:
        return "integer";
    case value_kind::floating:
        return "float";
    case value_kind::text:
        return "text";
    case value_kind::bytes:
        return "bytes";
    case value_kind::boolean:
        return "boolean";
    case value_kind::array:
        return "array";
    case value_kind::map:
        return "map";
    case value_kind::null:
        return "null";
    }
    return "?";
}

std::string to_text(value_kinds kinds) {
    std::string out;
    for (const auto kind : all_value_kinds)
        if (kinds.has(kind))
            out.append(out.empty() ? "" : " or ").append(to_text(kind));
    return out.empty() ? "nothing" : out;
}

} // namespace everfold
