// SPDX-License-Identifier: MIT
// T16: what was written is what is read: fields of events, records, headers of frames and segments,
// with numbers at the borders of their widths, and events of each size that a log allows.

#include <everfold/base/error.hpp>
#include <everfold/event/cbor.hpp>
#include <everfold/event/codec.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/record.hpp>

#include <proof/proof.hpp>
#include <support/stores.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace everfold::proof {

namespace {

using namespace log;

constexpr std::uint64_t cases_a_step = 1000;

/// 0, 1, the largest, each power of two and its neighbours, and the negatives of all that.
template <class T>
std::vector<T> borders() {
    std::vector<T> out{T{}, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    for (int k = 0; k < std::numeric_limits<T>::digits; ++k) {
        const auto power = static_cast<T>(T{1} << k);
        for (const auto value : {static_cast<T>(power - 1), power, static_cast<T>(power + 1)}) {
            out.push_back(value);
            if constexpr (std::is_signed_v<T>)
                out.push_back(static_cast<T>(-value));
        }
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

/// Draws from a number alone, so that a case is the same when it is run by itself.
class draws {
public:
    explicit draws(std::uint64_t from) noexcept
        : state_{from * 0x9E37'79B9'7F4A'7C15} {}

    std::uint64_t next() noexcept {
        state_ += 0x9E37'79B9'7F4A'7C15;
        auto z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58'476D'1CE4'E5B9;
        z = (z ^ (z >> 27U)) * 0x94D0'49BB'1331'11EB;
        return z ^ (z >> 31U);
    }

    std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }

    template <class T>
    T border() {
        static const auto all = borders<T>();
        return all[below(all.size())];
    }

    position place() { return position{border<std::uint64_t>()}; }

    uuid id() {
        uuid out;
        if (below(2) == 0)
            std::generate(out.octets.begin(), out.octets.end(), [&] {
                return static_cast<std::byte>(next());
            });
        return out;
    }

    byte_buffer bytes(std::size_t size) {
        byte_buffer out(size);
        for (auto& b : out)
            b = static_cast<std::byte>(next());
        return out;
    }

    /// Mostly small.
    std::size_t size() { return below(64) == 0 ? below(70'000) : below(40); }

private:
    std::uint64_t state_;
};

struct numbers {
    std::int8_t i8{};
    std::uint8_t u8{};
    std::int16_t i16{};
    std::uint16_t u16{};
    std::int32_t i32{};
    std::uint32_t u32{};
    std::int64_t i64{};
    std::uint64_t u64{};
    timestamp at{};
    revision where{};
    std::string text{};
    byte_buffer bytes{};

    friend bool operator==(const numbers&, const numbers&) = default;
};

std::string fields_fault(draws d, bool is_planted) {
    numbers in;
    in.i8 = d.border<std::int8_t>();
    in.u8 = d.border<std::uint8_t>();
    in.i16 = d.border<std::int16_t>();
    in.u16 = d.border<std::uint16_t>();
    in.i32 = d.border<std::int32_t>();
    in.u32 = d.border<std::uint32_t>();
    in.i64 = d.border<std::int64_t>();
    in.u64 = d.border<std::uint64_t>();
    in.at = timestamp::from_nanoseconds(d.border<std::int64_t>());
    in.where = revision{d.border<std::uint64_t>()};
    in.text.assign(d.size(), 't');
    in.bytes = d.bytes(d.size());
    byte_buffer first;
    encode(in, first);
    auto out = decode_as<numbers>(first);
    if (is_planted)
        out.u32 = static_cast<std::uint32_t>(static_cast<float>(out.u32 >> 1U)) << 1U;
    if (out != in)
        return "another value comes back";
    byte_buffer second;
    encode(out, second);
    return first == second ? "" : "the same value has two forms";
}

/// What was written as one width, read as another.
template <class To, class From>
std::string width_fault(From in) {
    byte_buffer bytes;
    encode(in, bytes);
    const bool fits = std::in_range<To>(in);
    try {
        const auto out = decode_as<To>(bytes);
        return fits && std::cmp_equal(out, in) ? "" : "a number has been cut";
    } catch (const encoding_error&) {
        return fits ? "a number that fits is refused" : "";
    }
}

template <class From>
std::string widths_fault(From in) {
    for (auto fault :
         {width_fault<std::int8_t>(in),
          width_fault<std::uint8_t>(in),
          width_fault<std::int16_t>(in),
          width_fault<std::uint16_t>(in),
          width_fault<std::int32_t>(in),
          width_fault<std::uint32_t>(in),
          width_fault<std::int64_t>(in),
          width_fault<std::uint64_t>(in)})
        if (!fault.empty())
            return fault;
    return {};
}

bool equal(bytes_view a, bytes_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::string event_record_fault(draws d) {
    constexpr std::array<std::size_t, 5> tag_counts{0, 1, 2, tags_max - 1, tags_max};
    const auto tags = d.bytes(4 * tag_counts.at(d.below(8) == 0 ? d.below(5) : d.below(3)));
    const auto metadata = d.bytes(d.below(3) == 0 ? d.size() : 0);
    const auto payload = d.bytes(d.size());
    const auto frame_ns = d.border<std::int64_t>();
    event_record in;
    in.type = static_cast<std::uint16_t>(d.border<std::uint16_t>() % names_record_mark);
    in.stream = d.border<std::uint32_t>();
    in.revision_in_segment = d.border<std::uint32_t>();
    in.back_link = d.border<std::uint32_t>();
    in.tags = tags;
    in.recorded_ns = d.below(2) == 0 ? frame_ns : d.border<std::int64_t>();
    switch (d.below(3)) {
    case 0:
        in.occurred_at = timestamp::from_nanoseconds(in.recorded_ns);
        break;
    case 1:
        in.occurred_at = timestamp::from_nanoseconds(d.border<std::int64_t>());
        break;
    default:
        in.occurred_at = timestamp{
            d.border<std::int64_t>(),
            static_cast<std::uint32_t>(d.border<std::uint32_t>() % 1'000'000'000)};
    }
    in.id = d.id();
    in.correlation_id = d.id();
    in.causation_id = d.id();
    in.metadata = metadata;
    in.payload = payload;
    byte_buffer bytes;
    bytes.reserve(64);
    append_record(bytes, in, frame_ns);
    if (bytes.size() > record_size_max(in.tag_count(), metadata.size(), payload.size()))
        return "a record is larger than was promised";
    bytes_view rest{bytes};
    event_record out;
    names_record other;
    if (take_record(rest, frame_ns, out, other) != record_kind::event || !rest.empty())
        return "a record is not read as one event";
    const bool is_same = out.type == in.type && out.stream == in.stream &&
                         out.revision_in_segment == in.revision_in_segment &&
                         out.back_link == in.back_link && equal(out.tags, in.tags) &&
                         out.recorded_ns == in.recorded_ns && out.occurred_at == in.occurred_at &&
                         out.id == in.id && out.correlation_id == in.correlation_id &&
                         out.causation_id == in.causation_id && equal(out.metadata, in.metadata) &&
                         equal(out.payload, in.payload);
    return is_same ? "" : "another event comes back";
}

std::string names_record_fault(draws d) {
    const std::string name(1 + (d.below(4) == 0 ? name_bytes_max - 1 : d.below(20)), 'n');
    names_record in{
        .kind = static_cast<name_kind>(1 + d.below(3)),
        .number = d.border<std::uint32_t>(),
        .name = name};
    if (in.kind == name_kind::type) {
        in.version = d.border<std::uint32_t>();
        in.base = d.border<std::uint32_t>();
    } else {
        in.base = d.border<std::uint64_t>();
    }
    byte_buffer bytes;
    bytes.reserve(64);
    append_record(bytes, in);
    bytes_view rest{bytes};
    event_record other;
    names_record out;
    if (take_record(rest, 0, other, out) != record_kind::names || !rest.empty())
        return "a record is not read as one name";
    const bool is_same = out.kind == in.kind && out.number == in.number &&
                         out.version == in.version && out.base == in.base && out.name == in.name;
    return is_same ? "" : "another name comes back";
}

std::string frame_fault_of(draws d) {
    frame_header in;
    in.kind = static_cast<frame_kind>(1 + d.below(5));
    in.body_length = d.border<std::uint32_t>();
    in.event_count = d.border<std::uint32_t>();
    in.first = d.place();
    in.epoch = d.border<std::uint32_t>();
    in.chain_low = d.border<std::uint32_t>();
    in.watermark = byte_offset{d.border<std::uint64_t>()};
    in.recorded_ns = d.border<std::int64_t>();
    in.body_checksum = d.border<std::uint64_t>();
    const auto seed = header_seed(d.id(), d.border<std::uint64_t>());
    const byte_offset at{d.border<std::uint64_t>()};
    std::array<std::byte, frame_header_size> bytes{};
    encode_frame_header(bytes.data(), in, seed, at);
    const auto out = decode_frame_header(bytes, seed, at);
    if (!out || decode_frame_header(bytes, seed, at.advanced(8)))
        return "a header is not good for its own offset alone";
    const bool is_same = out->kind == in.kind && out->body_length == in.body_length &&
                         out->event_count == in.event_count && out->first == in.first &&
                         out->epoch == in.epoch && out->chain_low == in.chain_low &&
                         out->watermark == in.watermark && out->recorded_ns == in.recorded_ns &&
                         out->body_checksum == in.body_checksum;
    return is_same ? "" : "another header of a frame comes back";
}

std::string segment_fault(draws d) {
    const seal end{d.place(), d.place(), d.border<std::uint64_t>(), d.border<std::uint64_t>()};
    if (decode_seal(encode(end)) != end)
        return "another seal comes back";
    segment_header in;
    in.log_id = d.id();
    in.number = d.border<std::uint64_t>();
    in.id = d.border<std::uint64_t>();
    in.first = d.place();
    in.chain = d.border<std::uint64_t>();
    in.created_ns = d.border<std::int64_t>();
    in.event_bytes_max = d.border<std::uint32_t>();
    in.batch_bytes_max = d.border<std::uint32_t>();
    in.is_rewritten = d.below(2) == 0;
    const auto out = decode_segment_header(encode(in), "segment");
    const bool is_same =
        out.log_id == in.log_id && out.number == in.number && out.id == in.id &&
        out.first == in.first && out.chain == in.chain && out.created_ns == in.created_ns &&
        out.event_bytes_max == in.event_bytes_max && out.batch_bytes_max == in.batch_bytes_max &&
        out.is_rewritten == in.is_rewritten;
    return is_same ? "" : "another header of a segment comes back";
}

constexpr std::uint32_t small_event_max = 512;

/// A map of one item, of so many bytes.
byte_buffer payload_around(std::size_t size) {
    byte_buffer out;
    cbor_writer writer{out};
    writer.begin_map(1);
    writer.write_text("b");
    writer.write_bytes(draws{size}.bytes(size));
    writer.end();
    writer.finish();
    return out;
}

/// An event of this size in a log of its own, before and after it was closed.
std::string size_fault(std::size_t size) {
    const testing::simulated_stores stores;
    store_options options;
    options.event_bytes_max = small_event_max;
    auto s = stores.open_store(options);
    const auto payload = payload_around(size);
    const bool is_allowed = record_size_max(0, 0, payload.size()) <= small_event_max;
    bool is_there = true;
    try {
        const auto result =
            s.append(testing::to_stream("s", {new_event{.type = "sized", .payload = payload}}));
        is_there = result.is_appended();
    } catch (const error& e) {
        if (e.code() != errc::limit)
            throw;
        is_there = false;
    }
    if (is_there != is_allowed)
        return is_allowed ? "the largest event is refused" : "an event over the limit is taken";
    for (int life = 0; life < 2; ++life) {
        std::size_t count = 0;
        for (const auto& e : s.read()) {
            ++count;
            if (!equal(e.payload, payload))
                return "another payload comes back";
        }
        if (count != (is_there ? 1U : 0U))
            return "another number of events comes back";
        s = stores.reopen(std::move(s), options);
    }
    return {};
}

/// The fault, or what has been thrown where nothing may be.
template <class Fault>
std::string no_error_in(const Fault& fault) {
    try {
        return fault();
    } catch (const error& e) {
        return std::string{"an error: "} + e.what();
    }
}

class round_trips {
public:
    explicit round_trips(run& r)
        : run_{r} {}

    void drawn(tally& in, std::uint64_t full, std::string (*fault)(draws)) {
        run_.steps(run_.share<std::uint64_t>(20, full), 1, [&](std::uint64_t step) {
            for (std::uint64_t i = 0; i < cases_a_step; ++i)
                run_.judge(
                    in,
                    [&] {
                        const auto from = (run_.seed() << 40U) + step * cases_a_step + i;
                        return no_error_in([&] { return fault(draws{from}); });
                    },
                    [&] { return "draw " + std::to_string(i) + " of step " + std::to_string(step); }
                );
        });
    }

    template <class T>
    void widths(tally& in) {
        run_.steps(1, 1, [&](std::uint64_t) {
            for (const auto value : borders<T>())
                run_.judge(
                    in,
                    [&] { return no_error_in([&] { return widths_fault(value); }); },
                    [&] { return "the number " + std::to_string(value); }
                );
        });
    }

    void sizes(tally& in) {
        run_.steps(small_event_max + 2, 37, [&](std::uint64_t size) {
            run_.judge(
                in,
                [&] { return no_error_in([&] { return size_fault(size); }); },
                [&] { return "an item of " + std::to_string(size) + " bytes"; }
            );
        });
    }

private:
    run& run_;
};

} // namespace

void prove_round_trips(run& r) {
    round_trips t{r};
    t.drawn(
        r.line("T16", "fields of events, their numbers at the borders of each width"),
        400,
        r.is_planted() ? +[](draws d) { return fields_fault(d, true); }
                       : +[](draws d) { return fields_fault(d, false); }
    );
    auto& widths = r.line("T16", "each such number, read as every other width");
    t.widths<std::int8_t>(widths);
    t.widths<std::uint8_t>(widths);
    t.widths<std::int16_t>(widths);
    t.widths<std::uint16_t>(widths);
    t.widths<std::int32_t>(widths);
    t.widths<std::uint32_t>(widths);
    t.widths<std::int64_t>(widths);
    t.widths<std::uint64_t>(widths);
    t.drawn(r.line("T16", "records of events"), 400, event_record_fault);
    t.drawn(r.line("T16", "records of names"), 100, names_record_fault);
    t.drawn(r.line("T16", "headers of frames, positions up to 2^64-1"), 200, frame_fault_of);
    t.drawn(r.line("T16", "headers and seals of segments"), 100, segment_fault);
    t.sizes(r.line("T16", "events of every size up to the largest, and those above it"));
}

} // namespace everfold::proof
