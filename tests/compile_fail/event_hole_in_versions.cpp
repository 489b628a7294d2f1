// expect: hole in the upcast chain: the event_version of `previous` is to be one less
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct first_opened {
    static constexpr std::string_view event_type = "opened";
};

struct opened {
    static constexpr std::string_view event_type = "opened";
    static constexpr std::uint32_t event_version = 3; // the mistake: nobody reads version 2
    using previous = first_opened;
    static opened from(const first_opened&) { return {}; }
};

using known = everfold::events<opened>;
static_assert(known::size == 1);
