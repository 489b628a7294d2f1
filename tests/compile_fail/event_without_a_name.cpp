// expect: this event has no name
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

// The mistake: no event_type.
struct user_created {
    std::int64_t user_id{};
};

static_assert(everfold::events<user_created>::size == 1);
