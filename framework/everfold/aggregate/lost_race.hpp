// SPDX-License-Identifier: MIT
#pragma once
// What to do between losing a race and deciding again.

#include <everfold/store/append.hpp>
#include <everfold/store/store.hpp>

namespace everfold::detail {

/// Waits until what an append lost against can be read. An append is refused because of events that
/// are still on their way to the disk, too; deciding again without them would lose again. Gives up
/// after a while: a full disk may have taken them back.
void wait_for_winner(store& s, const append_conflict& lost);

} // namespace everfold::detail
