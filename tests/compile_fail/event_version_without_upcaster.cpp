// expect: hole in the upcast chain: older versions of this event can't be read
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct opened {
    static constexpr std::string_view event_type = "opened";
    static constexpr std::uint32_t event_version = 2; // the mistake: and version 1?
};

using known = everfold::events<opened>;
static_assert(known::size == 1);
