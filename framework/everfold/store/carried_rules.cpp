// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/store/carried_rules.hpp>

#include <algorithm>
#include <utility>

namespace everfold {

namespace {

std::string begins(const std::string& stream, std::uint64_t at) {
    return "the stream '" + printable(stream) + "' begins at revision " + std::to_string(at) +
           " in the new log";
}

} // namespace

std::optional<byte_buffer> carried_rules::restate(
    const log::salvaged_event& event,
    const log::salvaged_streams& kept,
    std::vector<std::string>& notes
) {
    if (*event.stream != rules_stream)
        return {};
    try {
        std::unordered_map<std::string, stream_rule> alone;
        const auto stream = add_rule(alone, *event.type, event.record.payload, event.at);
        add_rule(rules_, *event.type, event.record.payload, event.at);
        const auto before = alone[stream].begins_at;
        const auto now = kept.kept_before(stream, before);
        if (now == before)
            return {};
        notes.push_back(
            begins(stream, now) + ", as a rule has it that said " + std::to_string(before)
        );
        return truncated_event(stream, revision{now}).payload;
    } catch (const error& e) {
        notes.push_back(
            "a rule at position " + std::to_string(event.at.value()) +
            " is carried over as it is: " + e.message()
        );
        return {};
    }
}

std::vector<log::own_event>
carried_rules::conclude(const log::salvaged_streams& kept, std::vector<std::string>& notes) const {
    std::vector<log::own_event> out;
    for (const auto& [stream, rule] : rules_) {
        const auto end = kept.end(stream);
        if (rule.is_tombstoned || rule.kept.max_count == 0 || end <= rule.kept.max_count)
            continue;
        const auto was = kept.kept_before(stream, end - rule.kept.max_count);
        const auto now_end = kept.kept_before(stream, end);
        const auto by_count = now_end - std::min(now_end, rule.kept.max_count);
        if (was <= std::max(by_count, kept.kept_before(stream, rule.begins_at)))
            continue;
        notes.push_back(
            begins(stream, was) + ", by a rule that was added: of the last " +
            std::to_string(rule.kept.max_count) + " events, which are kept, some are lost"
        );
        auto added = truncated_event(stream, revision{was});
        out.push_back(
            {.stream = std::string{rules_stream},
             .type = std::move(added.type),
             .version = added.version,
             .payload = std::move(added.payload)}
        );
    }
    std::ranges::sort(out, {}, &log::own_event::payload);
    return out;
}

} // namespace everfold
