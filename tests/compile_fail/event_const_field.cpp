// expect: a field of this struct is const
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct deposited {
    static constexpr std::string_view event_type = "deposited";
    const std::int64_t amount{}; // the mistake: can't be read into
};

deposited read(everfold::bytes_view payload) {
    return everfold::decode_as<deposited>(payload);
}
