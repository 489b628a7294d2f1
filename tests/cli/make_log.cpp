// SPDX-License-Identifier: MIT
// make_log KIND DIRECTORY: a log that the command itself would not write, for its tests.

#include <everfold/io/posix.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/slots.hpp>

#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace everfold;
using namespace std::string_view_literals;

std::unique_ptr<log::event_log> small_segments(const std::string& directory) {
    return log::event_log::open(
        io::posix_machine(),
        directory,
        {.limits =
             {.segment_bytes_max = 16'384, .event_bytes_max = 4096, .batch_bytes_max = 65'536},
         .compress_sealed = false}
    );
}

void append(log::event_log& to, bytes_view payload) {
    const log::draft draft{.stream = "s", .type = "t", .payload = payload};
    static_cast<void>(to.append({&draft, 1}, uuid{}, [](const log::stream_heads&) { return true; })
    );
}

// {"n": 70,000 + i, "t": 100 bytes of text}.
void fill(log::event_log& to, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        byte_buffer payload;
        append_bytes(payload, as_bytes(std::string_view{"\xa2\x61n\x1a", 4}));
        for (const auto shift : {24U, 16U, 8U, 0U})
            payload.push_back(static_cast<std::byte>(((70'000 + i) >> shift) & 0xFFU));
        append_bytes(payload, as_bytes("\x61t\x78\x64" + std::string(100, 'x')));
        append(to, payload);
    }
}

uuid id_of(unsigned char every_octet) {
    uuid out;
    out.octets.fill(std::byte{every_octet});
    return out;
}

// Each form that a record of an event can have, in batches of several events and streams, and in
// several segments.
void fill_with_forms(log::event_log& to) {
    const std::vector<std::string> tags{"k:1", "k:\u00e4", "k:1"};
    // {"a": [-1, 1.5, 1e300, NaN, h'00ff'], "b": null}
    const auto payload = "\xa2\x61\x61\x85\x20\xfa\x3f\xc0\0\0\xfb\x7e\x37\xe4\x3c\x88\0\x75\x9c"
                         "\xfa\x7f\xc0\0\0\x42\0\xff\x61\x62\xf6"sv;
    const auto recorded = timestamp::from_milliseconds(1'704'067'200'000);
    const std::vector<std::optional<timestamp>> times{
        std::nullopt,
        recorded,
        timestamp::from_nanoseconds(-1),
        timestamp{253'402'300'799, 999'999'999},
        timestamp{-62'167'219'200, 1},
        timestamp{-62'167'219'201, 999'000'000},
        timestamp::from_milliseconds(std::numeric_limits<std::int64_t>::max()),
    };
    std::vector<log::draft> drafts;
    for (unsigned i = 0; i < 192; ++i) {
        const auto form = i % 64;
        log::draft d{
            .stream = form % 3 == 0 ? "first" : "second",
            .type = "t",
            .payload = as_bytes(payload)};
        d.version = 1 + form % 2;
        d.occurred_at = times[i % times.size()];
        if ((form & 1U) != 0)
            d.originally_recorded_at = recorded;
        if ((form & 2U) != 0)
            d.id = id_of(static_cast<unsigned char>(form));
        if ((form & 4U) != 0)
            d.correlation_id = id_of(0xC0);
        if ((form & 8U) != 0)
            d.causation_id = id_of(0xCA);
        if ((form & 16U) != 0)
            d.metadata = as_bytes("\xa1\x63who\x62me");
        if ((form & 32U) != 0)
            d.tags = std::span{tags}.first(form % 4);
        drafts.push_back(d);
    }
    const auto every = [](const log::stream_heads&) { return true; };
    for (std::size_t i = 0; i < drafts.size(); i += 16)
        static_cast<void>(to.append(std::span{drafts}.subspan(i, 16), id_of(7), every));
}

// A manifest that says it is of the next format, and checks.
void make_newer(const std::string& directory) {
    const auto files = io::posix_files();
    files->make_directory(directory);
    log::slot_content content{.generation = 1};
    append_le(content.payload, std::uint32_t{log::format_major + 1});
    append_le(content.payload, std::uint32_t{0});
    io::replace_durably(
        *files,
        io::join(directory, log::manifest_name),
        encode_slots(log::slot_kind::manifest, content, log::manifest_slot_unit)
    );
}

// In two rounds: every third event of the first 400 positions, then a run of them.
void remove_some(log::event_log& from) {
    for (const bool is_run : {false, true})
        static_cast<void>(from.scavenge(
            [&](const log::readable_segment& in) {
                log::removal out;
                for (std::uint32_t i = 0; i < in.event_count; ++i) {
                    const auto at = in.index->position_of(i).value();
                    if (is_run ? at >= 20 && at < 300 : at < 400 && at % 3 == 0)
                        out.events.push_back(i);
                }
                return out;
            },
            is_run ? "a run" : "every third"
        ));
}

bool make(std::string_view kind, const std::string& directory) {
    if (kind == "newer") {
        make_newer(directory);
        return true;
    }
    const bool is_archived = kind == "archived";
    if (!is_archived && kind != "segments" && kind != "malformed" && kind != "forms" &&
        kind != "removed")
        return false;
    const auto made = small_segments(directory);
    if (kind == "forms" || kind == "removed")
        fill_with_forms(*made);
    if (kind != "forms")
        fill(*made, kind == "malformed" ? 5 : 1000);
    if (kind == "malformed")
        append(*made, as_bytes("\xa1\x61")); // a map that ends too early; its checksum is right
    if (kind == "removed")
        remove_some(*made);
    if (is_archived)
        static_cast<void>(made->archive([](const log::segment_index& s) {
            return s.first() < position{500};
        }));
    made->close();
    return true;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 3 && make(argv[1], argv[2]))
        return 0;
    static_cast<void>(
        std::fputs("make_log newer|segments|archived|malformed|forms|removed DIRECTORY\n", stderr)
    );
    return 2;
}
