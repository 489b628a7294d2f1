// SPDX-License-Identifier: MIT
#pragma once
// A piece of a segment, taken apart into columns that compress well, and put together again.
// docs/log_format.md, "Columns".
//
// What is packed unpacks to the same bytes, whatever they are: what is not understood is kept as it
// is. What is unpacked may be anything: nothing beyond the size that the caller names is written,
// and the work is linear in it.

#include <everfold/base/bytes.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace everfold::log {

/// Packs the pieces of one segment, which it must see in order and without a gap.
class column_packer {
public:
    column_packer();
    ~column_packer();
    column_packer(const column_packer&) = delete;
    column_packer& operator=(const column_packer&) = delete;
    column_packer(column_packer&&) = delete;
    column_packer& operator=(column_packer&&) = delete;

    /// Nothing where columns do not fit the piece.
    [[nodiscard]] std::optional<byte_buffer> pack(bytes_view piece, std::uint64_t at, int level);

private:
    class state;
    std::unique_ptr<state> state_;
};

/// Fills `into`. False where `packed` is not what makes exactly as many bytes.
[[nodiscard]] bool unpack_columns(bytes_view packed, std::span<std::byte> into);

} // namespace everfold::log
