// SPDX-License-Identifier: MIT
#pragma once
// The id of an event that was given none. docs/log_format.md, "Records".

#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>

namespace everfold::log {

/// What log identity and position always give: a version 8 uuid.
[[nodiscard]] uuid derived_id(const uuid& log_id, position at) noexcept;

} // namespace everfold::log
