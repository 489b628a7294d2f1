// expect: lists an event in `events` that it does not apply
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct opened {
    static constexpr std::string_view event_type = "opened";
};

struct any_event {
    any_event(const opened&) {}
};

struct account {
    using events = everfold::events<opened>;

    void apply(const any_event&) {} // the mistake: takes an opened, but only by converting it
};

static_assert(everfold::explain_fold<account>());
