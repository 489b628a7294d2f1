// SPDX-License-Identifier: MIT
#include <everfold/aggregate/diff.hpp>
#include <everfold/event/json_text.hpp>

#include <nlohmann/json.hpp>

#include <string_view>

namespace everfold {
namespace {

// Sorted keys: the patch does not depend on the order of fields or of a hash table.
nlohmann::json json_of_item(bytes_view item) {
    return nlohmann::json::parse(json_text_from_cbor(item));
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
    return nlohmann::json::diff(json_of_item(before), json_of_item(after)).dump();
}

std::vector<state_change> changes_between(bytes_view before, bytes_view after) {
    auto now = json_of_item(before);
    std::vector<state_change> out;
    for (const auto& step : nlohmann::json::diff(now, json_of_item(after))) {
        const auto& op = step.at("op").get_ref<const std::string&>();
        auto& change = out.emplace_back(state_change{.path = step.at("path").get<std::string>()});
        if (op != "add")
            change.before = now.at(nlohmann::json::json_pointer{change.path}).dump();
        if (op != "remove")
            change.after = step.at("value").dump();
        now.patch_inplace(nlohmann::json::array({step}));
    }
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
