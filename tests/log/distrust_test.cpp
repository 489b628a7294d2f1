// SPDX-License-Identifier: MIT
// What an opening does not believe: an end that a read error makes, a log that lacks what was
// durable, frames and marks of an earlier life, a length that no frame can have.

#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/frame_reader.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/source.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/sanitized.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>

using namespace everfold;
using namespace everfold::testing;
using namespace std::chrono_literals;
using log::event_log;

namespace {

std::optional<errc> code_of_opening(const io::machine& machine, log::access mode) {
    try {
        static_cast<void>(event_log::open(machine, "/log", small_log(mode)));
        return {};
    } catch (const error& e) {
        return e.code();
    }
}

std::string active_segment(io::file_system& files) {
    return io::join("/log", log::read_manifest(files, "/log").content.segments.back().file);
}

/// Bytes in memory that say they are more, and remember how much was wanted at once.
class boasting_source final : public log::segment_source {
public:
    boasting_source(byte_buffer content, std::uint64_t size)
        : content_{std::move(content)}
        , size_{size} {}

    std::size_t read_at(byte_offset at, std::span<std::byte> into, scratch& /*mine*/) override {
        largest = std::max(largest, into.size());
        const auto from =
            std::min<std::size_t>(static_cast<std::size_t>(at.value()), content_.size());
        const auto count = std::min(into.size(), content_.size() - from);
        std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(from), count, into.begin());
        return count;
    }

    std::uint64_t size() override { return size_; }

    std::uint64_t stored_size() override { return size_; }

    [[nodiscard]] const std::string& file_name() const noexcept override { return name_; }

    std::size_t largest{};

private:
    byte_buffer content_;
    std::uint64_t size_;
    std::string name_{"a segment"};
};

} // namespace

TEST_CASE("a sector that can't be read ends the opening, and nothing is cut off") {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto options = small_log();
    options.level = durability::os(); // what was acknowledged lies behind what is durable
    const auto log = event_log::open(io::simulated_machine(disk), "/log", options);
    for (const auto* text : {"one", "two", "three"})
        append_texts(*log, "s", {text});
    const auto segment = active_segment(*disk);
    std::uint64_t failures = 0;
    for (std::uint64_t k = 0;; ++k) {
        CAPTURE(k);
        const auto killed = disk->after_kill();
        std::uint64_t reads = 0;
        bool has_failed = false;
        killed->observe([&](std::uint64_t at, io::operation op, const std::string& path) {
            if (op == io::operation::read && path == segment && reads++ == k) {
                has_failed = true;
                killed->fail_at(at, EIO);
            }
        });
        const auto code = code_of_opening(io::simulated_machine(killed), log::access::create);
        killed->observe({});
        if (!has_failed)
            break;
        ++failures;
        CHECK(code == errc::io);
        const auto next =
            event_log::open(io::simulated_machine(killed->after_kill(), 2, 2), "/log", small_log());
        CHECK(read_all(*next).size() == 3);
    }
    CHECK(failures > 1);
}

TEST_CASE("a durable frame that is missing is found whatever the log's configuration") {
    std::uint64_t found = 0;
    for (const auto level :
         {durability::commit(),
          durability::interval(1h, 1U << 20U),
          durability::os(),
          durability::unsafe_none()}) {
        for (const bool is_mirrored : {false, true}) {
            for (const bool is_closed : {false, true}) {
                CAPTURE(static_cast<int>(level.what()));
                CAPTURE(is_mirrored);
                CAPTURE(is_closed);
                const auto disk = std::make_shared<io::simulated_disk>();
                auto options = small_log();
                options.level = level;
                options.mirror = is_mirrored ? "/mirror" : "";
                options.compress_sealed = is_mirrored;
                const auto log = event_log::open(io::simulated_machine(disk), "/log", options);
                append_texts(*log, "s", {"one"}, {}, durability::commit());
                const auto segment = active_segment(*disk);
                const auto first_end = end_of_frames(disk->content(segment));
                append_texts(*log, "s", {"two"}, {}, durability::commit());
                append_texts(*log, "s", {"three"}, {}, durability::commit());
                if (is_closed)
                    log->close();
                auto flipped = disk->content(segment);
                flipped[first_end + 70] ^= std::byte{1};
                auto cut = disk->content(segment);
                cut.resize(first_end); // every frame that is left is whole
                for (const auto& content : {flipped, cut}) {
                    for (const auto mode : {log::access::create, log::access::read_only}) {
                        // The same boot, where a writer may be alive, and another one.
                        for (const std::uint64_t boot : {1U, 2U}) {
                            const auto after = disk->after_kill();
                            after->set_content(segment, content);
                            const auto code =
                                code_of_opening(io::simulated_machine(after, 2, boot), mode);
                            CHECK(code == errc::damaged);
                            ++found;
                        }
                    }
                }
            }
        }
    }
    std::printf("missing frames found: %llu\n", static_cast<unsigned long long>(found));
}

