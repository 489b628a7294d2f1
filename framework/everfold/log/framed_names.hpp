// SPDX-License-Identifier: MIT
#pragma once
// The names of a segment's streams and tags, for who writes it: the index knows those of the frames
// that are in it, and what is on its way there is kept here.

#include <everfold/log/growing_index.hpp>
#include <everfold/log/names.hpp>
#include <everfold/log/number_slots.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace everfold::log {

/// Where a stream stands in the active segment.
struct stream_head {
    std::uint64_t next_revision{};
    std::uint32_t next_in_segment{};
    std::uint64_t last_record_at{}; // 0: none here
};

/// What one group of frames brings.
class framed_names {
public:
    /// Nothing is left, and the next names get these numbers.
    void restart(std::uint32_t first_stream, std::uint32_t first_tag) {
        first_stream_ = first_stream;
        first_tag_ = first_tag;
        if (streams_.size() > 0)
            streams_ = {};
        if (tags_.size() > 0)
            tags_ = {};
        if (heads_.capacity() > heads_kept_max)
            heads_ = {};
        heads_.clear();
        places_.clear();
    }

    [[nodiscard]] std::optional<std::uint32_t> find_stream(std::string_view name) const {
        return behind(first_stream_, streams_.find(name));
    }

    [[nodiscard]] std::optional<std::uint32_t> find_tag(std::string_view text) const {
        return behind(first_tag_, tags_.find(text));
    }

    [[nodiscard]] std::uint32_t add_stream(std::string_view name) {
        return first_stream_ + streams_.intern(name);
    }

    [[nodiscard]] std::uint32_t add_tag(std::string_view text) {
        return first_tag_ + tags_.intern(text);
    }

    [[nodiscard]] std::uint32_t next_stream() const noexcept {
        return first_stream_ + streams_.size();
    }

    [[nodiscard]] std::uint32_t next_tag() const noexcept { return first_tag_ + tags_.size(); }

    /// Nothing for a name from before.
    [[nodiscard]] std::optional<std::string_view> stream(std::uint32_t number) const noexcept {
        if (number < first_stream_ || number >= next_stream())
            return {};
        return streams_.text(number - first_stream_);
    }

    [[nodiscard]] std::optional<std::string_view> tag(std::uint32_t number) const noexcept {
        if (number < first_tag_ || number >= next_tag())
            return {};
        return tags_.text(number - first_tag_);
    }

    /// Of streams that events of the group are in, or may be.
    [[nodiscard]] const stream_head* head(std::uint32_t number) const {
        const auto at = place_of(number);
        return at ? &heads_[*at].head : nullptr;
    }

    /// It stays where it is until the next call.
    [[nodiscard]] stream_head& head_of(std::uint32_t number) {
        if (const auto at = place_of(number))
            return heads_[*at].head;
        places_.make_room(); // the table names no head that is not there
        heads_.push_back({number, {}});
        places_.add(spread(number), static_cast<std::uint32_t>(heads_.size() - 1));
        return heads_.back().head;
    }

private:
    static constexpr std::size_t heads_kept_max = 4096;

    static std::optional<std::uint32_t>
    behind(std::uint32_t first, std::optional<std::uint32_t> found) noexcept {
        return found ? std::optional{first + *found} : std::nullopt;
    }

    struct numbered_head {
        std::uint32_t stream{};
        stream_head head{};
    };

    // Neighbours come together, and must not meet in the table.
    static std::uint64_t spread(std::uint32_t number) noexcept {
        return (number * 0x9E3779B97F4A7C15ULL) >> 32U;
    }

    [[nodiscard]] std::optional<std::uint32_t> place_of(std::uint32_t number) const {
        return places_.find(spread(number), [&](std::uint32_t at) {
            return heads_[at].stream == number;
        });
    }

    std::uint32_t first_stream_{};
    std::uint32_t first_tag_{};
    name_table streams_{};
    name_table tags_{};
    number_slots places_{}; // in heads_
    std::vector<numbered_head> heads_{};
};

} // namespace everfold::log
