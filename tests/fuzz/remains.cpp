// SPDX-License-Identifier: MIT
// The bodies of the frames of a rewritten segment: what is read and written again is the same
// bytes. The input: a byte that is odd for a provenance, u32 count of events in the header, and the
// body.

#include "fuzz.hpp"

#include <everfold/log/remains.hpp>

#include <algorithm>

namespace everfold::fuzz {

void run(bytes_view input) {
    input_reader in{input};
    const bool is_provenance = in.number<std::uint8_t>() % 2 != 0;
    log::frame_view frame;
    frame.header.event_count = in.number<std::uint32_t>();
    frame.header.kind = is_provenance ? log::frame_kind::provenance : log::frame_kind::remains;
    frame.body = in.rest();
    static_cast<void>(log::append_id_of(frame));
    static_cast<void>(log::chain_through(frame, 0));
    const auto records = log::records_of(frame);
    require(records.size() <= frame.body.size(), "records lie in the body");
    if (is_provenance) {
        const auto p = log::decode_provenance(frame.body);
        if (p) {
            const auto again = log::encode(*p);
            require(log::decode_provenance(again) == p, "a provenance written again is the same");
        }
        return;
    }
    const auto r = log::decode_remains(frame);
    if (!r)
        return;
    require(std::ranges::equal(log::encode(*r), frame.body), "remains written again are the same");
    for (const auto& run : r->runs)
        require(
            std::uint64_t{run.at} + run.count <= frame.header.event_count,
            "what was removed was in the frame"
        );
    log::places_left places{r->runs};
    std::uint64_t before = 0;
    for (int i = 0; i < 64; ++i) {
        const auto place = places.next();
        require(i == 0 || place > before, "places ascend");
        for (const auto& run : r->runs)
            require(
                place < run.at || place >= std::uint64_t{run.at} + run.count,
                "no place is one that was removed"
            );
        before = place;
    }
}

void repair(std::span<std::byte> /*input*/, std::uint32_t /*choice*/) {}

} // namespace everfold::fuzz
