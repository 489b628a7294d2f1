// SPDX-License-Identifier: MIT
#pragma once
// One function a command. Each opens the log in the weakest mode that will do, writes its answer
// to `out` and throws what failure.hpp turns into an exit code.

#include "../user_directory.hpp"
#include "arguments.hpp"
#include "output.hpp"

#include <everfold/store/open.hpp>
#include <everfold/store/store.hpp>

#include <optional>
#include <string>

namespace users {

void create_user(const arguments& args, output& out);
void update_user(const arguments& args, output& out);
void delete_user(const arguments& args, output& out);
void take_snapshot(const arguments& args, output& out);
void compact_log(const arguments& args, output& out);
void run_demo(const arguments& args, output& out);

void show_user(const arguments& args, output& out);
void list_users(const arguments& args, output& out);
void show_history(const arguments& args, output& out);
void show_at(const arguments& args, output& out);
void show_diff(const arguments& args, output& out);
void replay_log(const arguments& args, output& out);

void import_events(const arguments& args, output& out);
void export_events(const arguments& args, output& out);

/// The log at `path`; what opening found or mended is said on standard error.
[[nodiscard]] everfold::store open_log(const std::string& path, everfold::open_mode mode);

/// The last position that `when` covers. Failure: refused where the log does not reach that far.
[[nodiscard]] everfold::position position_of(everfold::store& store, const moment& when);

/// A value for people: text as it is, null as a dash, anything else as JSON.
[[nodiscard]] table::cell value_cell(const nlohmann::json& value);

/// The state's lines: one a user.
void print_users(
    const user_directory& state, std::optional<std::uint64_t> limit, bool as_json, output& out
);

/// The events of a user with time, type and data.
void print_history(everfold::store& store, const arguments& args, output& out);

} // namespace users
