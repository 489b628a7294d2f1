// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/cli/stored_json.hpp>
#include <everfold/event/json_text.hpp>

namespace everfold::cli {

namespace {

template <class Decode>
auto decoded(const recorded_event& event, const char* what, Decode&& decode) {
    try {
        return decode();
    } catch (const encoding_error& e) {
        throw error{
            errc::damaged,
            std::string{"the "} + what + " of the event at position " +
                std::to_string(event.log_position.value()) + " is not well-formed: " + e.message()};
    }
}

} // namespace

nlohmann::ordered_json data_of(const recorded_event& event) {
    return decoded(event, "data", [&] { return json_from_cbor(event.payload); });
}

nlohmann::ordered_json metadata_of(const recorded_event& event) {
    if (event.metadata.empty())
        return nlohmann::ordered_json::object();
    return decoded(event, "metadata", [&] { return json_from_cbor(event.metadata); });
}

std::string data_text_of(const recorded_event& event) {
    return decoded(event, "data", [&] { return json_text_from_cbor(event.payload); });
}

std::string metadata_text_of(const recorded_event& event) {
    if (event.metadata.empty())
        return "{}";
    return decoded(event, "metadata", [&] { return json_text_from_cbor(event.metadata); });
}

} // namespace everfold::cli
