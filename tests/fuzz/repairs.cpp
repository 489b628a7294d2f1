// SPDX-License-Identifier: MIT
#include "repairs.hpp"

#include <xxhash.h>

#include <algorithm>
#include <string_view>

namespace everfold::fuzz {

namespace {

std::uint64_t sum(bytes_view bytes, std::uint64_t seed) noexcept {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

/// Lengths of records, and how many are events.
std::uint32_t repair_records(std::span<std::byte> records, std::uint32_t choice) {
    std::uint32_t events = 0;
    while (records.size() >= 24) {
        auto length = load_le<std::uint32_t>(records.data());
        if (!leaves_out(choice, 0)) {
            if (length % 8 != 0 || length < 24 || length > records.size() ||
                (records.size() - length != 0 && records.size() - length < 24))
                length = static_cast<std::uint32_t>(records.size());
            store_le(records.data(), length);
        }
        if (length < 24 || length > records.size())
            break;
        if (load_le<std::uint16_t>(records.data() + 4) != 0xFFFF)
            ++events;
        records = records.subspan(length);
    }
    return events;
}

std::size_t records_in(bytes_view body, unsigned kind) {
    if (kind == 1)
        return 16;
    const std::size_t runs = body.size() < 32 ? 0 : load_le<std::uint32_t>(body.data() + 28);
    return runs > body.size() / 8 ? body.size() : 32 + 8 * runs;
}

struct frame_links {
    std::uint64_t next{};
    std::uint64_t chain{};
    std::uint64_t frames{};
    std::uint32_t epoch{};
    std::int64_t recorded{};
};

void repair_body(
    std::span<std::byte> body, std::byte* header, frame_links& l, std::uint32_t choice
) {
    const auto kind = load_le<std::uint16_t>(header + 4);
    if ((kind == 1 || kind == 4) && records_in(body, kind) <= body.size()) {
        const auto events = repair_records(body.subspan(records_in(body, kind)), choice);
        if (kind == 1 && !leaves_out(choice, 1))
            store_le(header + 12, events);
    }
    if (kind == 3 && body.size() == 32 && !leaves_out(choice, 2)) {
        store_le(body.data(), std::uint64_t{0});
        store_le(body.data() + 8, l.next);
        store_le(body.data() + 16, l.chain);
        store_le(body.data() + 24, l.frames);
    }
}

void repair_links(std::byte* header, const frame_links& l, std::uint32_t choice) {
    if (!leaves_out(choice, 3))
        store_le(header + 16, l.next);
    if (!leaves_out(choice, 4))
        store_le(header + 28, static_cast<std::uint32_t>(l.chain));
    if (!leaves_out(choice, 5)) {
        store_le(header + 24, std::max(l.epoch, load_le<std::uint32_t>(header + 24)));
        store_le(header + 40, std::max(l.recorded, load_le<std::int64_t>(header + 40)));
    }
}

void follow(frame_links& l, const std::byte* header, bytes_view body) {
    const auto kind = load_le<std::uint16_t>(header + 4);
    if (kind == 1) {
        std::array<std::byte, 16> link{};
        store_le(link.data(), l.chain);
        store_le(link.data() + 8, load_le<std::uint64_t>(header + 48));
        l.chain = sum(link, 0);
    } else if (kind == 4 && body.size() >= 8) {
        l.chain = load_le<std::uint64_t>(body.data());
    }
    if (kind == 1 || kind == 4)
        l.next += load_le<std::uint32_t>(header + 12);
    l.epoch = load_le<std::uint32_t>(header + 24);
    l.recorded = load_le<std::int64_t>(header + 40);
    ++l.frames;
}

} // namespace

std::uint64_t frames_seed() noexcept {
    std::array<std::byte, 24> name{};
    std::ranges::copy(log_octets, name.begin());
    store_le(name.data() + 16, segment_id);
    return sum(name, 0);
}

void repair_frames(std::span<std::byte> frames, std::uint32_t choice) {
    frame_links links;
    const auto seed = frames_seed();
    for (std::size_t at = 0; frames.size() - at >= 72;) {
        auto* header = frames.data() + at;
        const auto room = (frames.size() - at - 72) & ~std::size_t{7};
        std::size_t length = load_le<std::uint32_t>(header + 8);
        if (length > room || length % 8 != 0)
            length = room;
        store_le(header, std::uint32_t{0x4D52'4645});
        store_le(header + 6, std::uint16_t{0});
        if (const auto kind = load_le<std::uint16_t>(header + 4); kind < 1 || kind > 5)
            store_le(header + 4, std::uint16_t{1});
        store_le(header + 8, static_cast<std::uint32_t>(length));
        const auto body = frames.subspan(at + 64, length);
        repair_body(body, header, links, choice);
        repair_links(header, links, choice);
        if (!leaves_out(choice, 6) || at + 72 + length < frames.size())
            store_le(header + 48, sum(body, load_le<std::uint64_t>(header + 16)));
        if (!leaves_out(choice, 7) || at + 72 + length < frames.size())
            store_le(header + 56, sum({header, 56}, seed + frames_at + at));
        if (!leaves_out(choice, 8) || at + 72 + length < frames.size()) {
            store_le(header + 64 + length, static_cast<std::uint32_t>(72 + length));
            store_le(header + 68 + length, ~static_cast<std::uint32_t>(72 + length));
        }
        follow(links, header, body);
        at += 72 + length;
    }
}

void repair_slots(std::span<std::byte> file, char kind, std::uint32_t choice) {
    constexpr std::string_view magic{"\x89"
                                     "EVF\r\n\x1A"};
    const auto half = file.size() / 2;
    for (std::size_t slot = 0; slot < 2; ++slot) {
        const auto at = file.subspan(slot * half, half);
        if (at.size() < 48 || leaves_out(choice, static_cast<unsigned>(slot)))
            continue;
        std::ranges::copy(as_bytes(magic), at.begin());
        at[7] = static_cast<std::byte>(kind);
        std::ranges::copy(log_octets, at.begin() + 24);
        const auto length =
            std::min<std::size_t>(load_le<std::uint32_t>(at.data() + 16), half - 48);
        store_le(at.data() + 16, static_cast<std::uint32_t>(length));
        if (!leaves_out(choice, 2))
            store_le(at.data() + 20, static_cast<std::uint32_t>(half));
        store_le(at.data() + 40 + length, sum(at.first(40 + length), 0));
    }
}

void repair_end(std::span<std::byte> file, std::uint64_t seed, std::uint32_t choice) {
    if (file.size() < 8 || leaves_out(choice, 0))
        return;
    const auto covered = file.first(file.size() - 8);
    store_le(file.data() + covered.size(), sum(covered, seed));
}

void repair_archive(std::span<std::byte> file, std::uint32_t choice) {
    constexpr std::size_t trailer_size = 64;
    constexpr std::size_t piece_size = 256 * 1024;
    if (file.size() < trailer_size || leaves_out(choice, 0))
        return;
    // Blocks from the front as far as they are blocks; then the list, of as many as it has room
    // for.
    const auto trailer = file.last(trailer_size);
    std::size_t blocks = 0;
    std::size_t at = 0;
    const std::size_t wanted =
        std::max<std::uint32_t>(load_le<std::uint32_t>(trailer.data() + 40), 1);
    const auto room = (file.size() - trailer_size) / 8;
    const auto count = std::min(wanted, room);
    const auto list = file.last(trailer_size + 8 * count).first(8 * count);
    const auto data = file.first(file.size() - trailer_size - 8 * count);
    while (blocks < count && data.size() - at >= 32) {
        auto* header = data.data() + at;
        std::size_t stored = load_le<std::uint32_t>(header + 4);
        const auto left = (data.size() - at - 32) & ~std::size_t{7};
        if (!leaves_out(choice, 1) && (blocks + 1 == count || aligned_8(stored) > left)) {
            stored = aligned_8(stored) == left ? stored : left;
            store_le(header + 4, static_cast<std::uint32_t>(stored));
        }
        if (aligned_8(stored) > left)
            break;
        const auto raw_at = blocks * piece_size;
        if (!leaves_out(choice, 2)) {
            store_le(header, std::uint32_t{0x4B4C'4245});
            store_le(header + 16, std::uint64_t{raw_at});
            store_le(header + 24, sum({header + 32, stored}, segment_id + raw_at));
        }
        if (!leaves_out(choice, 3)) {
            const auto size = load_le<std::uint64_t>(trailer.data() + 32);
            store_le(
                header + 8,
                static_cast<std::uint32_t>(std::min<std::uint64_t>(piece_size, size - raw_at))
            );
        }
        std::fill_n(header + 32 + stored, aligned_8(stored) - stored, std::byte{0});
        if (!leaves_out(choice, 4))
            store_le(list.data() + 8 * blocks, std::uint64_t{at});
        at += 32 + aligned_8(stored);
        ++blocks;
    }
    constexpr std::string_view magic{
        "\x89"
        "EVZ\r\n\x1A\0",
        8};
    std::ranges::copy(as_bytes(magic), trailer.begin());
    std::ranges::copy(log_octets, trailer.begin() + 8);
    store_le(trailer.data() + 24, segment_id);
    store_le(trailer.data() + 40, static_cast<std::uint32_t>(count));
    store_le(trailer.data() + 44, static_cast<std::uint32_t>(piece_size));
    store_le(trailer.data() + 48, std::uint64_t{data.size()});
    store_le(
        trailer.data() + 56, sum(file.last(trailer_size + 8 * count).first(56 + 8 * count), 0)
    );
}

} // namespace everfold::fuzz
