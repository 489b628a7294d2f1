// SPDX-License-Identifier: MIT
#include <everfold/event/event.hpp>
#include <everfold/store/compaction_record.hpp>

#include <utility>

namespace everfold {

namespace {

struct compacted {
    static constexpr std::string_view event_type = "$compacted";
    std::string stream{};
    std::uint64_t up_to{};
    std::uint64_t segments{};
    std::uint64_t events{};
    std::uint64_t bytes_before{};
    std::uint64_t bytes_after{};
    std::string why{};
};

} // namespace

new_event compacted_event(const compaction_record& said) {
    return encoded(compacted{
        said.stream,
        said.up_to.value(),
        said.segments,
        said.events,
        said.bytes_before,
        said.bytes_after,
        said.why});
}

std::optional<compaction_record>
compaction_of(std::string_view type, bytes_view payload, position at, timestamp recorded_at) {
    if (type != compacted::event_type)
        return {};
    auto e = decode_as<compacted>(payload);
    return compaction_record{
        .at = recorded_at,
        .recorded = at,
        .stream = std::move(e.stream),
        .up_to = revision{e.up_to},
        .segments = e.segments,
        .events = e.events,
        .bytes_before = e.bytes_before,
        .bytes_after = e.bytes_after,
        .why = std::move(e.why)};
}

} // namespace everfold
