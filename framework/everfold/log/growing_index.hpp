// SPDX-License-Identifier: MIT
#pragma once
// The index of a segment in memory, made from its frames one after the other.

#include <everfold/log/frame_reader.hpp>
#include <everfold/log/names.hpp>
#include <everfold/log/number_slots.hpp>
#include <everfold/log/segment_index.hpp>
#include <everfold/log/short_list.hpp>
#include <everfold/log/stable_vector.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace everfold::log {

/// Threads: as stable_vector for what goes by number; the owner's lock for the rest.
class growing_index final : public segment_index {
public:
    enum class of : std::uint8_t { as_written, rewritten };

    explicit growing_index(position first, of kind = of::as_written)
        : segment_index{first}
        , sparse_{kind == of::rewritten ? make_sparse() : nullptr} {}

    /// Takes in a batch, or what remains of batches. A sentence where the records are not what a
    /// writer writes; then the index is of no use.
    [[nodiscard]] const char* add(const frame_view& frame, std::uint64_t chain_after);

    /// Of occurred_at, as in frame_entry; crossed where there is no event.
    [[nodiscard]] std::int64_t occurred_min_ns() const noexcept { return occurred_min_ns_; }

    [[nodiscard]] std::int64_t occurred_max_ns() const noexcept { return occurred_max_ns_; }

    [[nodiscard]] std::uint32_t event_count() const noexcept override {
        return static_cast<std::uint32_t>(offsets_8_.size());
    }

    [[nodiscard]] byte_offset offset_of(std::uint32_t ordinal) const override {
        return byte_offset{std::uint64_t{offsets_8_[ordinal]} * 8};
    }

    [[nodiscard]] std::size_t frame_count() const noexcept override { return frames_.size(); }

    [[nodiscard]] frame_entry frame(std::size_t i) const noexcept override { return frames_[i]; }

    [[nodiscard]] std::uint32_t stream_count() const noexcept override { return streams_.size(); }

    [[nodiscard]] std::uint32_t type_count() const noexcept override { return types_.size(); }

    [[nodiscard]] std::uint32_t tag_count() const noexcept override { return tags_.size(); }

    [[nodiscard]] stream_entry stream(std::uint32_t number) const override {
        return {streams_.text(number), bases_[number]};
    }

    [[nodiscard]] type_entry type(std::uint32_t number) const override {
        const auto& type = types_[number];
        return {type.name, type.version, type.format};
    }

    [[nodiscard]] std::string_view tag(std::uint32_t number) const override {
        return tags_.text(number);
    }

    [[nodiscard]] std::optional<std::uint32_t> find_stream(std::string_view name) const override {
        return streams_.find(name);
    }

    [[nodiscard]] std::optional<std::uint32_t> find_tag(std::string_view text) const override {
        return tags_.find(text);
    }

    [[nodiscard]] std::vector<std::uint32_t> find_streams_with(std::string_view prefix
    ) const override;

    [[nodiscard]] std::uint32_t count_of_stream(std::uint32_t number) const override {
        return by_stream_[number].size();
    }

    [[nodiscard]] std::uint32_t count_of_type(std::uint32_t number) const override {
        return static_cast<std::uint32_t>(by_type_[number].size());
    }

    [[nodiscard]] std::uint32_t count_of_tag(std::uint32_t number) const override {
        return static_cast<std::uint32_t>(by_tag_[number].size());
    }

    [[nodiscard]] std::uint32_t
    ordinal_in_stream(std::uint32_t number, std::uint32_t i) const override {
        return by_stream_[number][i];
    }

    /// Positions that the segment stands for, removed ones too.
    [[nodiscard]] std::uint64_t covered() const noexcept { return covered_; }

    /// Whether an event is of one of the log's own streams.
    [[nodiscard]] bool has_own_streams() const noexcept { return has_own_streams_; }

    [[nodiscard]] std::optional<std::uint32_t> find_append(const uuid& id) const override;
    [[nodiscard]] std::vector<append_entry> appends() const override;

    void append_stream(std::uint32_t number, ordinal_list& out) const override;
    void append_type(std::uint32_t number, ordinal_list& out) const override;
    void append_tag(std::uint32_t number, ordinal_list& out) const override;

    /// Without a copy: it lives as long as the owner's lock is held.
    [[nodiscard]] std::span<const std::uint32_t> tail(
        list_of kind, std::uint32_t number, std::uint32_t from, ordinal_list& buffer
    ) const override;

private:
    const char* add_names(const names_record& record);
    const char* add_event(const event_record& event, byte_offset at, std::uint64_t original);
    /// The index's number for the next name; nothing where a record may not call it `in_record`.
    [[nodiscard]] std::optional<std::uint32_t> next_number(
        std::uint32_t in_record,
        std::uint32_t count,
        std::vector<std::uint32_t> sparse_numbers::*names
    );
    [[nodiscard]] std::optional<std::uint32_t> number_of(
        std::uint32_t in_record,
        std::uint32_t count,
        const std::vector<std::uint32_t> sparse_numbers::*names
    ) const;

    sparse_numbers* sparse_; // the base's; null where nothing was removed
    std::uint64_t covered_{};
    bool has_own_streams_{};
    stable_vector<std::uint32_t> offsets_8_{}; // of each event's record
    stable_vector<frame_entry> frames_{};
    std::vector<append_entry> appends_{};
    number_slots appends_by_id_{}; // which of them
    name_table streams_{};
    stable_vector<std::uint64_t> bases_{};
    type_table types_{};
    name_table tags_{};
    std::vector<short_list> by_stream_{};
    std::vector<ordinal_list> by_type_{};
    std::vector<short_list> by_tag_{};
    std::int64_t occurred_min_ns_{std::numeric_limits<std::int64_t>::max()};
    std::int64_t occurred_max_ns_{std::numeric_limits<std::int64_t>::min()};
};

} // namespace everfold::log
