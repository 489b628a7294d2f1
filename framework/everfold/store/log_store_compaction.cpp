// SPDX-License-Identifier: MIT
// Moving what a snapshot covers into the archive, and saying so. docs/rewriting/archive.md.

#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/log_cursor.hpp>
#include <everfold/store/log_store.hpp>

#include <array>
#include <mutex>
#include <string>
#include <utility>

namespace everfold {

archive_report log_store::archive(std::string_view stream, revision up_to, std::string_view why) {
    if (why.size() > log::provenance_text_max)
        throw error{errc::invalid, "the reason of a compaction takes at most 4,096 bytes"};
    archive_report out;
    out.bytes_before = log_->stored_bytes();
    const auto done = log_->archive([&](const log::segment_index& segment) {
        const auto number = segment.find_stream(stream);
        return number && segment.stream(*number).base <= up_to.value();
    });
    out.segments = done.segments;
    out.events = done.events;
    out.bytes_after = log_->stored_bytes();
    if (done.segments == 0 || why.empty())
        return out;
    const std::unique_lock no_appends{ruling_};
    const auto said = compacted_event({
        .stream = std::string{stream},
        .up_to = up_to,
        .segments = out.segments,
        .events = out.events,
        .bytes_before = out.bytes_before,
        .bytes_after = out.bytes_after,
        .why = std::string{why},
    });
    const std::array<log::draft, 1> record{log::draft{
        .stream = compactions_stream,
        .type = said.type,
        .version = said.version,
        .payload = said.payload,
    }};
    const auto placed = log_->append(record, {}, [](const log::stream_heads&) { return true; });
    check(placed.has_value(), "nothing stands against the record of a compaction");
    return out;
}

std::vector<compaction_record> log_store::compactions() {
    std::vector<compaction_record> out;
    const auto& index = log_->index();
    log::selection wanted{};
    wanted.items.emplace_back().streams =
        log::selection_item::stream_names{.exact = {std::string{compactions_stream}}};
    log::log_cursor cursor{index, std::move(wanted)};
    while (const auto* event = cursor.next()) {
        auto record = compaction_of(
            index.type(event->type).name,
            event->record.payload,
            event->at,
            timestamp::from_nanoseconds(event->record.recorded_ns)
        );
        if (record)
            out.push_back(std::move(*record));
    }
    return out;
}

} // namespace everfold
