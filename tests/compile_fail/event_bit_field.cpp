// expect: one is a bit-field
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct measured {
    static constexpr std::string_view event_type = "measured";
    std::uint32_t sample : 12 {}; // the mistake: has no address
};

static_assert(everfold::field_count<measured>() == 1);
