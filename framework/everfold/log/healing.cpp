// SPDX-License-Identifier: MIT
#include <everfold/log/healing.hpp>

#include <array>
#include <span>

namespace everfold::log {

namespace {

void flip(std::span<std::byte> bytes, std::size_t bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
}

std::optional<frame_header>
heal_header(std::span<std::byte> bytes, std::uint64_t seed, byte_offset at) {
    if (const auto header = decode_frame_header(bytes, seed, at))
        return header;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        flip(bytes, bit);
        if (const auto header = decode_frame_header(bytes, seed, at))
            return header;
        flip(bytes, bit);
    }
    return {};
}

} // namespace

bool frame_healer::heal_body(byte_buffer& body, const frame_header& header) {
    const auto holds = [&] { return checksum(body, header.first.value()) == header.body_checksum; };
    if (holds())
        return true;
    const auto cost = body.size() * body.size() * 8;
    if (cost > patience_)
        return false;
    patience_ -= cost;
    for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
        flip(body, bit);
        if (holds())
            return true;
        flip(body, bit);
    }
    return false;
}

std::optional<healed_frame> frame_healer::heal(
    segment_source& source, std::uint64_t header_seed, std::uint32_t batch_bytes_max, byte_offset at
) {
    segment_source::scratch mine;
    std::array<std::byte, frame_header_size> bytes{};
    if (source.read_at(at, bytes, mine) < bytes.size())
        return {};
    const auto header = heal_header(bytes, header_seed, at);
    if (!header || header->body_length > batch_bytes_max)
        return {};
    healed_frame out{at, *header, byte_buffer(header->body_length)};
    if (source.read_at(at.advanced(frame_header_size), out.body, mine) < out.body.size() ||
        !heal_body(out.body, out.header))
        return {};
    return out;
}

} // namespace everfold::log