TEST_CASE("what lay behind a torn frame does not come back, though what is appended leads up to it"
) {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto options = small_log();
    options.level = durability::os();
    const auto log = event_log::open(io::simulated_machine(disk), "/log", options);
    append_texts(*log, "s", {"one"}, {}, durability::commit());
    const auto segment = active_segment(*disk);
    const auto torn_at = end_of_frames(disk->content(segment));
    // Where it lay, the next life has a mark and a shorter frame.
    append_texts(*log, "s", {std::string(log::frame_overhead + 8, 'a')});
    const auto behind_at = end_of_frames(disk->content(segment));
    append_texts(*log, "s", {"behind"});

    const auto after = disk->after_kill();
    auto content = after->content(segment);
    content[torn_at + 70] ^= std::byte{1};
    after->set_content(segment, content);
    {
        const auto next = event_log::open(io::simulated_machine(after, 2, 2), "/log", small_log());
        CHECK(next->notes().torn_bytes == end_of_frames(content) - torn_at);
        append_texts(*next, "s", {std::string(8, 'b')});
        // So many bytes as were torn; what lay behind them would follow.
        const auto written =
            log::read_head_mark(*after, "/log", next->index().log_id()).mark.durable;
        REQUIRE(written == byte_offset{behind_at});
    }
    const auto last = event_log::open(io::simulated_machine(after, 3, 2), "/log", small_log());
    const auto events = read_all(*last);
    REQUIRE(events.size() == 2);
    CHECK(events[1].payload == std::string(8, 'b'));
}

TEST_CASE("a failed sync that nobody lived to note is not believed by the next process") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(io::simulated_machine(disk), "/log", small_log());
    append_texts(*log, "s", {"one"});
    disk->observe([&](std::uint64_t at, io::operation op, const std::string&) {
        if (op != io::operation::sync_data)
            return;
        disk->fail_at(at, EIO);
        disk->power_off_at(at + 1); // stands for the death of the process
    });
    CHECK_THROWS(static_cast<void>(append_texts(*log, "s", {"two"})));
    disk->observe({});
    const auto killed = disk->after_kill();
    std::size_t shown = 0;
    {
        const auto next = event_log::open(io::simulated_machine(killed, 2), "/log", small_log());
        append_texts(*next, "s", {"three"});
        shown = read_all(*next).size();
    }
    const auto last = event_log::open(
        io::simulated_machine(killed->after_power_cut(io::power_cut::lose_all, 0), 3, 2),
        "/log",
        small_log()
    );
    CHECK(read_all(*last).size() == shown);
    CHECK(shown >= 2);
}

TEST_CASE("one copy of the head mark is whole whatever fails, is killed and loses power in turn") {
    // A sync that fails, or a kill, leaves a copy of which nobody knows whether it is durable.
    const auto live = [](const std::shared_ptr<io::simulated_disk>& disk, std::uint64_t boot) {
        std::size_t acknowledged = 0;
        try {
            const auto log =
                event_log::open(io::simulated_machine(disk, boot, boot), "/log", small_log());
            append_texts(*log, "s", {"more"});
            ++acknowledged;
            log->close();
        } catch (const io::simulated_disk::powered_off&) {
        } catch (const error&) {
        }
        return acknowledged;
    };
    const auto whole = std::make_shared<io::simulated_disk>();
    live(whole, 1);
    const auto copy = whole->after_kill();
    const auto begin = copy->operation_count();
    live(copy, 1);
    const auto operations = copy->operation_count() - begin;
    REQUIRE(operations > 20);
    std::uint64_t cases = 0;
    std::uint64_t unreadable = 0;
    std::uint64_t lost = 0;
    enum class mishap : std::uint8_t { fails, is_killed, fails_and_is_killed };
    for (const auto what : {mishap::fails, mishap::is_killed, mishap::fails_and_is_killed}) {
        const bool is_killed = what != mishap::fails;
        for (std::uint64_t k = 0; k < operations; k += one_in(7)) {
            const auto first = whole->after_kill();
            std::shared_ptr<io::simulated_disk> disk;
            const auto killed_at = begin + k + (what == mishap::is_killed ? 0 : 1);
            if (is_killed)
                first->observe([&](std::uint64_t number, io::operation, const std::string&) {
                    if (number == killed_at)
                        disk = first->after_kill();
                });
            first->syncs_fail_as(io::failed_sync::forget);
            if (what != mishap::is_killed)
                first->fail_at(begin + k, EIO, false);
            const auto acknowledged = live(first, 1);
            first->observe({});
            if (disk == nullptr)
                disk = first->after_kill();
            // Of what was killed nobody knows how far it came.
            const auto before = is_killed ? 1 : 1 + acknowledged;
            for (std::uint64_t j = 0; j < operations; ++j) {
                const auto again = disk->after_kill();
                again->power_off_at(begin + j);
                const auto promised = before + live(again, 1);
                for (int cuts = 0; cuts < 8; ++cuts) {
                    const auto cut = again->after_power_cut(io::power_cut::garble, ++cases);
                    try {
                        const auto log =
                            event_log::open(io::simulated_machine(cut, 3, 3), "/log", small_log());
                        lost += read_all(*log).size() < promised ? 1U : 0U;
                    } catch (const error&) {
                        ++unreadable;
                    }
                }
            }
        }
    }
    std::printf(
        "head mark after two mishaps: %llu cases\n", static_cast<unsigned long long>(cases)
    );
    CHECK(unreadable == 0);
    CHECK(lost == 0);
}

