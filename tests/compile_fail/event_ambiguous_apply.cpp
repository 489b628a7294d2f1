// expect: applies an event in more than one way
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct opened {
    static constexpr std::string_view event_type = "opened";
};

struct account {
    using events = everfold::events<opened>;

    // The mistake: a call with an opened could be either.
    void apply(const opened&) {}
    void apply(opened) {}
};

static_assert(everfold::explain_fold<account>());
