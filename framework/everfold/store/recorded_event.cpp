// SPDX-License-Identifier: MIT
#include <everfold/event/json_text.hpp>
#include <everfold/store/recorded_event.hpp>

namespace everfold {

std::string recorded_event::to_json() const {
    return json_text_from_cbor(payload);
}

void recorded_event::require(std::string_view wanted_type, std::uint32_t wanted_version) const {
    if (type != wanted_type)
        throw schema_error{
            std::string{type}, version, "is not of the type '" + std::string{wanted_type} + "'"};
    if (version != wanted_version)
        throw schema_error{
            std::string{type},
            version,
            "this program knows version " + std::to_string(wanted_version) + " of it only"};
}

void recorded_event::fail_to_fit(const encoding_error& e) const {
    throw schema_error{
        std::string{type},
        version,
        "the payload at position " + std::to_string(log_position.value()) +
            " does not fit the program's type: " + e.message()};
}

} // namespace everfold
