// SPDX-License-Identifier: MIT
#pragma once
// The index of a segment in memory, made from its frames one after the other; it may begin where
// a stored one ends.

#include <everfold/log/frame_reader.hpp>
#include <everfold/log/grown_lists.hpp>
#include <everfold/log/names.hpp>
#include <everfold/log/number_slots.hpp>
#include <everfold/log/segment_index.hpp>
#include <everfold/log/stable_vector.hpp>

#include <cstdint>
#include <memory>
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

    /// Goes on behind the events of `before`, an index of the first frames of the same segment,
    /// which was never rewritten. What is asked about those, `before` answers.
    growing_index(std::shared_ptr<const segment_index> before, const index_summary& summary);

    /// Takes in a batch, or what remains of batches. A sentence where the records are not what a
    /// writer writes; then the index is of no use.
    [[nodiscard]] const char* add(const frame_view& frame, std::uint64_t chain_after);

    [[nodiscard]] const index_summary& summary() const noexcept { return summary_; }

    [[nodiscard]] std::uint32_t event_count() const noexcept override {
        return before_.events + static_cast<std::uint32_t>(offsets_8_.size());
    }

    [[nodiscard]] byte_offset offset_of(std::uint32_t ordinal) const override {
        if (ordinal < before_.events)
            return before_.index->offset_of(ordinal);
        return byte_offset{std::uint64_t{offsets_8_[ordinal - before_.events]} * 8};
    }

    [[nodiscard]] std::size_t frame_count() const noexcept override {
        return before_.frames + frames_.size();
    }

    [[nodiscard]] frame_entry frame(std::size_t i) const noexcept override {
        return i < before_.frames ? before_.index->frame(i) : frames_[i - before_.frames];
    }

    [[nodiscard]] std::uint32_t stream_count() const noexcept override {
        return before_.streams + streams_.size();
    }

    [[nodiscard]] std::uint32_t type_count() const noexcept override { return types_.size(); }

    [[nodiscard]] std::uint32_t tag_count() const noexcept override {
        return before_.tags + tags_.size();
    }

    [[nodiscard]] stream_entry stream(std::uint32_t number) const override {
        if (number < before_.streams)
            return before_.index->stream(number);
        return {streams_.text(number - before_.streams), bases_[number - before_.streams]};
    }

    [[nodiscard]] type_entry type(std::uint32_t number) const override {
        const auto& type = types_[number];
        return {type.name, type.version, type.format};
    }

    [[nodiscard]] std::string_view tag(std::uint32_t number) const override {
        return number < before_.tags ? before_.index->tag(number)
                                     : tags_.text(number - before_.tags);
    }

    [[nodiscard]] std::optional<std::uint32_t> find_stream(std::string_view name) const override;
    [[nodiscard]] std::optional<std::uint32_t> find_tag(std::string_view text) const override;
    [[nodiscard]] std::vector<std::uint32_t> find_streams_with(std::string_view prefix
    ) const override;

    [[nodiscard]] std::uint32_t count_of_stream(std::uint32_t number) const override;
    [[nodiscard]] std::uint32_t count_of_type(std::uint32_t number) const override;
    [[nodiscard]] std::uint32_t count_of_tag(std::uint32_t number) const override;
    [[nodiscard]] std::uint32_t
    ordinal_in_stream(std::uint32_t number, std::uint32_t i) const override;
    [[nodiscard]] std::uint32_t
    count_of_stream_before(std::uint32_t number, std::uint32_t end) const override;

    /// Positions that the segment stands for, removed ones too.
    [[nodiscard]] std::uint64_t covered() const noexcept { return covered_; }

    [[nodiscard]] std::optional<std::uint32_t> find_append(const uuid& id) const override;
    [[nodiscard]] std::vector<append_entry> appends() const override;

    void append_stream(std::uint32_t number, ordinal_list& out) const override;
    void append_type(std::uint32_t number, ordinal_list& out) const override;
    void append_tag(std::uint32_t number, ordinal_list& out) const override;

    /// Without a copy, unless it begins before the end of the index that this one goes on from: it
    /// lives as long as the owner's lock is held.
    [[nodiscard]] std::span<const std::uint32_t> tail(
        list_of kind, std::uint32_t number, std::uint32_t from, ordinal_list& buffer
    ) const override;

private:
    /// The index that this one goes on from, and how many of each it holds.
    struct beginning {
        std::shared_ptr<const segment_index> index{};
        std::uint32_t events{};
        std::size_t frames{};
        std::uint32_t streams{};
        std::uint32_t types{};
        std::uint32_t tags{};
    };

    /// Has the processor fetch what add_event() will look at of the events' streams.
    void look_ahead(bytes_view records) const noexcept;
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
    beginning before_{};
    std::uint64_t covered_{};
    index_summary summary_{};
    stable_vector<std::uint32_t> offsets_8_{}; // of each event's record
    stable_vector<frame_entry> frames_{};
    std::vector<append_entry> appends_{};
    number_slots appends_by_id_{}; // which of them
    name_table streams_{};
    stable_vector<std::uint64_t> bases_{};
    type_table types_{}; // those from before, too: they are few
    name_table tags_{};
    grown_lists by_stream_{};
    grown_lists by_type_{};
    grown_lists by_tag_{};
};

} // namespace everfold::log
