// SPDX-License-Identifier: MIT
// What stands for removed events: counted right, and hostile bytes of it believed nowhere.

#include <everfold/log/format.hpp>
#include <everfold/log/remains.hpp>
#include <everfold/log/sparse_numbers.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::log;

namespace {

frame_view frame_of(const byte_buffer& body, std::uint32_t events) {
    frame_view out;
    out.header.kind = frame_kind::remains;
    out.header.event_count = events;
    out.header.body_length = static_cast<std::uint32_t>(body.size());
    out.body = body;
    return out;
}

} // namespace

TEST_CASE("what is left of a sequence is counted densely and knows what it was counted as") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random{seed};
        const auto size = static_cast<std::uint32_t>(1 + random() % 200);
        const auto share = 1 + random() % 5;
        std::vector<std::uint32_t> left;
        gap_list gaps;
        bool is_ascending = true;
        for (std::uint32_t i = 0; i < size; ++i) {
            if (random() % share != 0)
                continue;
            is_ascending = is_ascending && gaps.add(static_cast<std::uint32_t>(left.size()), i);
            left.push_back(i);
        }
        is_ascending = is_ascending && gaps.add(static_cast<std::uint32_t>(left.size()), size);
        CHECK(is_ascending);
        CHECK(gaps.removed() == size - left.size());
        bool is_right = true;
        for (std::uint32_t i = 0; i < left.size(); ++i)
            is_right = is_right && gaps.original(i) == left[i];
        for (std::uint32_t i = 0; i <= size; ++i) {
            const auto from =
                static_cast<std::uint32_t>(std::ranges::lower_bound(left, i) - left.begin());
            is_right = is_right && gaps.dense_from(i) == from;
        }
        CHECK(is_right);
        // As an index file gives it back.
        gap_list again;
        for (const auto& gap : gaps.gaps())
            is_right = is_right && again.add(gap);
        CHECK(is_right);
        CHECK(again == gaps);
    }
}

TEST_CASE("gaps that run backwards are refused") {
    gap_list gaps;
    CHECK(gaps.add(gap_list::gap{3, 2}));
    CHECK_FALSE(gaps.add(gap_list::gap{3, 3}));
    CHECK_FALSE(gaps.add(gap_list::gap{4, 2}));
    CHECK_FALSE(gaps.add(gap_list::gap{2, 9}));
    CHECK_FALSE(gaps.add(5, 6)); // fewer removed than before
    CHECK_FALSE(gaps.add(5, 4));
    CHECK(gaps.add(gap_list::gap{4, 3}));
}

TEST_CASE("remains and provenance come back as they were written") {
    const byte_buffer records(40, std::byte{7});
    remains r{.chain_after = 11, .frames = 3, .runs = {{0, 2}, {5, 1}}, .records = records};
    r.append_id.octets.fill(std::byte{9});
    const auto body = encode(r);
    CHECK(body.size() % 8 == 0);
    const auto frame = frame_of(body, 6);
    const auto found = decode_remains(frame);
    REQUIRE(found.has_value());
    CHECK(found->chain_after == 11);
    CHECK(found->frames == 3);
    CHECK(found->runs == r.runs);
    CHECK(found->append_id == r.append_id);
    CHECK(append_id_of(frame) == r.append_id);
    CHECK(std::ranges::equal(found->records, records));
    CHECK(std::ranges::equal(records_of(frame), records));
    const provenance p{
        .at_ns = -1, .source_id = 2, .removed_events = 3, .source_bytes = 4, .why = "because"};
    CHECK(decode_provenance(encode(p)) == p);
}

TEST_CASE("runs that overlap, touch, are empty or lie outside of their frame are refused") {
    const auto is_read = [](std::vector<removed_run> runs, std::uint32_t events) {
        const auto body = encode(remains{.frames = 1, .runs = std::move(runs)});
        return decode_remains(frame_of(body, events)).has_value();
    };
    CHECK(is_read({{0, 2}}, 2));
    CHECK(is_read({{0, 2}, {3, 1}}, 4));
    CHECK_FALSE(is_read({}, 4));
    CHECK_FALSE(is_read({{0, 0}}, 4));
    CHECK_FALSE(is_read({{0, 2}, {2, 1}}, 4));
    CHECK_FALSE(is_read({{0, 2}, {1, 3}}, 4));
    CHECK_FALSE(is_read({{3, 1}, {0, 2}}, 4));
    CHECK_FALSE(is_read({{0, 5}}, 4));
    CHECK_FALSE(is_read({{4, 0xFFFF'FFFF}}, 5));
}

TEST_CASE("no bytes make the readers of remains and provenance read outside of them") {
    constexpr std::uint64_t seed = 3;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    std::size_t read = 0;
    for (int i = 0; i < 20'000; ++i) {
        byte_buffer body;
        for (auto words = random() % 24; words > 0; --words)
            append_le(
                body, static_cast<std::uint32_t>(random() % 8 == 0 ? random() : random() % 4)
            );
        body.resize(body.size() - random() % (body.size() / 4 + 1));
        const auto frame = frame_of(body, static_cast<std::uint32_t>(random() % 8));
        if (const auto found = decode_remains(frame)) {
            ++read;
            places_left places{found->runs};
            static_cast<void>(places.next());
            static_cast<void>(places.end());
        }
        static_cast<void>(decode_provenance(body));
        static_cast<void>(append_id_of(frame));
        static_cast<void>(records_of(frame));
        static_cast<void>(chain_through(frame, 0));
    }
    CHECK(read > 10);
}
