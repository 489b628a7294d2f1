// expect: it has a base class
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct stamped {
    std::int64_t at{};
};

struct measured : stamped { // the mistake: fields in two classes
    static constexpr std::string_view event_type = "measured";
    std::int32_t sample{};
};

static_assert(everfold::field_count<measured>() == 2);
