// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/cli/json_style.hpp>
#include <everfold/cli/stored_json.hpp>
#include <everfold/cli/tutorial_format.hpp>

#include <utility>

namespace everfold::cli {

namespace {

using json = nlohmann::ordered_json;

// The value of the line's field `key`.
const json& field_of(const json& line, const char* key) {
    const auto found = line.find(key);
    if (found == line.end())
        throw malformed_line{std::string{key} + " is missing"};
    return *found;
}

} // namespace

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

bool is_blank(std::string_view line) noexcept {
    return line.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
}

json object_from_line(std::string_view line) {
    // A NUL would end the text for a JSON reader, and what follows would be lost without a word.
    if (line.find('\0') != std::string_view::npos)
        throw malformed_line{"holds a NUL byte"};
    json entry;
    try {
        entry = parse_json(line);
    } catch (const error& e) {
        throw malformed_line{e.message()};
    }
    if (!entry.is_object())
        throw malformed_line{"not a JSON object but " + shown(entry)};
    return entry;
}

tutorial_event event_from_tutorial_line(std::string_view line) {
    auto entry = object_from_line(line);
    const auto& time = field_of(entry, "timestamp");
    if (!is_int64(time))
        throw malformed_line{
            "timestamp must be a whole number of milliseconds in 64 bits, and is " + shown(time)};
    if (const auto text = entry.find("datetime"); text != entry.end() && !text->is_string())
        throw malformed_line{"datetime must be text, and is " + shown(*text)};
    const auto& type = field_of(entry, "event_type");
    if (!type.is_string())
        throw malformed_line{"event_type must be text, and is " + shown(type)};
    if (type.get_ref<const std::string&>().empty())
        throw malformed_line{"event_type is empty; it must name the type"};
    const auto& data = field_of(entry, "data");
    if (!data.is_object())
        throw malformed_line{"data must be an object, and is " + shown(data)};

    tutorial_event out;
    out.event.type = type.get<std::string>();
    const auto at = timestamp::from_milliseconds(time.get<std::int64_t>());
    out.event.occurred_at = at;
    out.event.originally_recorded_at = at;
    try {
        cbor_from_json(data, out.event.payload);
        json rest = json::object();
        for (const auto& [key, value] : entry.items())
            if (key != "timestamp" && key != "datetime" && key != "event_type" && key != "data")
                rest[key] = value;
        if (!rest.empty())
            cbor_from_json(rest, out.event.metadata);
    } catch (const error& e) {
        throw malformed_line{e.message()};
    }
    out.data = std::move(entry["data"]);
    return out;
}

std::string tutorial_line_of(const recorded_event& event) {
    const auto ms = event.occurred_at.to_milliseconds();
    json line = json::object();
    line["timestamp"] = ms;
    line["datetime"] = tutorial_datetime(ms);
    line["event_type"] = event.type;
    line["data"] = data_of(event);
    if (!event.metadata.empty()) {
        const auto rest = metadata_of(event);
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
    auto text = timestamp::from_milliseconds(milliseconds).to_string();
    text.pop_back(); // the Z: times of this form name no zone
    return text;
}

} // namespace everfold::cli
