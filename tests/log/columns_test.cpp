// SPDX-License-Identifier: MIT
#include <everfold/log/archive_format.hpp>
#include <everfold/log/columns.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/record.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

using namespace everfold;
using namespace everfold::log;

namespace {

/// A segment's bytes: frames of some events each, with records of every form.
byte_buffer segment_of(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    byte_buffer out(segment_header_size);
    std::uint32_t number = 0;
    while (out.size() < size) {
        byte_buffer body(append_id_size);
        append_record(
            body,
            names_record{
                .kind = name_kind::stream, .number = number++, .name = "a-stream-of-events"}
        );
        for (int i = 0; i < 20; ++i) {
            byte_buffer payload;
            payload.reserve(64);
            append_bytes(
                payload,
                as_bytes("\xa2"
                         "bid\x19")
            );
            append_le(payload, static_cast<std::uint16_t>(random()));
            append_bytes(payload, as_bytes("dnamedAnna"));
            if (random() % 8 == 0)
                payload.resize(random() % payload.size());
            const byte_buffer tags(4 * (random() % 3), std::byte{1});
            const byte_buffer metadata(random() % 3, std::byte{7});
            event_record e{
                .stream = number - 1,
                .revision_in_segment = static_cast<std::uint32_t>(i),
                .tags = tags,
                .recorded_ns = 1'000 + static_cast<std::int64_t>(random() % 2),
                .occurred_at =
                    timestamp::from_milliseconds(static_cast<std::int64_t>(random() % 9)),
                .metadata = metadata,
                .payload = payload};
            if (random() % 4 == 0)
                e.id.octets[3] = std::byte{9};
            if (random() % 4 == 0)
                e.causation_id.octets[3] = std::byte{9};
            append_record(body, e, 1'000);
        }
        const auto at = out.size();
        out.resize(at + frame_overhead + body.size());
        const frame_header h{.body_length = static_cast<std::uint32_t>(body.size())};
        encode_frame_header(out.data() + at, h, seed, byte_offset{at});
        std::ranges::copy(body, out.begin() + static_cast<std::ptrdiff_t>(at + frame_header_size));
        encode_frame_trailer(out.data() + out.size() - frame_trailer_size, h.frame_size());
    }
    return out;
}

} // namespace

TEST_CASE("columns give back each piece of a segment, wherever it is cut") {
    for (std::uint64_t seed = 1; seed < 40; ++seed) {
        CAPTURE(seed);
        const auto segment = segment_of(60'000, seed);
        std::mt19937_64 random{seed};
        column_packer packer;
        std::size_t columns = 0;
        for (std::size_t at = 0; at < segment.size();) {
            const auto n = std::min(segment.size() - at, 8 * (1 + std::size_t{random() % 1'000}));
            const auto piece = bytes_view{segment}.subspan(at, n);
            const auto packed = packer.pack(piece, at, 3);
            if (packed) {
                ++columns;
                byte_buffer again(n);
                const bool is_whole = unpack_columns(*packed, again);
                CHECK(is_whole);
                const bool is_same = std::ranges::equal(again, piece);
                CHECK(is_same);
            }
            at += n;
        }
        CHECK(columns > 5);
    }
}

TEST_CASE("columns that were changed unpack to some bytes or to none") {
    const auto segment = segment_of(100'000, 7);
    column_packer packer;
    const auto packed = packer.pack(segment, 0, 3);
    REQUIRE(packed.has_value());
    CHECK(packed->size() < segment.size() / 3);
    std::mt19937_64 random{1};
    for (int i = 0; i < 3'000; ++i) {
        auto changed = *packed;
        for (auto n = 1 + random() % 4; n > 0; --n)
            changed[random() % (i % 2 == 0 ? 300 : changed.size())] ^=
                static_cast<std::byte>(1U << random() % 8);
        byte_buffer again(segment.size());
        static_cast<void>(unpack_columns(changed, again));
    }
}
