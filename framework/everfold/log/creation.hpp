// SPDX-License-Identifier: MIT
#pragma once
// How a log comes to be. docs/log_format.md, "Writing", creation.

#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/format.hpp>

#include <string>

namespace everfold::log {

/// Throws errc::invalid for limits that can't be meant.
void require_possible(const size_limits& limits);

/// Makes sure that `directory` exists and may become a log. Throws not_a_log where it holds
/// anything that is not ours.
void prepare_directory(const io::machine& machine, const std::string& directory);

/// Creates an empty log in `directory`, which is prepared and locked; a nil `log_id` gives it a new
/// one. Throws corruption where there are events already.
void create_log(
    const io::machine& machine,
    const std::string& directory,
    const size_limits& limits,
    const uuid& log_id = {}
);

} // namespace everfold::log
