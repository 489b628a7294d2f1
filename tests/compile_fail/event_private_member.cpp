// expect: it has private members
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

class measured {
public:
    static constexpr std::string_view event_type = "measured";

private:
    std::int32_t sample_{}; // the mistake: private and not described
};

measured read(everfold::bytes_view payload) {
    return everfold::decode_as<measured>(payload);
}
