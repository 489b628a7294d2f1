// SPDX-License-Identifier: MIT
// JSON as it comes in: what is read keeps its value on the way through the bytes. The input: text.

#include "fuzz.hpp"

#include <everfold/json.hpp>

#include <algorithm>
#include <string>

namespace everfold::fuzz {

void run(bytes_view input) {
    nlohmann::ordered_json json;
    if (!answers([&] { json = parse_json(as_text(input)); }))
        return;
    byte_buffer bytes;
    cbor_from_json(json, bytes);
    validate_item(bytes);
    require(json_from_cbor(bytes) == json, "JSON keeps its value");
    const auto text = json_text_from_cbor(bytes);
    byte_buffer again;
    cbor_from_json(parse_json(text), again);
    require(std::ranges::equal(again, bytes), "its text has the same bytes");
}

void repair(std::span<std::byte> /*input*/, std::uint32_t /*choice*/) {}

} // namespace everfold::fuzz
