// SPDX-License-Identifier: MIT
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/remains.hpp>
#include <everfold/log/segment_file.hpp>

#include <doctest/doctest.h>
#include <support/memory_source.hpp>

#include <algorithm>
#include <memory>
#include <utility>

using namespace everfold;
using namespace everfold::log;

namespace {

constexpr std::uint64_t seed = 5;

/// How far a walk comes in a segment of this one frame; every checksum in it holds.
walk_state walk_over(frame_kind kind, bytes_view body, std::uint32_t events, bool is_rewritten) {
    frame_header header{.kind = kind};
    header.body_length = static_cast<std::uint32_t>(body.size());
    header.event_count = events;
    header.body_checksum = checksum(body, 0);
    byte_buffer file(static_cast<std::size_t>(first_frame.value() + header.frame_size()));
    auto* at = file.data() + first_frame.value();
    encode_frame_header(at, header, seed, first_frame);
    std::ranges::copy(body, at + frame_header_size);
    encode_frame_trailer(at + frame_header_size + body.size(), header.frame_size());

    segment_entry entry;
    entry.is_rewritten = is_rewritten;
    auto state = beginning_of(entry, nullptr);
    const byte_offset end{file.size()};
    frame_reader reader{
        std::make_shared<testing::memory_source>(std::move(file)), seed, batch_bytes_largest};
    walk_frames(reader, end, state, [](const frame_view&, std::uint64_t) { return nullptr; });
    return state;
}

bool is_believed(
    frame_kind kind, bytes_view body, std::uint32_t events = 0, bool is_rewritten = false
) {
    return walk_over(kind, body, events, is_rewritten).why.empty();
}

} // namespace

TEST_CASE("a mark or a seal that checks is believed only where it holds what one holds") {
    CHECK(is_believed(frame_kind::mark, {}));
    CHECK_FALSE(is_believed(frame_kind::mark, byte_buffer(8)));
    CHECK_FALSE(is_believed(frame_kind::mark, {}, 1));
    CHECK(is_believed(frame_kind::seal, encode(seal{})));
    CHECK_FALSE(is_believed(frame_kind::seal, encode(seal{}), 1));
    CHECK_FALSE(is_believed(frame_kind::seal, encode(seal{.first = position{1}})));
}

TEST_CASE("frames of a removal are believed only in a segment that was rewritten") {
    const auto why = encode(provenance{.why = "asked for"});
    CHECK(is_believed(frame_kind::provenance, why, 0, true));
    CHECK_FALSE(is_believed(frame_kind::provenance, why, 1, true));
    CHECK_FALSE(is_believed(frame_kind::provenance, byte_buffer(8), 0, true));
    CHECK_FALSE(is_believed(frame_kind::provenance, why));
    const auto left = encode(remains{.runs = {{.at = 0, .count = 2}}});
    CHECK(is_believed(frame_kind::remains, left, 2, true));
    CHECK_FALSE(is_believed(frame_kind::remains, left, 2));
}
