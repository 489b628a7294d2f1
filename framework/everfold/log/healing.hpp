// SPDX-License-Identifier: MIT
#pragma once
// One bit of a frame has changed: the one whose change makes its checksum hold again is found by
// trying. Damage of any other kind is not healed.

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/source.hpp>

#include <cstdint>
#include <optional>

namespace everfold::log {

/// A frame as it was. One bit may have changed in its header, and one in its body.
struct healed_frame {
    byte_offset at{};
    frame_header header{};
    byte_buffer body{};

    [[nodiscard]] byte_offset end() const noexcept { return at.advanced(header.frame_size()); }
};

/// Tries the bits of frames of one log, as long as its patience lasts: that is counted in bytes, so
/// that the same log always gives the same answers. A changed bit among a million and more that are
/// tried is the wrong one with a probability of one to 2^43.
class frame_healer {
public:
    /// Null where it is not one bit, or not worth the time.
    [[nodiscard]] std::optional<healed_frame> heal(
        segment_source& source,
        std::uint64_t header_seed,
        std::uint32_t batch_bytes_max,
        byte_offset at
    );

private:
    [[nodiscard]] bool heal_body(byte_buffer& body, const frame_header& header);

    std::uint64_t patience_{std::uint64_t{1} << 36U}; // some seconds
};

} // namespace everfold::log
