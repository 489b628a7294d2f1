// SPDX-License-Identifier: MIT
#include <everfold/store/snapshot_place.hpp>

namespace everfold {

bool is_place_of(const snapshot& s, const log::log_index& index) {
    if (s.stream.empty())
        return s.at.value() == s.log_position.value() && s.log_position < index.end();
    return index.position_of(s.stream, s.at) == s.log_position;
}

} // namespace everfold
