// SPDX-License-Identifier: MIT
// Columns: anything unpacks or does not, and whatever was packed unpacks to itself. The input: u32
// size of what is unpacked, and columns; or, where the size's highest bit is set, a piece to pack.

#include "fuzz.hpp"
#include "repairs.hpp"

#include <everfold/log/columns.hpp>

#include <algorithm>

namespace everfold::fuzz {

namespace {

void require_round_trip(bytes_view piece) {
    log::column_packer packer;
    const auto packed = packer.pack(piece, 0, 1);
    if (!packed)
        return;
    byte_buffer again(piece.size());
    require(log::unpack_columns(*packed, again), "what was packed unpacks");
    require(std::ranges::equal(again, piece), "what was packed unpacks to the same bytes");
}

} // namespace

void run(bytes_view input) {
    input_reader in{input};
    const auto size = in.number<std::uint32_t>();
    if (size >> 31U != 0) {
        require_round_trip(in.rest());
        return;
    }
    byte_buffer piece(size % (64 * 1024));
    if (log::unpack_columns(in.rest(), piece))
        require_round_trip(piece);
}

void repair(std::span<std::byte> input, std::uint32_t choice) {
    if (input.size() > 4 && load_le<std::uint32_t>(input.data()) >> 31U != 0) {
        // A segment's bytes, header and all.
        if (input.size() > 4 + frames_at)
            repair_frames(input.subspan(4 + frames_at), choice);
    }
}

} // namespace everfold::fuzz
