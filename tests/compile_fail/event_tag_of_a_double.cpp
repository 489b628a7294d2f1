// expect: a tag is made from text, a number
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct measured {
    static constexpr std::string_view event_type = "measured";
    double sample{};
    static constexpr auto event_tags = everfold::tagged("sample", &measured::sample); // the mistake
};

std::vector<std::string> tags(const measured& e) {
    return everfold::tags_of(e);
}
