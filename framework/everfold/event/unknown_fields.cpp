// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/event/cbor.hpp>
#include <everfold/event/unknown_fields.hpp>

#include <algorithm>

namespace everfold {

namespace {

auto is_named(std::string_view name) {
    return [name](const unknown_fields::field& f) { return f.name == name; };
}

} // namespace

std::optional<bytes_view> unknown_fields::find(std::string_view name) const noexcept {
    const auto found = std::find_if(fields_.begin(), fields_.end(), is_named(name));
    if (found == fields_.end())
        return {};
    return bytes_view{found->value};
}

void unknown_fields::set(std::string_view name, bytes_view value) {
    if (!is_utf8(name))
        throw encoding_error{0, "the field name \"" + printable(name) + "\" is not UTF-8"};
    validate_item(value, 1);
    put(name, value);
}

bool unknown_fields::erase(std::string_view name) {
    return std::erase_if(fields_, is_named(name)) != 0;
}

void unknown_fields::merge(const unknown_fields& newer) {
    if (&newer == this)
        return;
    for (const auto& each : newer)
        put(each.name, each.value);
}

void unknown_fields::append_checked(std::string_view name, bytes_view value) {
    fields_.push_back({std::string{name}, {value.begin(), value.end()}});
}

void unknown_fields::put(std::string_view name, bytes_view value) {
    const auto found = std::find_if(fields_.begin(), fields_.end(), is_named(name));
    if (found == fields_.end())
        append_checked(name, value);
    else
        found->value.assign(value.begin(), value.end());
}

} // namespace everfold
