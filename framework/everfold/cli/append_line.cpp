// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/base/error.hpp>
#include <everfold/cli/append_line.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/tutorial_format.hpp>

#include <utility>

namespace everfold::cli {

namespace {

using json = nlohmann::ordered_json;

std::string text_of(const char* field, const json& value) {
    if (!value.is_string() || value.get_ref<const std::string&>().empty())
        throw malformed_line{
            std::string{field} + " must be text and not empty, and is " + shown(value)};
    return value.get<std::string>();
}

void encode_object(const char* field, const json& value, byte_buffer& out) {
    if (!value.is_object())
        throw malformed_line{std::string{field} + " must be an object, and is " + shown(value)};
    try {
        cbor_from_json(value, out);
    } catch (const error& e) {
        throw malformed_line{std::string{field} + ": " + e.message()};
    }
}

std::string tag_of(const json& value) {
    const auto tag = text_of("a tag", value);
    const auto colon = tag.find(':');
    if (colon == 0 || colon == std::string::npos)
        throw malformed_line{"a tag must be \"key:value\", and is " + shown(value)};
    return tag;
}

// JSON where it is any, else text, as the values of --where are.
json value_of(const std::string& text) {
    try {
        return parse_json(text);
    } catch (const error&) {
        return text;
    }
}

void add_metadata(const append_defaults& given, json& entry) {
    if (given.metadata.empty())
        return;
    auto& own = entry["metadata"];
    if (own.is_null())
        own = json::object();
    if (!own.is_object())
        return; // which is said where it is read
    for (const auto& [key, value] : given.metadata)
        if (!own.contains(key))
            own[key] = value_of(value);
}

expected_revision expected_of(const json& value) {
    if (value == "any")
        return expected_revision::any();
    if (value == "no_stream")
        return expected_revision::no_stream();
    if (value == "exists")
        return expected_revision::exists();
    // parse_json makes every integer from 0 on an unsigned one.
    if (value.is_number_unsigned())
        return expected_revision::exactly(revision{value.get<std::uint64_t>()});
    throw malformed_line{
        R"(expected must be "any", "no_stream", "exists" or a revision from 0 on, and is )" +
        shown(value)};
}

} // namespace

append_request request_from_line(std::string_view line, const append_defaults& given) {
    auto entry = object_from_line(line);
    add_metadata(given, entry);
    stream_append to;
    to.stream = given.stream.value_or("");
    to.expected = given.expected;
    new_event event;
    event.correlation_id = given.correlation_id;
    event.causation_id = given.causation_id;
    for (const auto& [key, value] : entry.items()) {
        if (key == "type")
            event.type = text_of("type", value);
        else if (key == "data")
            encode_object("data", value, event.payload);
        else if (key == "stream")
            to.stream = text_of("stream", value);
        else if (key == "metadata")
            encode_object("metadata", value, event.metadata);
        else if (key == "expected")
            to.expected = expected_of(value);
        else if (key != "tags")
            throw malformed_line{
                "'" + printable(key) +
                "' is no field of an event to append: type, data, stream, tags, metadata, "
                "expected"};
        else if (!value.is_array())
            throw malformed_line{"tags must be an array of texts, and is " + shown(value)};
        else
            for (const auto& tag : value)
                event.tags.push_back(tag_of(tag));
    }
    if (event.type.empty())
        throw malformed_line{"type is missing"};
    if (event.payload.empty())
        throw malformed_line{"data is missing"};
    if (to.stream.empty())
        throw malformed_line{"stream is missing, and no --stream was given"};
    to.events.push_back(std::move(event));
    append_request out;
    out.streams.push_back(std::move(to));
    return out;
}

byte_buffer encoded_metadata(const std::vector<std::pair<std::string, std::string>>& metadata) {
    auto all = json::object();
    for (const auto& [key, value] : metadata)
        all[key] = value_of(value);
    byte_buffer out;
    try {
        encode_object("--metadata", all, out);
    } catch (const malformed_line& e) {
        throw usage_error{e.what()};
    }
    return out;
}

} // namespace everfold::cli
