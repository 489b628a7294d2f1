// SPDX-License-Identifier: MIT
#include <everfold/aggregate/diff.hpp>
#include <everfold/event/json_text.hpp>
#include <everfold/testing/texts.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace everfold::testing::detail {

namespace {

std::string indented(std::string_view lines) {
    std::string out;
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size());
        out.append("  ").append(lines.substr(0, end)).append("\n");
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return out;
}

std::string type_of(const new_event& e) {
    const auto name = printable(e.type);
    return e.version == 1 ? name : name + " v" + std::to_string(e.version);
}

std::string titled(std::string_view title, std::string_view lines) {
    std::string out;
    out.append(title).append("\n").append(indented(lines));
    return out;
}

std::string changes_in(std::string_view prefix, bytes_view before, bytes_view after) {
    auto changes = changes_between(before, after);
    for (auto& c : changes)
        c.path.insert(0, prefix);
    if (changes.empty())
        return "the bytes differ, their JSON does not\n";
    return to_text(changes);
}

} // namespace

std::string events_section(
    std::string_view title, std::span<const new_event> events, std::uint64_t first_revision
) {
    std::string lines;
    auto revision = first_revision;
    for (const auto& e : events) {
        lines += std::to_string(revision++) + "  " + type_of(e) + "  ";
        lines += json_text_from_cbor(e.payload);
        if (!e.metadata.empty())
            lines += "  metadata " + json_text_from_cbor(e.metadata);
        if (e.occurred_at)
            lines += "  at " + e.occurred_at->to_string();
        lines += "\n";
    }
    return titled(title, events.empty() ? "nothing" : lines);
}

std::string difference_section(std::string_view title, bytes_view before, bytes_view after) {
    return titled(title, changes_in({}, before, after));
}

std::string difference_of(std::string_view title, const new_event& wanted, const new_event& found) {
    std::string lines;
    if (wanted.type != found.type || wanted.version != found.version)
        lines += "~ type  " + type_of(wanted) + " -> " + type_of(found) + "\n";
    else if (wanted.payload != found.payload)
        lines += changes_in({}, wanted.payload, found.payload);
    if (wanted.occurred_at && wanted.occurred_at != found.occurred_at)
        lines += "~ occurred_at  " + wanted.occurred_at->to_string() + " -> " +
                 (found.occurred_at ? found.occurred_at->to_string() : "nothing") + "\n";
    if (!wanted.metadata.empty() && wanted.metadata != found.metadata) {
        if (found.metadata.empty())
            lines += "- metadata  " + json_text_from_cbor(wanted.metadata) + "\n";
        else
            lines += changes_in("metadata", wanted.metadata, found.metadata);
    }
    return lines.empty() ? lines : titled(title, lines);
}

std::string item_section(std::string_view title, bytes_view item) {
    return titled(title, nlohmann::ordered_json::parse(json_text_from_cbor(item)).dump(2));
}

std::string count_of(std::size_t n, std::string_view what) {
    std::string out = std::to_string(n) + " ";
    out.append(what);
    return n == 1 ? out : out + "s";
}

} // namespace everfold::testing::detail
