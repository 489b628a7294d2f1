// SPDX-License-Identifier: MIT
#pragma once
// From a query in names to a selection in the log's numbers.

#include <everfold/log/log_cursor.hpp>
#include <everfold/store/query.hpp>

#include <optional>

namespace everfold {

/// Nothing where no event can match. `items` are the query's, one for one.
/// Throws errc::invalid for revisions without exactly one stream.
[[nodiscard]] std::optional<log::selection> select(const query& q, const log::log_index& index);

} // namespace everfold
