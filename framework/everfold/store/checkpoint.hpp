// SPDX-License-Identifier: MIT
#pragma once
// How far a log was handled, for one who goes on after a restart.

#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace everfold {

/// Everything before `next` in this log was handled. Made and confirmed by a store.
struct checkpoint {
    uuid log_id{};
    position next{};
    /// The log's chain after the append that holds the event before `next`, so that another history
    /// is told from this one; the positions inside one append have the same. 0 at the beginning,
    /// and where that event was removed for good.
    std::uint64_t digest{};

    /// One line of printable text without its end, with a checksum of its own.
    [[nodiscard]] std::string to_string() const;

    /// Reads exactly what to_string() writes. Failure: errc::invalid, with what is wrong;
    /// errc::unsupported where a newer version wrote it.
    [[nodiscard]] static checkpoint parse(std::string_view text);

    friend bool operator==(const checkpoint&, const checkpoint&) = default;
};

} // namespace everfold
