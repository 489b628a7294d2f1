// expect: one is a C array
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct measured {
    static constexpr std::string_view event_type = "measured";
    std::int32_t samples[3]{}; // the mistake: not a std::array
};

static_assert(everfold::field_count<measured>() == 1);
