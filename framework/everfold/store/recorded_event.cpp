// SPDX-License-Identifier: MIT
#include <everfold/event/json_text.hpp>
#include <everfold/store/recorded_event.hpp>

namespace everfold {

std::string recorded_event::to_json() const {
    return json_text_from_cbor(payload);
}

void recorded_event::fail_as_foreign(
    bool is_name_known, std::string_view wanted_type, std::uint32_t wanted_version
) const {
    const auto up_to = std::to_string(wanted_version);
    auto why =
        "this program reads it up to version " + up_to + " and has no upcaster from this one";
    if (!is_name_known)
        why = "is not of the type '" + std::string{wanted_type} + "'";
    else if (version > wanted_version)
        why = "is newer than this program, which reads it up to version " + up_to;
    throw schema_error{std::string{type}, version, why};
}

void recorded_event::fail_to_fit(const encoding_error& e) const {
    throw schema_error{
        std::string{type},
        version,
        "the payload at position " + std::to_string(log_position.value()) +
            " does not fit the program's type: " + e.message()};
}

void recorded_event::fail_to_upcast(const std::exception& e) const {
    throw schema_error{
        std::string{type},
        version,
        "the upcaster failed at position " + std::to_string(log_position.value()) + ": " +
            e.what()};
}

void recorded_event::fail_as_dropped() const {
    throw schema_error{
        std::string{type},
        version,
        "the program's from() drops the event at position " + std::to_string(log_position.value())};
}

} // namespace everfold