TEST_CASE("a reader of a closed log with an older head mark sees what follows it, and says so") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto head = "/log/" + std::string{log::head_name};
    event_log::open(io::simulated_machine(disk), "/log", small_log())->close();
    byte_buffer older;
    for (const auto* text : {"one", "two"}) {
        older = disk->content(head);
        const auto log = event_log::open(io::simulated_machine(disk), "/log", small_log());
        append_texts(*log, "s", {text});
        log->close();
    }
    disk->set_content(head, older);
    const auto reader =
        event_log::open(io::simulated_machine(disk), "/log", small_log(log::access::read_only));
    CHECK(read_all(*reader).size() == 2);
    REQUIRE(reader->notes().notes.size() == 1);
    CHECK(reader->notes().notes[0].find("older than the log") != std::string::npos);
}

TEST_CASE("a reader of the next boot sees all that was acknowledged, though the head mark lags") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto log = event_log::open(io::simulated_machine(disk), "/log", small_log());
    for (const auto* text : {"one", "two", "three"})
        append_texts(*log, "s", {text});
    // Whatever the mark said was on its way.
    const auto after = disk->after_power_cut(io::power_cut::lose_all, 0);
    const auto mark = log::read_head_mark(*after, "/log", log->index().log_id()).mark;
    REQUIRE(mark.end == position{0});
    const auto reader = event_log::open(
        io::simulated_machine(after, 2, 2), "/log", small_log(log::access::read_only)
    );
    CHECK(read_all(*reader).size() == 3);
}

TEST_CASE("a frame that says it is longer than can be is refused before its bytes are asked for") {
    constexpr std::uint32_t batch_bytes_max = 1U << 20U;
    constexpr std::uint64_t seed = 42;
    const auto attempt = [&](std::uint32_t body_length, std::uint64_t source_size) {
        byte_buffer content(8192);
        log::encode_frame_header(
            content.data() + log::first_frame.value(),
            {.body_length = body_length, .event_count = 1},
            seed,
            log::first_frame
        );
        const auto source = std::make_shared<boasting_source>(std::move(content), source_size);
        log::frame_reader reader{source, seed, batch_bytes_max};
        const auto* frame = reader.read(log::first_frame, byte_offset{source_size});
        CHECK(frame == nullptr);
        CHECK(reader.fault() == log::frame_fault::length);
        return source->largest;
    };
    // Longer than a batch may be, longer than what is left, of a length that none has.
    CHECK(attempt(0x7FFF'FFF8U, std::uint64_t{1} << 40U) <= 4096);
    CHECK(attempt(batch_bytes_max + 8, std::uint64_t{1} << 40U) <= 4096);
    CHECK(attempt(8192, 8192) <= 4096);
    CHECK(attempt(1001, std::uint64_t{1} << 40U) <= 4096);
}

TEST_CASE("a frame of exactly the length that a batch may have is read") {
    constexpr std::uint32_t batch_bytes_max = 24;
    constexpr std::uint64_t seed = 42;
    const byte_buffer body(batch_bytes_max, std::byte{7});
    const auto at = static_cast<std::size_t>(log::first_frame.value());
    byte_buffer content(at + log::frame_overhead + batch_bytes_max);
    std::ranges::copy(
        body, content.begin() + static_cast<std::ptrdiff_t>(at + log::frame_header_size)
    );
    log::encode_frame_header(
        content.data() + at,
        {.body_length = batch_bytes_max, .body_checksum = log::checksum(body, 0)},
        seed,
        log::first_frame
    );
    log::encode_frame_trailer(
        content.data() + content.size() - log::frame_trailer_size,
        log::frame_overhead + batch_bytes_max
    );
    const byte_offset end{content.size()};
    const auto source = std::make_shared<boasting_source>(std::move(content), end.value());
    log::frame_reader reader{source, seed, batch_bytes_max};
    const auto* frame = reader.read(log::first_frame, end);
    REQUIRE(frame != nullptr);
    CHECK(frame->end() == end);
    CHECK(std::ranges::equal(frame->body, body));
}
