// expect: lists an event in `events` that it does not apply
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct opened {
    static constexpr std::string_view event_type = "opened";
};

struct closed {
    static constexpr std::string_view event_type = "closed";
};

struct account {
    using events = everfold::events<opened, closed>;

    void apply(const opened&) {}
    // The mistake: no apply(const closed&).
};

static_assert(everfold::explain_fold<account>());
