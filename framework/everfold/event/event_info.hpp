// SPDX-License-Identifier: MIT
#pragma once
// What an apply() may know of an event beside its fields: the same while deciding and on every
// replay.

#include <everfold/base/bytes.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>

#include <cstdint>
#include <string_view>

namespace everfold {

/// Views are valid during the call only. Position, event id and the time of recording are missing
/// on purpose: they are known after the append, and a fold must not depend on them.
struct event_info {
    std::string_view stream{};
    everfold::revision stream_revision{};
    std::string_view type{};
    std::uint32_t version{1};
    timestamp occurred_at{};
    bytes_view metadata{}; // a CBOR map, or empty
};

} // namespace everfold
