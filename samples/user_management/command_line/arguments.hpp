// SPDX-License-Identifier: MIT
#pragma once
// What the person at the keyboard asked for, checked before anything is opened.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/json.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace users {

enum class verb : std::uint8_t {
    create,
    update,
    remove,
    show,
    list,
    history,
    at,
    diff,
    replay,
    snapshot,
    compact,
    import_events,
    export_events,
    demo,
};

/// The end of the log, whatever that is by then.
struct now {};

/// A place in the past, or now.
using moment = std::variant<everfold::position, everfold::revision, everfold::timestamp, now>;

struct arguments {
    std::string log{};
    verb command{};
    std::int64_t id{};
    std::string name{};
    std::optional<std::string> email{};
    /// What `update` sets: an object from field to value.
    nlohmann::ordered_json fields{};
    std::optional<std::uint64_t> limit{};
    bool as_json{};
    bool with_changes{};
    /// `at`: the place in the log, and what to do there: show, list or replay.
    moment when{};
    verb at_command{verb::list};
    /// `diff`: from `when` to this.
    moment until{};
    /// `import` and `export`: a path, or "-".
    std::string file{"-"};
};

/// What to do, or nothing where help was asked for and given on standard output.
/// Failure: usage_error.
[[nodiscard]] std::optional<arguments> parse_arguments(std::span<const char* const> argv);

} // namespace users
