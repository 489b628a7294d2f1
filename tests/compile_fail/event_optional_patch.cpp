// expect: a patch says null by itself
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    everfold::patch<std::optional<int>> age{}; // the mistake: null twice
};

static_assert(everfold::field_count<user_updated>() == 1);
