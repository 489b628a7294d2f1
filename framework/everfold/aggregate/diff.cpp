// SPDX-License-Identifier: MIT
#include <everfold/aggregate/diff.hpp>
#include <everfold/event/json_text.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace everfold {
namespace {

// Sorted keys: the patch does not depend on the order of fields or of a hash table.
nlohmann::json json_of_item(bytes_view item) {
    return nlohmann::json::parse(json_text_from_cbor(item));
}

// A step of a JSON pointer.
std::string step(std::string_view name) {
    std::string out = "/";
    for (const char c : name)
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    return out;
}

/// In an order in which the steps can be taken one after the other: what is taken out of a list
/// goes from its end.
void compare(
    const nlohmann::json& before,
    const nlohmann::json& after,
    const std::string& path,
    std::vector<state_change>& out
) {
    if (before.is_object() && after.is_object()) {
        for (const auto& [name, value] : before.items())
            if (const auto now = after.find(name); now != after.end())
                compare(value, *now, path + step(name), out);
            else
                out.push_back({path + step(name), value.dump(), {}});
        for (const auto& [name, value] : after.items())
            if (!before.contains(name))
                out.push_back({path + step(name), {}, value.dump()});
    } else if (before.is_array() && after.is_array()) {
        const auto both = std::min(before.size(), after.size());
        for (std::size_t i = 0; i < both; ++i)
            compare(before[i], after[i], path + "/" + std::to_string(i), out);
        for (auto i = before.size(); i > both; --i)
            out.push_back({path + "/" + std::to_string(i - 1), before[i - 1].dump(), {}});
        for (auto i = both; i < after.size(); ++i)
            out.push_back({path + "/-", {}, after[i].dump()});
    } else {
        auto was = before.dump();
        auto is = after.dump();
        if (was != is)
            out.push_back({path, std::move(was), std::move(is)});
    }
}

std::string tinted(std::string text, std::string_view code, tint how) {
    if (how == tint::plain)
        return text;
    std::string out = "\033[";
    out.append(code).append("m").append(text).append("\033[0m");
    return out;
}

} // namespace

std::string json_patch(bytes_view before, bytes_view after) {
    return json_patch(changes_between(before, after));
}

std::string json_patch(std::span<const state_change> changes) {
    std::string out = "[";
    for (const auto& c : changes) {
        const auto* op = c.before.empty() ? "add" : c.after.empty() ? "remove" : "replace";
        out.append(out.size() > 1 ? "," : "").append("{\"op\":\"").append(op);
        out.append("\",\"path\":").append(nlohmann::json(c.path).dump());
        if (!c.after.empty())
            out.append(",\"value\":").append(c.after);
        out += '}';
    }
    return out + ']';
}

std::vector<state_change> changes_between(bytes_view before, bytes_view after) {
    std::vector<state_change> out;
    compare(json_of_item(before), json_of_item(after), {}, out);
    return out;
}

std::string to_text(std::span<const state_change> changes, tint how) {
    constexpr std::string_view red = "31";
    constexpr std::string_view green = "32";
    std::string out;
    for (const auto& c : changes) {
        const auto gone = tinted(printable(c.before), red, how);
        const auto come = tinted(printable(c.after), green, how);
        const auto path = printable(c.path);
        if (c.before.empty())
            out += "+ " + path + "  " + come + "\n";
        else if (c.after.empty())
            out += "- " + path + "  " + gone + "\n";
        else
            out += "~ " + path + "  " + gone + " -> " + come + "\n";
    }
    return out;
}

} // namespace everfold
