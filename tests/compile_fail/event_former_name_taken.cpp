// expect: have the same event_type
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct opened {
    static constexpr std::string_view event_type = "opened";
};

struct unlocked {
    static constexpr std::string_view event_type = "unlocked";
    static constexpr std::array<std::string_view, 1> former_names{"opened"}; // the mistake
};

using known = everfold::events<opened, unlocked>;
static_assert(known::size == 2);
