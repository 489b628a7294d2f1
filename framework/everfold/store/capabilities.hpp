// SPDX-License-Identifier: MIT
#pragma once
// What a store can do that another may not be able to.

#include <string>
#include <vector>

namespace everfold {

/// Of a store: what it does. Of a program: what it can't do without (store_options::needs).
struct store_capabilities {
    /// Events are there when the program has ended, and after a power cut as the level says.
    bool outlives_process{};
    /// Other processes read and follow the same events.
    bool other_processes{};
    /// Each append is in a second directory, too, before it returns.
    bool mirrored{};
    /// Appends may demand that nothing matches a query (no_event_matching).
    bool query_conditions{};
    /// Rules put events out of reach, and scavenge() removes them for good.
    bool removal{};
    bool snapshots{};

    /// What of `needed` is not here, in words: "events outlive the process".
    [[nodiscard]] std::vector<std::string> lacking(const store_capabilities& needed) const;

    /// A line for each: "yes  events outlive the process".
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const store_capabilities&, const store_capabilities&) = default;
};

} // namespace everfold
