// expect: a state lists what it folds
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct account {
    // The mistake: no `using events`.
    int balance{};
};

static_assert(everfold::explain_fold<account>());
