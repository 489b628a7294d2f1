// expect: every field of this struct needs a default value
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct money {
    explicit money(std::int64_t cents)
        : cents_{cents} {}

private:
    std::int64_t cents_;
};

struct deposited {
    static constexpr std::string_view event_type = "deposited";
    money amount; // the mistake: has no value of its own
};

static_assert(everfold::field_count<deposited>() == 1);
