// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/segment_index.hpp>

#include <algorithm>
#include <limits>

namespace everfold::log {

segment_index::~segment_index() = default;

void segment_index::prefetch_stream(std::uint32_t /*number*/) const noexcept {}
void segment_index::prefetch_stream_name(std::uint32_t /*number*/) const noexcept {}

std::uint32_t segment_index::ordinal_from(position p) const noexcept {
    const auto offset = static_cast<std::uint32_t>(p - first_);
    return sparse_ == nullptr ? offset : sparse_->positions.dense_from(offset);
}

revision segment_index::revision_in_stream(std::uint32_t number, std::uint32_t i) const {
    std::uint64_t counted = i;
    if (sparse_ != nullptr) {
        if (const auto gaps = sparse_->revisions.find(number); gaps != sparse_->revisions.end())
            counted = gaps->second.original(i);
    }
    return revision{stream(number).base + counted};
}

std::uint64_t segment_index::first_in_stream_from(std::uint32_t number, revision r) const {
    const auto base = stream(number).base;
    if (r.value() <= base)
        return 0;
    const auto counted = r.value() - base;
    if (sparse_ == nullptr || counted > std::numeric_limits<std::uint32_t>::max())
        return counted;
    const auto gaps = sparse_->revisions.find(number);
    return gaps == sparse_->revisions.end()
               ? counted
               : gaps->second.dense_from(static_cast<std::uint32_t>(counted));
}

std::uint32_t segment_index::count_of_stream_before(std::uint32_t number, std::uint32_t end) const {
    if (end >= event_count())
        return count_of_stream(number);
    ordinal_list list;
    append_stream(number, list);
    return static_cast<std::uint32_t>(std::ranges::lower_bound(list, end) - list.begin());
}

std::span<const std::uint32_t> segment_index::tail(
    list_of kind, std::uint32_t number, std::uint32_t from, ordinal_list& buffer
) const {
    buffer.clear();
    switch (kind) {
    case list_of::stream:
        append_stream(number, buffer);
        break;
    case list_of::type:
        append_type(number, buffer);
        break;
    case list_of::tag:
        append_tag(number, buffer);
        break;
    }
    const auto begin = std::ranges::lower_bound(buffer, from) - buffer.begin();
    return std::span<const std::uint32_t>{buffer}.subspan(static_cast<std::size_t>(begin));
}

namespace {

std::uint32_t numbered(
    const std::vector<std::uint32_t> sparse_numbers::*names,
    const sparse_numbers* sparse,
    std::uint32_t in_record,
    std::uint32_t count
) {
    const auto number =
        sparse == nullptr ? in_record : sparse_numbers::find(sparse->*names, in_record);
    if (!number || *number >= count)
        throw error{errc::damaged, "a record has a stream, type or tag that has no name"};
    return *number;
}

} // namespace

std::uint32_t segment_index::stream_number(std::uint32_t in_record) const {
    return numbered(&sparse_numbers::streams, sparse_.get(), in_record, stream_count());
}

std::uint32_t segment_index::type_number(std::uint32_t in_record) const {
    return numbered(&sparse_numbers::types, sparse_.get(), in_record, type_count());
}

std::uint32_t segment_index::tag_number(std::uint32_t in_record) const {
    return numbered(&sparse_numbers::tags, sparse_.get(), in_record, tag_count());
}

std::size_t segment_index::frame_of(std::uint32_t ordinal, std::size_t count) const {
    // The last of the frames that begin at or before the event: in [low, high).
    std::size_t low = 0;
    std::size_t high = count;
    // Where appends are of one size, it is at or near the same share of the frames.
    const auto all = event_count();
    if (all > 0 && count > 1) {
        const auto share = std::uint64_t{ordinal} * frame_count() / all;
        const auto guess = static_cast<std::size_t>(std::min<std::uint64_t>(share, count - 1));
        std::size_t step = 1;
        if (frame(guess).first_ordinal <= ordinal) {
            low = guess;
            while (low + step < count && frame(low + step).first_ordinal <= ordinal) {
                low += step;
                step *= 2;
            }
            high = std::min(count, low + step);
        } else {
            high = guess;
            while (step < high && frame(high - step).first_ordinal > ordinal) {
                high -= step;
                step *= 2;
            }
            low = step < high ? high - step : 0;
        }
    }
    while (high - low > 1) {
        const auto middle = low + (high - low) / 2;
        (frame(middle).first_ordinal <= ordinal ? low : high) = middle;
    }
    return low;
}

std::vector<std::uint32_t> segment_index::find_types(std::string_view name) const {
    std::vector<std::uint32_t> out;
    for (std::uint32_t i = 0; i < type_count(); ++i) {
        if (type(i).name == name)
            out.push_back(i);
    }
    return out;
}

} // namespace everfold::log
