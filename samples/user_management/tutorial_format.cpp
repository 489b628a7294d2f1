// SPDX-License-Identifier: MIT
#include "tutorial_format.hpp"

#include "canonical.hpp"
#include "events.hpp"

#include <everfold/base/error.hpp>
#include <everfold/event/codec.hpp>

#include <utility>

namespace users {

namespace {

using json = nlohmann::ordered_json;
using everfold::cli::shown;

template <class Event>
void require_decodable(const everfold::new_event& event) {
    try {
        Event decoded{};
        everfold::decode(event.payload, decoded);
    } catch (const everfold::error& e) {
        throw malformed_line{e.message()};
    }
}

} // namespace

std::string misfit(std::string_view event_type, const json& data) {
    const bool is_created = event_type == user_created::event_type;
    const bool is_updated = event_type == user_updated::event_type;
    if (!is_created && !is_updated && event_type != user_deleted::event_type)
        return {};
    const auto id = data.find("user_id");
    if (id == data.end())
        return "user_id is missing";
    if (!is_int64(*id))
        return "user_id must be a whole number of 64 bits, and is " + shown(*id);
    const auto text = [&](const char* field, bool may_be_null) -> std::string {
        const auto at = data.find(field);
        if (at == data.end() || at->is_string() || (may_be_null && at->is_null()))
            return {};
        return std::string{field} + (may_be_null ? " must be text or null" : " must be text") +
               ", and is " + shown(*at);
    };
    std::string wrong;
    if (is_created) {
        if (!data.contains("name"))
            return "name is missing";
        wrong = text("name", false);
        if (wrong.empty())
            wrong = text("email", true);
    } else if (is_updated) {
        for (const auto* field : {"name", "email", "phone"})
            if (wrong.empty())
                wrong = text(field, true);
    }
    return wrong;
}

everfold::new_event event_from_line(std::string_view line) {
    auto [event, data] = everfold::cli::event_from_tutorial_line(line);
    if (const auto wrong = misfit(event.type, data); !wrong.empty())
        throw malformed_line{event.type + ": " + wrong};
    if (const auto id = data.find("user_id"); id != data.end() && id->is_number_integer())
        event.tags.push_back("user:" + id->dump());
    // The decoder has the last word: what it refuses could never be folded.
    if (event.type == user_created::event_type)
        require_decodable<user_created>(event);
    else if (event.type == user_updated::event_type)
        require_decodable<user_updated>(event);
    else if (event.type == user_deleted::event_type)
        require_decodable<user_deleted>(event);
    return std::move(event);
}

} // namespace users
