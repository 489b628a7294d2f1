// expect: include everfold/json.hpp
// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>

struct my_json {};

struct opened {
    static constexpr std::string_view event_type = "opened";
    static constexpr std::uint32_t event_version = 2;
    static void upcast(my_json&, std::uint32_t) {} // the mistake: another JSON
};

const auto* form = everfold::detail::form_for<opened>("opened", 1);
