// SPDX-License-Identifier: MIT
#pragma once
// A folded state, kept beside the events it was folded from. A checked cache, never the truth.

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>

#include <cstdint>
#include <string>

namespace everfold {

/// What a store keeps for a fold of one stream, or of the whole log: then `stream` is empty, and
/// `at` has the number of `log_position`.
struct snapshot {
    std::string stream{};
    /// Which fold of the stream, where there are several.
    std::string fold{};
    /// The state holds the stream's events up to this one, and no later.
    revision at{};
    /// The log position of that event.
    position log_position{};
    /// layout_fingerprint() of the state's type, and the version its author declares for the fold.
    std::uint64_t layout{};
    std::uint32_t fold_version{};
    /// The state, as CBOR.
    byte_buffer state{};

    friend bool operator==(const snapshot&, const snapshot&) = default;
};

} // namespace everfold
