// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/event/json_text.hpp>
#include <everfold/store/stream_info.hpp>

namespace everfold {

stream_cursor::~stream_cursor() = default;
stream_ended::~stream_ended() = default;

std::string_view to_text(stream_state state) noexcept {
    switch (state) {
    case stream_state::unknown:
        return "unknown";
    case stream_state::readable:
        return "readable";
    case stream_state::empty:
        return "empty";
    case stream_state::tombstoned:
        return "tombstoned";
    }
    return "";
}

std::string stream_info::metadata_json() const {
    return metadata.empty() ? "{}" : json_text_from_cbor(metadata);
}

stream_ended::stream_ended(std::string stream, stream_end how)
    : error{errc::tombstoned, "the stream '" + printable(stream) + "' has ended: it was tombstoned at " + how.at.to_string() + (how.why.empty() ? "" : ", " + printable(how.why))}
    , stream_{std::move(stream)}
    , how_{std::move(how)} {}

} // namespace everfold
