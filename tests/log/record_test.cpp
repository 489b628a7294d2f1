// SPDX-License-Identifier: MIT
#include <everfold/log/record.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::log;

namespace {

/// A random event record and the memory that its views point to.
struct drawn {
    event_record record{};
    byte_buffer tags{};
    byte_buffer metadata{};
    byte_buffer payload{};
};

byte_buffer random_bytes(std::mt19937_64& random, std::size_t size) {
    byte_buffer out(size);
    for (auto& b : out)
        b = static_cast<std::byte>(random());
    return out;
}

uuid random_uuid(std::mt19937_64& random) {
    uuid out;
    for (auto& b : out.octets)
        b = static_cast<std::byte>(random());
    return out;
}

void draw(std::mt19937_64& random, std::int64_t frame_ns, drawn& out) {
    auto& r = out.record;
    r = {};
    r.type = static_cast<std::uint16_t>(random() % 0xFFFF);
    r.stream = static_cast<std::uint32_t>(random());
    r.revision_in_segment = static_cast<std::uint32_t>(random());
    r.back_link = static_cast<std::uint32_t>(random());
    out.tags = random_bytes(random, 4 * (random() % 8));
    out.metadata = random_bytes(random, random() % 3 == 0 ? random() % 50 : 0);
    out.payload = random_bytes(random, random() % 200);
    r.tags = out.tags;
    r.metadata = out.metadata;
    r.payload = out.payload;
    r.recorded_ns = random() % 2 == 0 ? frame_ns : static_cast<std::int64_t>(random());
    switch (random() % 3) {
    case 0:
        r.occurred_at = timestamp::from_nanoseconds(r.recorded_ns);
        break;
    case 1:
        r.occurred_at = timestamp::from_nanoseconds(static_cast<std::int64_t>(random()));
        break;
    default:
        r.occurred_at = timestamp::from_milliseconds(static_cast<std::int64_t>(random()));
    }
    if (random() % 2 == 0)
        r.id = random_uuid(random);
    if (random() % 2 == 0)
        r.correlation_id = random_uuid(random);
    if (random() % 2 == 0)
        r.causation_id = random_uuid(random);
}

bool equal(bytes_view a, bytes_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

} // namespace

TEST_CASE("any event record comes back as it was written, at a multiple of 8") {
    const std::uint64_t seed = 20'240'101;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    byte_buffer out;
    drawn d;
    for (int i = 0; i < 20'000; ++i) {
        CAPTURE(i);
        const auto frame_ns = static_cast<std::int64_t>(random());
        draw(random, frame_ns, d);
        out.clear();
        append_record(out, d.record, frame_ns);
        CHECK(out.size() % 8 == 0);
        CHECK(
            out.size() <= record_size_max(d.record.tag_count(), d.metadata.size(), d.payload.size())
        );
        auto rest = bytes_view{out};
        const auto found = take_record(rest, frame_ns);
        REQUIRE(found);
        CHECK(rest.empty());
        const auto* event = std::get_if<event_record>(&*found);
        REQUIRE(event != nullptr);
        const auto& r = d.record;
        CHECK(event->type == r.type);
        CHECK(event->stream == r.stream);
        CHECK(event->revision_in_segment == r.revision_in_segment);
        CHECK(event->back_link == r.back_link);
        CHECK(event->recorded_ns == r.recorded_ns);
        CHECK(event->occurred_at == r.occurred_at);
        CHECK(event->id == r.id);
        CHECK(event->correlation_id == r.correlation_id);
        CHECK(event->causation_id == r.causation_id);
        CHECK(equal(event->tags, r.tags));
        CHECK(equal(event->metadata, r.metadata));
        CHECK(equal(event->payload, r.payload));
    }
}

TEST_CASE("a names record comes back as it was written") {
    byte_buffer out;
    const std::string name(255, 'n');
    append_record(
        out,
        names_record{.kind = name_kind::type, .number = 7, .version = 3, .base = 0, .name = name}
    );
    append_record(
        out, names_record{.kind = name_kind::stream, .number = 8, .base = 1ULL << 40U, .name = "s"}
    );
    auto rest = bytes_view{out};
    const auto first = std::get<names_record>(*take_record(rest, 0));
    CHECK(first.kind == name_kind::type);
    CHECK(first.number == 7);
    CHECK(first.version == 3);
    CHECK(first.name == name);
    const auto second = std::get<names_record>(*take_record(rest, 0));
    CHECK(second.kind == name_kind::stream);
    CHECK(second.base == 1ULL << 40U);
    CHECK(second.name == "s");
    CHECK(rest.empty());
}

TEST_CASE("no bytes make the record reader read outside them") {
    const std::uint64_t seed = 7;
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    drawn d;
    byte_buffer out;
    std::uint64_t tried = 0;
    for (int i = 0; i < 300; ++i) {
        draw(random, 0, d);
        out.clear();
        append_record(out, d.record, 0);
        for (std::size_t length = 0; length < out.size(); ++length) {
            // A copy of exactly this length, so that a sanitizer sees the end.
            const byte_buffer cut(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(length));
            auto rest = bytes_view{cut};
            CHECK(!take_record(rest, 0));
            ++tried;
        }
        for (std::size_t bit = 0; bit < out.size() * 8; bit += 3) {
            auto flipped = out;
            flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
            auto rest = bytes_view{flipped};
            while (take_record(rest, 0)) {
            }
            ++tried;
        }
    }
    CHECK(tried > 100'000);
}
