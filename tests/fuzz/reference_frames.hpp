// SPDX-License-Identifier: MIT
#pragma once
// A second reader of frames, written from log_format.md alone and sharing nothing with the
// framework. It is plain and slow: every number is looked up where the page says that it stands.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace everfold::fuzz::reference {

struct event {
    std::uint64_t position{};
    std::uint64_t record_at{}; ///< in the segment
    std::uint64_t revision{};
    std::string stream{};
    std::string type{};
    std::uint32_t version{};
    std::vector<std::string> tags{};
    std::int64_t recorded_ns{};
    std::int64_t occurred_seconds{};
    std::uint32_t occurred_nanoseconds{};
    std::string ids{}; ///< of the event, correlation, causation: 48 bytes
    std::string metadata{};
    std::string payload{};

    friend bool operator==(const event&, const event&) = default;
};

struct segment {
    std::uint64_t at{4096}; ///< where the first frame that does not check would begin
    std::uint64_t next{};
    std::uint64_t chain{};
    std::uint64_t frames{};
    std::uint64_t watermark{};
    std::uint32_t epoch{};
    std::int64_t recorded_ns{};
    bool is_sealed{};
    bool is_malformed{}; ///< a batch checks, and its records are not well-formed
    std::vector<event> events{};
};

/// The first segment of a log: `file` begins with 4,096 bytes of header, which are not looked at.
[[nodiscard]] segment read(
    std::span<const std::byte> file,
    std::uint64_t seed,
    std::uint32_t batch_bytes_max,
    bool is_rewritten
);

/// Whether the 64 bytes at `at` were written as a header for this place.
[[nodiscard]] bool is_header(std::span<const std::byte> file, std::uint64_t at, std::uint64_t seed);

} // namespace everfold::fuzz::reference
