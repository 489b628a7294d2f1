// SPDX-License-Identifier: MIT
#pragma once
// What the person at the keyboard asked for, checked before anything is opened.

#include <everfold/cli/append_line.hpp>
#include <everfold/cli/name_template.hpp>
#include <everfold/cli/selection.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/retention.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::cli {

inline constexpr std::string_view program_name = "everfold";

enum class verb : std::uint8_t {
    append,
    import_events,
    export_events,
    copy,
    read,
    streams,
    categories,
    about,
    describe,
    types,
    schema,
    stats,
    verify,
    backup,
    repair,
    truncate,
    tombstone,
    retain,
    scavenge,
    removals,
};

struct arguments {
    verb command{};
    std::string log{};
    bool as_json{};
    /// `read`, `export` and `copy`.
    selection selected{};
    bool follows{};
    /// `read`: how the events were found, instead of them; the place to go on from, behind them.
    bool explains{};
    bool says_place{};
    /// `append`, and the metadata of `describe`.
    append_defaults given{};
    /// `import` and `export`: the form that says all of a log.
    bool is_exact{};
    /// `import`: a path, or "-", and the names that its events get.
    std::string file{};
    name_template import_stream{name_template::constant({})};
    std::vector<name_template> import_tags{};
    /// `backup`, `repair` and `copy`: where to; for a backup, whether what could be linked is
    /// copied.
    std::string directory{};
    bool copies{};
    /// `streams`: of these categories, where there are any; also those that have no events now.
    std::vector<std::string> categories{};
    bool lists_all{};
    /// `about`, `describe`, `truncate`, `tombstone` and `retain`: the stream, and what its rule
    /// says.
    std::string ruled{};
    revision begin{};
    expected_revision expected{expected_revision::exists()};
    retention kept{};
    /// `tombstone` and `scavenge`.
    std::string why{};
    bool is_dry_run{};
};

/// What to do, or nothing where help was asked for and given on standard output.
/// Failure: usage_error.
[[nodiscard]] std::optional<arguments> parse_arguments(std::span<const char* const> argv);

} // namespace everfold::cli
