// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>

#include <xxhash.h>

#include <algorithm>

namespace everfold::log {

namespace {

constexpr std::array<std::byte, 8> segment_magic{
    std::byte{0x89},
    std::byte{'E'},
    std::byte{'V'},
    std::byte{'S'},
    std::byte{0x0D},
    std::byte{0x0A},
    std::byte{0x1A},
    std::byte{0x00}};

constexpr std::size_t header_checksum_at = segment_header_size - 8;
constexpr std::uint32_t rewritten_feature = 1;

} // namespace

std::uint64_t checksum(bytes_view data, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(data.data(), data.size(), seed);
}

byte_buffer encode(const segment_header& header) {
    byte_buffer out;
    out.reserve(segment_header_size);
    append_bytes(out, segment_magic);
    append_le(out, format_major);
    append_le(out, std::uint16_t{0});
    append_le(out, std::uint32_t{segment_header_size});
    append_bytes(out, header.log_id.octets);
    append_le(out, header.number);
    append_le(out, header.id);
    append_le(out, header.first.value());
    append_le(out, header.chain);
    append_le(out, header.created_ns);
    append_le(out, header.is_rewritten ? rewritten_feature : 0); // required features
    append_le(out, std::uint32_t{0});                            // optional ones
    append_le(out, header.event_bytes_max);
    append_le(out, header.batch_bytes_max);
    check(out.size() == segment_header_used, "a segment header has its documented fields");
    out.resize(header_checksum_at);
    append_le(out, checksum(out, 0));
    return out;
}

segment_header decode_segment_header(bytes_view at, const std::string& file) {
    const auto damaged = [&](const char* what) { return corruption{file, byte_offset{0}, what}; };
    if (at.size() < segment_header_size)
        throw damaged("the segment's header is cut short");
    if (!std::equal(segment_magic.begin(), segment_magic.end(), at.begin()))
        throw damaged("this is not the beginning of a segment");
    if (load_le<std::uint64_t>(at.data() + header_checksum_at) !=
        checksum(at.first(header_checksum_at), 0))
        throw damaged("the segment's header does not match its checksum");
    if (load_le<std::uint16_t>(at.data() + 8) != format_major ||
        load_le<std::uint32_t>(at.data() + 72) > rewritten_feature)
        throw error{
            errc::unsupported,
            "'" + file +
                "' was written by a newer version of Everfold, in a format that this one "
                "does not know"};
    segment_header header;
    std::copy_n(at.begin() + 16, 16, header.log_id.octets.begin());
    header.number = load_le<std::uint64_t>(at.data() + 32);
    header.id = load_le<std::uint64_t>(at.data() + 40);
    header.first = position{load_le<std::uint64_t>(at.data() + 48)};
    header.chain = load_le<std::uint64_t>(at.data() + 56);
    header.created_ns = load_le<std::int64_t>(at.data() + 64);
    header.is_rewritten = load_le<std::uint32_t>(at.data() + 72) == rewritten_feature;
    header.event_bytes_max = load_le<std::uint32_t>(at.data() + 80);
    header.batch_bytes_max = load_le<std::uint32_t>(at.data() + 84);
    return header;
}

std::uint64_t header_seed(const uuid& log_id, std::uint64_t segment_id) noexcept {
    std::array<std::byte, 24> name{};
    std::copy(log_id.octets.begin(), log_id.octets.end(), name.begin());
    store_le(name.data() + 16, segment_id);
    return checksum(name, 0);
}

void encode_frame_header(
    std::byte* at, const frame_header& header, std::uint64_t seed, byte_offset offset
) noexcept {
    store_le(at, frame_magic);
    store_le(at + 4, static_cast<std::uint16_t>(header.kind));
    store_le(at + 6, std::uint16_t{0});
    store_le(at + 8, header.body_length);
    store_le(at + 12, header.event_count);
    store_le(at + 16, header.first.value());
    store_le(at + 24, header.epoch);
    store_le(at + 28, header.chain_low);
    store_le(at + 32, header.watermark.value());
    store_le(at + 40, header.recorded_ns);
    store_le(at + 48, header.body_checksum);
    store_le(at + 56, checksum({at, 56}, seed + offset.value()));
}

void encode_frame_trailer(std::byte* at, std::uint64_t frame_size) noexcept {
    const auto size = static_cast<std::uint32_t>(frame_size);
    store_le(at, size);
    store_le(at + 4, ~size);
}

std::optional<frame_header>
decode_frame_header(bytes_view at, std::uint64_t seed, byte_offset offset) noexcept {
    if (at.size() < frame_header_size || load_le<std::uint32_t>(at.data()) != frame_magic)
        return {};
    if (load_le<std::uint64_t>(at.data() + 56) != checksum(at.first(56), seed + offset.value()))
        return {};
    const auto kind = load_le<std::uint16_t>(at.data() + 4);
    if (kind < 1 || kind > 5 || load_le<std::uint16_t>(at.data() + 6) != 0)
        return {};
    frame_header header;
    header.kind = static_cast<frame_kind>(kind);
    header.body_length = load_le<std::uint32_t>(at.data() + 8);
    header.event_count = load_le<std::uint32_t>(at.data() + 12);
    header.first = position{load_le<std::uint64_t>(at.data() + 16)};
    header.epoch = load_le<std::uint32_t>(at.data() + 24);
    header.chain_low = load_le<std::uint32_t>(at.data() + 28);
    header.watermark = byte_offset{load_le<std::uint64_t>(at.data() + 32)};
    header.recorded_ns = load_le<std::int64_t>(at.data() + 40);
    header.body_checksum = load_le<std::uint64_t>(at.data() + 48);
    return header;
}

bool trailer_matches(bytes_view at, std::uint64_t frame_size) noexcept {
    return at.size() >= frame_trailer_size && load_le<std::uint32_t>(at.data()) == frame_size &&
           load_le<std::uint32_t>(at.data() + 4) == ~static_cast<std::uint32_t>(frame_size);
}

std::uint64_t chain_after(std::uint64_t chain, std::uint64_t body_checksum) noexcept {
    std::array<std::byte, 16> link{};
    store_le(link.data(), chain);
    store_le(link.data() + 8, body_checksum);
    return checksum(link, 0);
}

std::array<std::byte, seal_body_size> encode(const seal& s) noexcept {
    std::array<std::byte, seal_body_size> out{};
    store_le(out.data(), s.first.value());
    store_le(out.data() + 8, s.end.value());
    store_le(out.data() + 16, s.chain);
    store_le(out.data() + 24, s.frame_count);
    return out;
}

std::optional<seal> decode_seal(bytes_view body) noexcept {
    if (body.size() != seal_body_size)
        return {};
    return seal{
        .first = position{load_le<std::uint64_t>(body.data())},
        .end = position{load_le<std::uint64_t>(body.data() + 8)},
        .chain = load_le<std::uint64_t>(body.data() + 16),
        .frame_count = load_le<std::uint64_t>(body.data() + 24)};
}

} // namespace everfold::log
