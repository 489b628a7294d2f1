// SPDX-License-Identifier: MIT
#pragma once
// The rules of streams in a repaired log, whose revisions are other ones: what could not be reached
// before can't be reached afterwards.

#include <everfold/log/repair.hpp>
#include <everfold/store/stream_rules.hpp>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace everfold {

class carried_rules {
public:
    /// See log::repair_steps.
    [[nodiscard]] std::optional<byte_buffer> restate(
        const log::salvaged_event& event,
        const log::salvaged_streams& kept,
        std::vector<std::string>& notes
    );

    /// A stream of which the last events are kept, and which has lost some of those, would show
    /// older ones: it begins where it began.
    [[nodiscard]] std::vector<log::own_event>
    conclude(const log::salvaged_streams& kept, std::vector<std::string>& notes) const;

private:
    std::unordered_map<std::string, stream_rule> rules_{}; // as the old log has them
};

} // namespace everfold
