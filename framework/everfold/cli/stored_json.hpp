// SPDX-License-Identifier: MIT
#pragma once
// What was stored with an event, as JSON. Bytes that are no well-formed item are damage.

#include <everfold/json.hpp>
#include <everfold/store/recorded_event.hpp>

#include <string>

namespace everfold::cli {

/// Failure of all: errc::damaged, with the position.
[[nodiscard]] nlohmann::ordered_json data_of(const recorded_event& event);
/// An empty object where there is none.
[[nodiscard]] nlohmann::ordered_json metadata_of(const recorded_event& event);
/// The same as compact text, which takes less time.
[[nodiscard]] std::string data_text_of(const recorded_event& event);
[[nodiscard]] std::string metadata_text_of(const recorded_event& event);

} // namespace everfold::cli
