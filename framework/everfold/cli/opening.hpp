// SPDX-License-Identifier: MIT
#pragma once
// Logs that people name, opened; what opening found or mended is said on standard error.

#include <everfold/log/event_log.hpp>
#include <everfold/store/open.hpp>
#include <everfold/store/store.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::cli {

/// Failure: as everfold::open. A path is always one of a directory.
[[nodiscard]] store open_log(std::string_view program, const std::string& path, open_mode mode);

/// The same below the store: for what imports and checks.
[[nodiscard]] std::unique_ptr<log::event_log>
open_event_log(std::string_view program, const std::string& path, log::access mode);

/// `program: note: …` for each.
void say_notes(std::string_view program, const std::vector<std::string>& notes);

} // namespace everfold::cli
