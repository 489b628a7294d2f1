// SPDX-License-Identifier: MIT
#pragma once
// The bodies of the frames that only a rewritten segment has. docs/log_format.md, "Remains".

#include <everfold/base/bytes.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/log/frame_reader.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::log {

/// Events that are gone: counted from the frame's first position.
struct removed_run {
    std::uint32_t at{};
    std::uint32_t count{};

    friend bool operator==(const removed_run&, const removed_run&) = default;
};

inline constexpr std::size_t remains_prefix_size = 8 + append_id_size + 4 + 4;

/// What is left of one batch, or of several in a row of which nothing is left.
struct remains {
    std::uint64_t chain_after{};
    uuid append_id{};
    std::uint32_t frames{1};
    std::vector<removed_run> runs{}; ///< ascending, at least one
    bytes_view records{};            ///< of the events that are left, and names
};

/// Gives out the places of a frame that are left, past those that were removed. Places count from
/// the frame's first position.
class places_left {
public:
    explicit places_left(std::span<const removed_run> runs) noexcept
        : runs_{runs} {}

    /// That of the next event.
    [[nodiscard]] std::uint64_t next() noexcept {
        skip_removed();
        return at_++;
    }

    /// One past the last place; where runs are left that lie farther behind, none.
    [[nodiscard]] std::uint64_t end() noexcept {
        skip_removed();
        return runs_.empty() ? at_ : ~std::uint64_t{0};
    }

private:
    void skip_removed() noexcept {
        if (runs_.empty() || runs_.front().at != at_)
            return;
        at_ += runs_.front().count;
        runs_ = runs_.subspan(1);
    }

    std::span<const removed_run> runs_;
    std::uint64_t at_{};
};

[[nodiscard]] byte_buffer encode(const remains& r);

/// Nothing where the frame's body is not one.
[[nodiscard]] std::optional<remains> decode_remains(const frame_view& frame);

/// When and why a segment was rewritten.
struct provenance {
    std::int64_t at_ns{};
    std::uint64_t source_id{}; ///< the segment id before
    std::uint64_t removed_events{};
    std::uint64_t source_bytes{};
    std::string why{};

    friend bool operator==(const provenance&, const provenance&) = default;
};

inline constexpr std::size_t provenance_text_max = 4096;

[[nodiscard]] byte_buffer encode(const provenance& p);
[[nodiscard]] std::optional<provenance> decode_provenance(bytes_view body);

/// The chain after a batch or what remains of batches, where it is `before` in front of it.
[[nodiscard]] std::optional<std::uint64_t>
chain_through(const frame_view& frame, std::uint64_t before);

/// Of a batch, or of what remains of one; nil where it has none.
[[nodiscard]] uuid append_id_of(const frame_view& frame);

/// The records in a batch or in what remains of one; empty where there are none.
[[nodiscard]] bytes_view records_of(const frame_view& frame);

} // namespace everfold::log
