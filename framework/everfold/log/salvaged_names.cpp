// SPDX-License-Identifier: MIT
#include <everfold/base/bytes.hpp>
#include <everfold/log/salvaged_names.hpp>

namespace everfold::log {

namespace {

template <class Names>
const typename Names::mapped_type* find_in(const Names& names, std::uint32_t number) {
    const auto found = names.find(number);
    return found == names.end() ? nullptr : &found->second;
}

} // namespace

void salvaged_names::learn(const segment_index& index) {
    const auto in_record = [&](auto numbers, std::uint32_t number) {
        return index.sparse() == nullptr ? number : (index.sparse()->*numbers)[number];
    };
    for (std::uint32_t i = 0; i < index.stream_count(); ++i)
        streams_[in_record(&sparse_numbers::streams, i)] = {
            std::string{index.stream(i).name}, index.stream(i).base};
    for (std::uint32_t i = 0; i < index.type_count(); ++i)
        types_[in_record(&sparse_numbers::types, i)] = {
            std::string{index.type(i).name}, index.type(i).version};
    for (std::uint32_t i = 0; i < index.tag_count(); ++i)
        tags_[in_record(&sparse_numbers::tags, i)] = std::string{index.tag(i)};
}

bool salvaged_names::learn(const names_record& record) {
    if (!is_utf8(record.name))
        return false;
    switch (record.kind) {
    case name_kind::stream:
        streams_[record.number] = {std::string{record.name}, record.base};
        return true;
    case name_kind::type:
        if (record.base != static_cast<std::uint64_t>(payload_format::cbor))
            return false;
        types_[record.number] = {std::string{record.name}, record.version};
        return true;
    case name_kind::tag:
        tags_[record.number] = std::string{record.name};
        return true;
    }
    return false;
}

const salvaged_names::stream* salvaged_names::find_stream(std::uint32_t number) const {
    return find_in(streams_, number);
}

const salvaged_names::type* salvaged_names::find_type(std::uint32_t number) const {
    return find_in(types_, number);
}

const std::string* salvaged_names::find_tag(std::uint32_t number) const {
    return find_in(tags_, number);
}

} // namespace everfold::log
