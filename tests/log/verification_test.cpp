// SPDX-License-Identifier: MIT
// P22: verifying finds what was changed on purpose, too, says where and what is behind it, and goes
// on.

#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_file.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/random_log.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using log::event_log;

namespace {

struct scene {
    std::shared_ptr<io::simulated_disk> disk{std::make_shared<io::simulated_disk>()};
    io::machine machine{io::simulated_machine(disk)};
    log::manifest content{};
    std::uint64_t events{};

    scene() {
        const auto made =
            event_log::open(machine, "/log", small_log(log::access::create, 4096 + 2000));
        for (int i = 0; i < 40; ++i)
            append_texts(*made, "s-" + std::to_string(i % 3), {std::string(150, 'x'), "y"});
        made->close();
        events = made->index().end().value();
        content = log::read_manifest(*disk, "/log").content;
        REQUIRE(content.segments.size() > 4);
    }

    [[nodiscard]] const log::segment_entry& segment(std::size_t n) const {
        return content.segments[n];
    }

    [[nodiscard]] std::string path(std::size_t n) const {
        return io::join("/log", segment(n).file);
    }

    [[nodiscard]] std::uint64_t seed(std::size_t n) const {
        return log::header_seed(content.log_id, segment(n).id);
    }

    /// The frames of a segment.
    [[nodiscard]] std::vector<log::frame_view> frames(std::size_t n) const {
        log::frame_reader reader{
            log::open_segment(machine, "/log", segment(n), content.log_id), seed(n), 1U << 20U};
        std::vector<log::frame_view> out;
        const byte_offset end{disk->content(path(n)).size()};
        for (auto at = log::first_frame; const auto* f = reader.read(at, end); at = f->end())
            out.push_back({f->at, f->header, {}});
        return out;
    }

    /// Changes a byte of a frame's body, and every checksum of the frame so that it holds.
    void forge(std::size_t n, const log::frame_view& frame) const {
        auto bytes = disk->content(path(n));
        auto* at = bytes.data() + frame.at.value();
        auto header = frame.header;
        at[header.frame_size() - 8 - 4] ^= std::byte{1}; // the last payload, which has one byte
        header.body_checksum =
            log::checksum({at + log::frame_header_size, header.body_length}, header.first.value());
        log::encode_frame_header(at, header, seed(n), frame.at);
        disk->set_content(path(n), std::move(bytes));
    }

    void set_seal(std::size_t n, std::uint64_t chain) const {
        auto bytes = disk->content(path(n));
        const auto all = frames(n);
        const auto& frame = all.back();
        REQUIRE(frame.header.kind == log::frame_kind::seal);
        auto* at = bytes.data() + frame.at.value();
        auto header = frame.header;
        header.chain_low = static_cast<std::uint32_t>(chain);
        auto s = *log::decode_seal({at + log::frame_header_size, log::seal_body_size});
        s.chain = chain;
        const auto body = log::encode(s);
        std::copy(body.begin(), body.end(), at + log::frame_header_size);
        header.body_checksum = log::checksum(body, header.first.value());
        log::encode_frame_header(at, header, seed(n), frame.at);
        disk->set_content(path(n), std::move(bytes));
    }
};

} // namespace

TEST_CASE("P22: a forged event is found by the frame behind it, whose checksums all hold") {
    const scene s;
    const auto frames = s.frames(1);
    s.forge(1, frames[2]);
    const auto found = verified(s.machine, "/log");
    REQUIRE(found.damage.size() == 1);
    CHECK(found.damage[0].file == s.path(1));
    CHECK(found.damage[0].at == frames[3].at);
    CHECK(found.damage[0].next_intact == frames[3].header.first);
    CHECK(found.damage[0].intact_behind == s.segment(1).end - frames[3].header.first);
}

TEST_CASE("P22: a forged last event is found by the seal, the manifest or the next segment") {
    const scene s;
    const auto all = s.frames(1);
    const auto& last = all[all.size() - 2];
    s.forge(1, last);
    // The seal follows the frame as it was.
    auto found = verified(s.machine, "/log");
    REQUIRE(found.damage.size() == 1);
    CHECK(found.damage[0].at == all.back().at);

    // The seal, too, says what was forged: now the manifest does not agree.
    auto chain = s.segment(1).chain_start;
    for (const auto& f : s.frames(1)) {
        if (f.header.kind == log::frame_kind::batch)
            chain = log::chain_after(chain, f.header.body_checksum);
    }
    REQUIRE(chain != s.segment(1).chain_end);
    s.set_seal(1, chain);
    found = verified(s.machine, "/log");
    REQUIRE_FALSE(found.is_intact());
    CHECK(found.damage[0].file == s.path(1));

    // The manifest, too: now the next segment does not follow.
    auto forged = s.content;
    forged.segments[1].chain_end = chain;
    forged.segments[2].chain_start = chain;
    log::replace_manifest(*s.disk, "/log", forged);
    found = verified(s.machine, "/log");
    REQUIRE_FALSE(found.is_intact());
    CHECK(found.damage[0].file == s.path(2));
}

