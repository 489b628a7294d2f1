// SPDX-License-Identifier: MIT
// The index of a sealed segment: what opens answers every question, or says that it is damaged; and
// written again it gives the same answers. The input: the file.

#include "fuzz.hpp"
#include "repairs.hpp"

#include <everfold/io/simulated.hpp>
#include <everfold/log/stored_index.hpp>

#include <algorithm>

namespace everfold::fuzz {

namespace {

using log::ordinal_list;
using log::segment_index;

std::shared_ptr<const segment_index> opened(bytes_view file, const log::index_identity& of) {
    io::simulated_disk disk{false};
    disk.set_content("/index", {file.begin(), file.end()});
    std::string why;
    auto index = log::open_stored_index(disk, "/index", of, why);
    require((index == nullptr) == !why.empty(), "an index that is refused comes with a reason");
    return index;
}

/// The index is of the segment that it says.
log::index_identity identity_in(bytes_view file) {
    log::index_identity of;
    std::copy_n(file.begin() + 16, 16, of.log_id.octets.begin());
    of.segment_id = load_le<std::uint64_t>(file.data() + 32);
    of.first = position{load_le<std::uint64_t>(file.data() + 40)};
    of.end = position{load_le<std::uint64_t>(file.data() + 48)};
    of.end_offset = byte_offset{load_le<std::uint64_t>(file.data() + 56)};
    of.chain_end = load_le<std::uint64_t>(file.data() + 64);
    of.event_count = load_le<std::uint32_t>(file.data() + 72);
    of.is_rewritten = load_le<std::uint32_t>(file.data() + 12) == 1;
    return of;
}

void require_list(const ordinal_list& list, std::uint32_t count, const segment_index& index) {
    require(list.size() == count, "a list is as long as it says");
    require(std::ranges::is_sorted(list), "a list ascends");
    require(list.empty() || list.back() < index.event_count(), "a list is of the index's events");
}

/// All that the index says, one after the other.
struct answers_of {
    std::vector<std::uint64_t> numbers{};
    std::vector<std::string> names{};

    friend bool operator==(const answers_of&, const answers_of&) = default;
};

void ask_of_events(const segment_index& index, answers_of& out) {
    for (std::uint32_t i = 0; i < index.event_count(); ++i) {
        out.numbers.push_back(index.offset_of(i).value());
        out.numbers.push_back(index.position_of(i).value());
        out.numbers.push_back(index.ordinal_from(index.position_of(i)));
        if (index.frame_count() > 0)
            out.numbers.push_back(index.frame_of(i, index.frame_count()));
    }
    for (std::size_t i = 0; i < index.frame_count(); ++i)
        out.numbers.push_back(index.frame(i).chain_after);
    for (const auto& append : index.appends()) {
        out.numbers.push_back(append.frame);
        out.numbers.push_back(index.find_append(append.id).value_or(0));
    }
}

void ask_of_names(const segment_index& index, answers_of& out) {
    ordinal_list list;
    for (std::uint32_t i = 0; i < index.stream_count(); ++i) {
        list.clear();
        index.append_stream(i, list);
        require_list(list, index.count_of_stream(i), index);
        out.numbers.insert(out.numbers.end(), list.begin(), list.end());
        const auto stream = index.stream(i);
        out.numbers.push_back(stream.base);
        out.names.emplace_back(stream.name);
        out.numbers.push_back(index.find_stream(stream.name).value_or(~0U));
        if (!list.empty()) {
            const auto last = static_cast<std::uint32_t>(list.size() - 1);
            require(index.ordinal_in_stream(i, last) == list.back(), "both ways to the last event");
            const auto r = index.revision_in_stream(i, last);
            out.numbers.push_back(index.first_in_stream_from(i, r));
        }
    }
    for (std::uint32_t i = 0; i < index.type_count(); ++i) {
        list.clear();
        index.append_type(i, list);
        require_list(list, index.count_of_type(i), index);
        out.names.emplace_back(index.type(i).name);
        out.numbers.push_back(index.type(i).version);
        out.numbers.push_back(index.find_types(index.type(i).name).size());
    }
    for (std::uint32_t i = 0; i < index.tag_count(); ++i) {
        list.clear();
        index.append_tag(i, list);
        require_list(list, index.count_of_tag(i), index);
        out.names.emplace_back(index.tag(i));
        ordinal_list buffer;
        const auto tail = index.tail(segment_index::list_of::tag, i, 1, buffer);
        require(tail.size() <= list.size(), "the tail of a list is a part of it");
    }
    for (const auto* prefix : {"", "a", "user"})
        out.numbers.push_back(index.find_streams_with(prefix).size());
}

} // namespace

void run(bytes_view input) {
    if (input.size() < 128) {
        static_cast<void>(opened(input, {}));
        return;
    }
    const auto of = identity_in(input);
    const auto index = opened(input, of);
    if (index == nullptr)
        return;
    // What is damaged in one place need not be in another.
    answers_of events;
    answers_of names;
    const bool has_events = answers([&] { ask_of_events(*index, events); });
    const bool has_names = answers([&] { ask_of_names(*index, names); });
    if (!has_events || !has_names)
        return;
    byte_buffer again;
    if (!answers([&] { again = log::encode(*index, of); }))
        return;
    const auto copy = opened(again, of);
    require(copy != nullptr, "an index that was written again opens");
    answers_of copied;
    ask_of_events(*copy, copied);
    require(copied == events, "an index that was written again knows the same events");
}

void repair(std::span<std::byte> input, std::uint32_t choice) {
    if (input.size() > 128 && !leaves_out(choice, 1))
        repair_end(input, load_le<std::uint64_t>(input.data() + 32), choice);
}

} // namespace everfold::fuzz
