// SPDX-License-Identifier: MIT
// The encoding of events: what is valid has one form, whichever way it goes. The input: an item.

#include "fuzz.hpp"

#include <everfold/event/event.hpp>
#include <everfold/json.hpp>
#include <everfold/store/payload_condition.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace everfold::fuzz {

namespace {

struct inner {
    std::string text{};
    double number{};
};

struct typed {
    std::int64_t a{};
    std::uint8_t b{};
    std::optional<std::string> c{};
    std::vector<inner> d{};
    std::map<std::string, std::int32_t> e{};
    bool f{};
    timestamp g{};
};

void require_typed(bytes_view item) {
    typed value;
    if (!answers([&] { decode(item, value); }))
        return;
    byte_buffer once;
    encode(value, once);
    byte_buffer twice;
    encode(decode_as<typed>(once), twice);
    require(once == twice, "a value that was decoded encodes to what decodes to it");
}

} // namespace

void run(bytes_view input) {
    require_typed(input);
    const bool is_item = answers([&] { validate_item(input); });
    const bool is_payload = answers([&] { validate(input); });
    require(is_item || !is_payload, "a payload is an item");
    nlohmann::ordered_json json;
    std::string text;
    const bool has_json = answers([&] { json = json_from_cbor(input); });
    const bool has_text = answers([&] { text = json_text_from_cbor(input); });
    require(has_json == is_item, "an item has JSON, and nothing else has");
    require(has_text == is_item, "an item has a text as JSON, and nothing else has");
    if (is_payload)
        for (const auto* pointer : {"", "/a", "/d/0/text", "/e/"})
            for (const auto op : {comparison::equal, comparison::contains})
                static_cast<void>(payload_condition{pointer, op, {"x"}}.holds_for(input));
    if (!is_item)
        return;
    byte_buffer again;
    cbor_from_json(json, again);
    // A floating number may have come in a form that is longer than it need be.
    const bool has_floating = std::ranges::any_of(input, [](std::byte b) {
        return b == std::byte{0xFA} || b == std::byte{0xFB};
    });
    require(std::ranges::equal(again, input) || has_floating, "JSON gives back the same bytes");
    byte_buffer third;
    cbor_from_json(json_from_cbor(again), third);
    require(third == again, "and from then on these");
    const auto parsed = parse_json(text);
    byte_buffer from_text;
    cbor_from_json(parsed, from_text);
    require(json_text_from_cbor(from_text) == text, "a text as JSON is read as what has that text");
}

void repair(std::span<std::byte> /*input*/, std::uint32_t /*choice*/) {}

} // namespace everfold::fuzz