TEST_CASE("P22: any flipped bit of any segment is found in its file, and the rest is counted") {
    const scene s;
    for (std::size_t n = 0; n < s.content.segments.size(); ++n) {
        const auto intact = s.disk->content(s.path(n));
        const bool is_active = n + 1 == s.content.segments.size();
        for (std::size_t at = 0; at < intact.size(); at += at < 4090 && at > 100 ? 37 : 1) {
            CAPTURE(n);
            CAPTURE(at);
            auto changed = intact;
            changed[at] ^= static_cast<std::byte>(1U << (at % 8));
            s.disk->set_content(s.path(n), std::move(changed));
            const auto found = verified(s.machine, "/log");
            REQUIRE_FALSE(found.is_intact());
            CHECK(found.damage.front().file == s.path(n));
            CHECK(found.events + 2 >= s.events - (is_active && at < 4096 ? s.events : 0));
            if (const auto& behind = found.damage.front().next_intact; behind && at > 4096)
                CHECK(
                    found.damage.front().intact_behind ==
                    (is_active ? s.events : s.segment(n).end.value()) - behind->value()
                );
        }
        s.disk->set_content(s.path(n), intact);
    }
    CHECK(is_clean(s.machine, "/log"));
}

TEST_CASE("P22: verifying goes on behind damage, and names each damaged place") {
    const scene s;
    const auto in_first = s.frames(0)[3];
    const auto in_third = s.frames(2)[1];
    for (const auto& [n, frame] : {std::pair{0U, in_first}, std::pair{2U, in_third}}) {
        auto bytes = s.disk->content(s.path(n));
        bytes[frame.at.value() + 100] ^= std::byte{1};
        s.disk->set_content(s.path(n), std::move(bytes));
    }
    s.disk->remove(s.path(3));
    const auto found = verified(s.machine, "/log");
    REQUIRE(found.damage.size() == 3);
    const auto has = [&](std::size_t n, position first) {
        return std::ranges::any_of(found.damage, [&](const damaged_place& d) {
            return d.file == s.path(n) && d.first_lost == first;
        });
    };
    CHECK(has(0, in_first.header.first));
    CHECK(has(2, in_third.header.first));
    CHECK(has(3, s.segment(3).first));
    CHECK(found.events == s.events - 2 - 2 - (s.segment(3).end - s.segment(3).first));
}

TEST_CASE("P22: a log without manifest or head mark is read as far as it is there") {
    for (const auto* name : {"LOG", "head"}) {
        const scene s;
        s.disk->remove(io::join("/log", name));
        const auto found = verified(s.machine, "/log");
        CHECK(found.events == s.events);
        REQUIRE(found.damage.size() == 1);
        CHECK(found.damage[0].file == io::join("/log", name));
    }
}

TEST_CASE(
    "P22: any flipped bit of a rewritten segment is found, and no removal hides a missing event"
) {
    const auto disk = random_log(3, 40);
    const auto machine = io::simulated_machine(disk, 1000);
    std::set<std::uint64_t> gone;
    {
        const auto to =
            event_log::open(machine, "/log", small_log(log::access::existing, small_segment));
        for (const auto& e : read_all(*to)) {
            if (e.at % 3 == 0 || (e.at > 10 && e.at < 30))
                gone.insert(e.at);
        }
        REQUIRE(to->scavenge(plan_for(gone), "a test").segments > 3);
        to->close();
    }
    REQUIRE(is_clean(machine, "/log"));
    const auto whole = verified(machine, "/log");
    const auto content = log::read_manifest(*disk, "/log").content;
    std::uint64_t flips = 0;
    for (const auto& entry : content.segments) {
        if (!entry.is_rewritten)
            continue;
        const auto path = io::join("/log", entry.file);
        const auto intact = disk->content(path);
        for (std::size_t at = 0; at < intact.size(); at += at < 4000 ? 97 : 5) {
            CAPTURE(path);
            CAPTURE(at);
            auto changed = intact;
            changed[at] ^= static_cast<std::byte>(1U << (at % 8));
            disk->set_content(path, std::move(changed));
            const auto found = verified(machine, "/log");
            REQUIRE_FALSE(found.is_intact());
            for (const auto& d : found.damage)
                CHECK(d.file == path);
            CHECK(found.events <= whole.events);
            CHECK(found.events + (entry.end - entry.first) >= whole.events);
            CHECK(found.removed_events <= whole.removed_events);
            ++flips;
        }
        disk->set_content(path, intact);
    }
    CHECK(flips > 1000);
    // A record that says another number than is missing, though every checksum holds.
    for (const auto& entry : content.segments) {
        if (!entry.is_rewritten)
            continue;
        const auto path = io::join("/log", entry.file);
        const auto intact = disk->content(path);
        auto changed = intact;
        const auto seed = log::header_seed(content.log_id, entry.id);
        log::frame_reader reader{
            log::open_segment(machine, "/log", entry, content.log_id),
            seed,
            content.limits.batch_bytes_max};
        auto header = reader.read(log::first_frame, entry.end_offset)->header;
        REQUIRE(header.kind == log::frame_kind::provenance);
        const auto at = static_cast<std::size_t>(log::first_frame.value());
        changed[at + log::frame_header_size + 16] ^= std::byte{2}; // events removed then
        const auto body =
            bytes_view{changed}.subspan(at + log::frame_header_size, header.body_length);
        header.body_checksum = log::checksum(body, header.first.value());
        log::encode_frame_header(changed.data() + at, header, seed, log::first_frame);
        disk->set_content(path, std::move(changed));
        const auto found = verified(machine, "/log");
        REQUIRE_FALSE(found.is_intact());
        CHECK(found.damage.front().file == path);
        CHECK_FALSE(found.damage.front().first_lost.has_value());
        disk->set_content(path, intact);
    }
}
