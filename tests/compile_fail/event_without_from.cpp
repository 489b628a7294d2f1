// expect: names an older struct and is not made from it
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct first_opened {
    static constexpr std::string_view event_type = "opened";
};

struct any_event {
    any_event(const first_opened&) {}
};

struct opened {
    static constexpr std::string_view event_type = "opened";
    static constexpr std::uint32_t event_version = 2;
    using previous = first_opened;
    static opened from(const any_event&) { return {}; } // the mistake: takes it by converting it
};

using known = everfold::events<opened>;
static_assert(known::size == 1);
