// SPDX-License-Identifier: MIT
#include "tutorial_format.hpp"

#include "canonical.hpp"
#include "events.hpp"

#include <everfold/base/error.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/event/codec.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace users {

namespace {

using json = nlohmann::ordered_json;

std::string shown(const json& value) {
    std::string out;
    append_json(out, value, reading_style);
    if (out.size() > 60) {
        auto cut = std::size_t{57};
        while ((static_cast<unsigned char>(out[cut]) & 0xC0U) == 0x80U)
            --cut;
        out.resize(cut);
        out += "...";
    }
    return out;
}

// The value of the line's field `key`.
const json& field_of(const json& line, const char* key) {
    const auto found = line.find(key);
    if (found == line.end())
        throw malformed_line{std::string{key} + " is missing"};
    return *found;
}

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
    // A NUL would end the text for a JSON reader, and what follows would be lost without a word.
    if (line.find('\0') != std::string_view::npos)
        throw malformed_line{"holds a NUL byte"};
    json entry;
    try {
        entry = everfold::parse_json(line);
    } catch (const everfold::error& e) {
        throw malformed_line{e.message()};
    }
    if (!entry.is_object())
        throw malformed_line{"not a JSON object but " + shown(entry)};
    const auto& time = field_of(entry, "timestamp");
    if (!is_int64(time))
        throw malformed_line{
            "timestamp must be a whole number of milliseconds in 64 bits, and is " + shown(time)};
    if (const auto text = entry.find("datetime"); text != entry.end() && !text->is_string())
        throw malformed_line{"datetime must be text, and is " + shown(*text)};
    const auto& type = field_of(entry, "event_type");
    if (!type.is_string() || type.get_ref<const std::string&>().empty())
        throw malformed_line{"event_type must be text, and is " + shown(type)};
    const auto& data = field_of(entry, "data");
    if (!data.is_object())
        throw malformed_line{"data must be an object, and is " + shown(data)};

    everfold::new_event event;
    event.type = type.get<std::string>();
    if (const auto wrong = misfit(event.type, data); !wrong.empty())
        throw malformed_line{event.type + ": " + wrong};
    const auto at = everfold::timestamp::from_milliseconds(time.get<std::int64_t>());
    event.occurred_at = at;
    event.originally_recorded_at = at;
    if (const auto id = data.find("user_id"); id != data.end() && id->is_number_integer())
        event.tags.push_back("user:" + id->dump());
    try {
        everfold::cbor_from_json(data, event.payload);
        json rest = json::object();
        for (const auto& [key, value] : entry.items())
            if (key != "timestamp" && key != "datetime" && key != "event_type" && key != "data")
                rest[key] = value;
        if (!rest.empty())
            everfold::cbor_from_json(rest, event.metadata);
    } catch (const everfold::error& e) {
        throw malformed_line{e.message()};
    }
    // The decoder has the last word: what it refuses could never be folded.
    if (event.type == user_created::event_type)
        require_decodable<user_created>(event);
    else if (event.type == user_updated::event_type)
        require_decodable<user_updated>(event);
    else if (event.type == user_deleted::event_type)
        require_decodable<user_deleted>(event);
    return event;
}

std::string line_from_event(const everfold::recorded_event& event) {
    const auto ms = event.occurred_at.to_milliseconds();
    json line = json::object();
    line["timestamp"] = ms;
    line["datetime"] = tutorial_datetime(ms);
    line["event_type"] = event.type;
    line["data"] = everfold::json_from_cbor(event.payload);
    if (!event.metadata.empty()) {
        const auto rest = everfold::json_from_cbor(event.metadata);
        for (const auto& [key, value] : rest.items())
            if (!line.contains(key))
                line[key] = value;
    }
    std::string out;
    append_json(out, line, tutorial_style);
    return out;
}

std::string tutorial_datetime(std::int64_t milliseconds) {
    constexpr std::int64_t year_1 = -62'135'596'800'000;
    constexpr std::int64_t year_9999_end = 253'402'300'799'999;
    if (milliseconds < year_1 || milliseconds > year_9999_end)
        return '@' + std::to_string(milliseconds);
    auto text = everfold::timestamp::from_milliseconds(milliseconds).to_string();
    text.pop_back(); // the Z: the tutorial's times name no zone
    return text;
}

line_reader::line_reader(std::function<std::size_t(char*, std::size_t)> read)
    : read_{std::move(read)} {}

bool line_reader::fill() {
    constexpr std::size_t piece = 256U << 10U;
    buffer_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
    buffer_.resize(end_ + piece);
    const auto count = read_(buffer_.data() + end_, piece);
    end_ += count;
    is_at_end_ = count == 0;
    return count != 0;
}

bool line_reader::next(std::string_view& line) {
    std::size_t searched = 0;
    for (;;) {
        const std::string_view rest{buffer_.data() + begin_, end_ - begin_};
        const auto cut = rest.find('\n', searched);
        const bool is_last = cut == std::string_view::npos && is_at_end_;
        if (is_last && rest.empty())
            return false;
        if ((cut == std::string_view::npos ? rest.size() : cut) > line_bytes_max) {
            ++number_;
            throw malformed_line{"longer than 16 MiB"};
        }
        if (cut == std::string_view::npos && !is_last) {
            searched = rest.size();
            fill();
            continue;
        }
        const auto length = is_last ? rest.size() : cut + 1;
        line = rest.substr(0, is_last ? length : cut);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        begin_ += length;
        bytes_ += length;
        ++number_;
        return true;
    }
}

} // namespace users
