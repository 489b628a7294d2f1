// SPDX-License-Identifier: MIT
#pragma once
// An append that is made again under its id, because nobody knows whether it was made before.

#include <everfold/log/event_log.hpp>
#include <everfold/store/append.hpp>

#include <optional>
#include <span>

namespace everfold {

/// The answer that the append got when it was made for the first time: `before` is its batch, and
/// all of that is visible. Throws errc::invalid where the batch holds other events than `events`,
/// or no longer all of them.
[[nodiscard]] appended answer_again(
    const log::log_index& index,
    const log::found_append& before,
    const append_request& request,
    std::span<const log::draft> events
);

/// The batch that was appended under the request's id, where that is what made its expectation
/// fail: the stream's event behind the expected revision is the batch's. Looks as far back as the
/// log goes.
[[nodiscard]] std::optional<log::found_append>
find_behind_expectation(const log::log_index& index, const append_request& request);

/// The same for any conflict: where a query condition failed, the batch of the event that was
/// found.
[[nodiscard]] std::optional<log::found_append> find_behind_conflict(
    const log::log_index& index, const append_request& request, const append_conflict& lost
);

} // namespace everfold
