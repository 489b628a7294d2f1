// SPDX-License-Identifier: MIT
#include <everfold/aggregate/lost_race.hpp>

#include <chrono>

namespace everfold::detail {
namespace {

using namespace std::chrono_literals;

// Each one past more than was readable before: a busy log makes many of them.
constexpr int waits_max = 64;

bool can_be_read(store& s, const append_conflict& lost) {
    if (lost.found)
        return s.end() > *lost.found;
    return !lost.actual || s.last_revision(lost.stream) >= lost.actual;
}

/// Whoever appended it sees to it, but for one who has not asked for the answer yet.
bool wait_past(store& s, position p) {
    return s.wait_for(p, 100ms) || s.wait_durable(p, 1s);
}

} // namespace

void wait_for_winner(store& s, const append_conflict& lost) {
    for (int i = 0; i < waits_max; ++i) {
        const auto end = s.end(); // before looking: what comes after it is waited for
        if (can_be_read(s, lost) || !wait_past(s, end))
            return;
    }
}

} // namespace everfold::detail
