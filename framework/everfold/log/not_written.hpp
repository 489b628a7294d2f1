// SPDX-License-Identifier: MIT
#pragma once
// Between the source files of the writer.

#include <everfold/log/log_writer.hpp>

namespace everfold::log {

/// Frames for which there was no room: they are in no file, and the writer can go on.
struct log_writer::not_written {
    io_error why;
};

/// What a writer of this level may have written and not synced.
[[nodiscard]] std::uint64_t
in_flight_max_at(const durability& level, const size_limits& limits) noexcept;

} // namespace everfold::log
