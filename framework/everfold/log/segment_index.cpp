// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/segment_index.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace everfold::log {

namespace {

/// The union of lists of ordinals, each ascending.
class ordinal_union {
public:
    /// `append` appends one list to what it is given.
    template <class Append>
    void add(const Append& append) {
        const auto before = all_.size();
        append(all_);
        if (before == 0 || before == all_.size())
            return;
        is_ascending_ = is_ascending_ && all_[before - 1] < all_[before];
    }

    [[nodiscard]] ordinal_list take() {
        if (!is_ascending_) {
            std::ranges::sort(all_);
            const auto same = std::ranges::unique(all_);
            all_.erase(same.begin(), same.end());
        }
        return std::move(all_);
    }

private:
    ordinal_list all_{};
    bool is_ascending_{true};
};

/// Every event at first; each list leaves those that are in it, too.
class candidates {
public:
    void narrow(ordinal_list with) {
        if (!is_narrowed_) {
            list_ = std::move(with);
            is_narrowed_ = true;
            return;
        }
        ordinal_list both;
        std::ranges::set_intersection(list_, with, std::back_inserter(both));
        list_ = std::move(both);
    }

    [[nodiscard]] ordinal_list take(std::uint32_t count) {
        if (!is_narrowed_) {
            list_.resize(count);
            for (std::uint32_t i = 0; i < count; ++i)
                list_[i] = i;
        }
        list_.erase(std::ranges::lower_bound(list_, count), list_.end());
        return std::move(list_);
    }

private:
    bool is_narrowed_{};
    ordinal_list list_{};
};

ordinal_list of_streams(const segment_index& index, const selection_item::stream_names& names) {
    std::vector<std::uint32_t> numbers;
    for (const auto& name : names.exact) {
        if (const auto number = index.find_stream(name))
            numbers.push_back(*number);
    }
    for (const auto& prefix : names.prefixes) {
        const auto more = index.find_streams_with(prefix);
        numbers.insert(numbers.end(), more.begin(), more.end());
    }
    ordinal_union any;
    for (const auto number : numbers)
        any.add([&](ordinal_list& out) { index.append_stream(number, out); });
    return any.take();
}

ordinal_list of_types(const segment_index& index, const std::vector<std::string>& names) {
    ordinal_union any;
    for (const auto& name : names) {
        for (const auto number : index.find_types(name))
            any.add([&](ordinal_list& out) { index.append_type(number, out); });
    }
    return any.take();
}

ordinal_list
matches_of_one(const segment_index& index, const selection_item& item, std::uint32_t count) {
    candidates left;
    for (const auto& tag : item.tags) {
        const auto number = index.find_tag(tag);
        if (!number)
            return {};
        ordinal_list tagged;
        index.append_tag(*number, tagged);
        left.narrow(std::move(tagged));
    }
    if (item.streams)
        left.narrow(of_streams(index, *item.streams));
    if (!item.types.empty())
        left.narrow(of_types(index, item.types));
    return left.take(count);
}

} // namespace

segment_index::~segment_index() = default;

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
    // The last of the frames that begin at or before the event.
    std::size_t low = 0;
    std::size_t high = count;
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

ordinal_list find_matches(
    const segment_index& index, const std::vector<selection_item>& items, std::uint32_t count
) {
    if (items.size() == 1)
        return matches_of_one(index, items.front(), count);
    ordinal_union any;
    for (const auto& item : items) {
        any.add([&](ordinal_list& out) {
            const auto one = matches_of_one(index, item, count);
            out.insert(out.end(), one.begin(), one.end());
        });
    }
    return any.take();
}

} // namespace everfold::log
