// SPDX-License-Identifier: MIT
#pragma once
// What opening a log after a crash can't do without, as a plain loop: each frame of a segment is
// read and checked, and the offset of each event goes into a vector of its stream's number.

#include <cstdint>
#include <string>

namespace everfold::testing {

/// Returns how many events there are.
[[nodiscard]] std::uint64_t scan_raw(const std::string& segment_file);

} // namespace everfold::testing
