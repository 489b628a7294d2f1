// expect: the type of a field can't be encoded
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct user_created {
    static constexpr std::string_view event_type = "user_created";
    std::int64_t user_id{};
    const char* name{}; // the mistake: a pointer
};

void write(const user_created& e, everfold::byte_buffer& out) {
    everfold::encode(e, out);
}
