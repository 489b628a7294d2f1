// SPDX-License-Identifier: MIT
#pragma once
// Whether a log has what a snapshot says it holds.

#include <everfold/log/log_index.hpp>
#include <everfold/store/snapshot.hpp>

namespace everfold {

/// Whether the last event that `s` names is in the log, at that position.
[[nodiscard]] bool is_place_of(const snapshot& s, const log::log_index& index);

} // namespace everfold
