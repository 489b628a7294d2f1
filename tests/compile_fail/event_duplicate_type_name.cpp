// expect: two events in events<...> have the same event_type
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct opened {
    static constexpr std::string_view event_type = "opened";
};

struct reopened {
    static constexpr std::string_view event_type = "opened"; // the mistake: copied
};

static_assert(everfold::events<opened, reopened>::size == 2);
