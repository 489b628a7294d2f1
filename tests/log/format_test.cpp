// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>

#include <doctest/doctest.h>

#include <random>

using namespace everfold;
using namespace everfold::log;

namespace {

const uuid log_id = *uuid::parse("01234567-89ab-4def-8123-456789abcdef");

byte_buffer some_frame_header(std::uint64_t seed, byte_offset at) {
    byte_buffer out(frame_header_size);
    encode_frame_header(
        out.data(),
        {.kind = frame_kind::batch,
         .body_length = 24,
         .event_count = 3,
         .first = position{7},
         .epoch = 2,
         .chain_low = 0xDEADBEEF,
         .watermark = byte_offset{4096},
         .recorded_ns = 123'456'789,
         .body_checksum = 42},
        seed,
        at
    );
    return out;
}

} // namespace

TEST_CASE("a frame header comes back as it was written") {
    const auto seed = header_seed(log_id, 5);
    const auto bytes = some_frame_header(seed, byte_offset{4096});
    const auto header = decode_frame_header(bytes, seed, byte_offset{4096});
    REQUIRE(header);
    CHECK(header->kind == frame_kind::batch);
    CHECK(header->body_length == 24);
    CHECK(header->event_count == 3);
    CHECK(header->first == position{7});
    CHECK(header->epoch == 2);
    CHECK(header->chain_low == 0xDEADBEEF);
    CHECK(header->watermark == byte_offset{4096});
    CHECK(header->recorded_ns == 123'456'789);
    CHECK(header->body_checksum == 42);
    CHECK(header->frame_size() == 24 + 72);
}

TEST_CASE("a frame header does not check at another offset, in another segment or log") {
    const auto seed = header_seed(log_id, 5);
    const auto bytes = some_frame_header(seed, byte_offset{4096});
    CHECK(!decode_frame_header(bytes, seed, byte_offset{4104}));
    CHECK(!decode_frame_header(bytes, header_seed(log_id, 6), byte_offset{4096}));
    CHECK(!decode_frame_header(bytes, header_seed(uuid{}, 5), byte_offset{4096}));
    CHECK(!decode_frame_header(bytes_view{bytes}.first(63), seed, byte_offset{4096}));
}

TEST_CASE("no flipped bit of a frame header goes unnoticed") {
    const auto seed = header_seed(log_id, 5);
    const auto intact = some_frame_header(seed, byte_offset{4096});
    for (std::size_t bit = 0; bit < intact.size() * 8; ++bit) {
        auto bytes = intact;
        bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CAPTURE(bit);
        CHECK(!decode_frame_header(bytes, seed, byte_offset{4096}));
    }
}

TEST_CASE("zeros are never a frame, whatever the seed") {
    const byte_buffer zeros(frame_header_size);
    for (std::uint64_t seed = 0; seed < 1000; ++seed)
        CHECK(!decode_frame_header(zeros, seed, byte_offset{0}));
}

TEST_CASE("a segment header comes back as it was written, and a newer format is not damage") {
    const segment_header header{
        .log_id = log_id,
        .number = 3,
        .id = 99,
        .first = position{1000},
        .chain = 77,
        .created_ns = 5,
        .event_bytes_max = 1024,
        .batch_bytes_max = 4096};
    auto bytes = encode(header);
    REQUIRE(bytes.size() == segment_header_size);
    const auto found = decode_segment_header(bytes, "file");
    CHECK(found.log_id == header.log_id);
    CHECK(found.number == header.number);
    CHECK(found.id == header.id);
    CHECK(found.first == header.first);
    CHECK(found.chain == header.chain);
    CHECK(found.created_ns == header.created_ns);
    CHECK(found.event_bytes_max == header.event_bytes_max);
    CHECK(found.batch_bytes_max == header.batch_bytes_max);

    store_le(bytes.data() + 8, static_cast<std::uint16_t>(format_major + 1));
    CHECK_THROWS_AS(static_cast<void>(decode_segment_header(bytes, "file")), corruption);
    store_le(
        bytes.data() + segment_header_size - 8,
        checksum(bytes_view{bytes}.first(segment_header_size - 8), 0)
    );
    try {
        static_cast<void>(decode_segment_header(bytes, "file"));
        FAIL("a newer format was read");
    } catch (const error& e) {
        CHECK(e.code() == errc::unsupported);
    }
}

TEST_CASE("a trailer belongs to one length only") {
    byte_buffer bytes(frame_trailer_size);
    encode_frame_trailer(bytes.data(), 96);
    CHECK(trailer_matches(bytes, 96));
    CHECK(!trailer_matches(bytes, 104));
    bytes[4] ^= std::byte{1};
    CHECK(!trailer_matches(bytes, 96));
}

TEST_CASE("the chain tells two orders of the same batches apart") {
    CHECK(chain_after(chain_after(0, 1), 2) != chain_after(chain_after(0, 2), 1));
    CHECK(chain_after(0, 1) == chain_after(0, 1));
}
