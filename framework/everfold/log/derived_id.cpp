// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/log/derived_id.hpp>

#include <array>

namespace everfold::log {

uuid derived_id(const uuid& log_id, position at) noexcept {
    uuid out = log_id;
    out.octets[6] = (out.octets[6] & std::byte{0x0F}) | std::byte{0x80};
    constexpr std::uint64_t low_62_bits = (std::uint64_t{1} << 62U) - 1;
    std::array<std::byte, 8> place{};
    store_le(place.data(), at.value() & low_62_bits);
    // Little-endian, so that the position's high byte meets the variant's two bits last of all.
    for (std::size_t i = 0; i < place.size(); ++i)
        out.octets[15 - i] ^= place[i];
    return out;
}

} // namespace everfold::log
