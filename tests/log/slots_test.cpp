// SPDX-License-Identifier: MIT
#include <everfold/io/simulated.hpp>
#include <everfold/log/slots.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <utility>

using namespace everfold;
using namespace everfold::log;

namespace {

const uuid log_id = *uuid::parse("01234567-89ab-4def-8123-456789abcdef");
constexpr std::size_t slot_size = 4096;

byte_buffer text(std::string_view t) {
    const auto view = as_bytes(t);
    return {view.begin(), view.end()};
}

std::string payload_of(const byte_buffer& file) {
    const auto slots = read_slots(slot_kind::head, file);
    return slots ? std::string{as_text(slots->newest.payload)} : "nothing";
}

std::shared_ptr<io::simulated_disk> disk_with(const byte_buffer& file) {
    auto disk = std::make_shared<io::simulated_disk>();
    disk->set_content("/head", file);
    return disk;
}

slot_writer writer_on(io::simulated_disk& disk, std::uint64_t generation) {
    return {
        disk.open("/head", io::open_mode::write), slot_kind::head, slot_size, log_id, generation};
}

byte_buffer new_file(std::string_view payload) {
    return encode_slots(
        slot_kind::head, {.generation = 1, .log_id = log_id, .payload = text(payload)}, slot_size
    );
}

} // namespace

TEST_CASE("the newest whole slot holds") {
    const auto disk = disk_with(new_file("one"));
    auto slots = writer_on(*disk, 1);
    CHECK(payload_of(disk->content("/head")) == "one");
    slots.write(text("two"));
    CHECK(payload_of(disk->content("/head")) == "two");
    slots.write(text("three"));
    CHECK(payload_of(disk->content("/head")) == "three");
    slots.write_both_synced(text("four"));
    auto file = disk->content("/head");
    CHECK(payload_of(file) == "four");
    file[slot_size + 41] ^= std::byte{1};
    CHECK(payload_of(file) == "four");
    CHECK(!read_slots(slot_kind::head, file)->are_both_whole);
    file[41] ^= std::byte{1};
    CHECK(payload_of(file) == "nothing");
}

TEST_CASE("of two whole slots the one with the higher generation holds, whichever that is") {
    // The second one is of an earlier life: it was brought back, or its overwriting was lost.
    const auto disk = disk_with(new_file("old"));
    auto slots = writer_on(*disk, 1);
    slots.write_first_synced(text("new"));
    const auto file = disk->content("/head");
    const auto read = read_slots(slot_kind::head, file);
    REQUIRE(read);
    CHECK(payload_of(file) == "new");
    CHECK(read->newest.generation == 2);
    CHECK(read->are_both_whole);
    CHECK(!read->is_second_newer);
}

TEST_CASE("the word to sleep on is the second slot's, and there is none where that is not whole") {
    const auto disk = disk_with(new_file("one"));
    const auto word = [&] { return read_slots(slot_kind::head, disk->content("/head"))->word; };
    const auto stored = [&] {
        const auto file = disk->content("/head");
        return load_le<std::uint32_t>(&file[static_cast<std::size_t>(slot_word(slot_size).value())]
        );
    };
    CHECK(word() == 1U);
    auto slots = writer_on(*disk, 0x1'0000'0001);
    slots.write(text("two"));
    CHECK(word() == 2U);
    CHECK(stored() == 2U);
    slots.write_both_synced(text("three")); // the first slot is the newest, with generation 4
    CHECK(word() == 3U);
    CHECK(stored() == 3U);
    auto file = disk->content("/head");
    file[slot_size + 41] ^= std::byte{1};
    disk->set_content("/head", file);
    CHECK(!word());
}

TEST_CASE("slots of another kind are not believed") {
    CHECK(!read_slots(slot_kind::manifest, new_file("one")));
    CHECK(!read_slots(slot_kind::head, {}));
    CHECK(!read_slots(slot_kind::head, byte_buffer(2 * slot_size)));
}

TEST_CASE("whatever a power cut does to writes in flight, one slot is whole and not older than the "
          "last sync") {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        CAPTURE(seed);
        const auto disk = disk_with(new_file("synced"));
        auto slots = writer_on(*disk, 1);
        for (std::uint64_t i = 0; i < seed % 5; ++i)
            slots.write(text("running"));
        const auto cut = disk->after_power_cut(io::power_cut::garble, seed);
        const auto found = payload_of(cut->content("/head"));
        CHECK((found == "synced" || found == "running"));

        // Also while both are being replaced.
        disk->power_off_at(disk->operation_count() + seed % 5);
        try {
            slots.write_both_synced(text("anchor"));
        } catch (const io::simulated_disk::powered_off&) {
        }
        const auto cut_again = disk->after_power_cut(io::power_cut::garble, seed);
        CHECK(payload_of(cut_again->content("/head")) != "nothing");
    }
}
