// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/creation.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_file.hpp>

#include <utility>

namespace everfold::log {

namespace {

constexpr std::uint64_t segment_bytes_largest = std::uint64_t{16} << 30U; // offsets / 8 fit 32 bits

} // namespace

void require_possible(const size_limits& limits) {
    if (limits.event_bytes_max < 64 || limits.batch_bytes_max < limits.event_bytes_max ||
        limits.segment_bytes_max < segment_header_size ||
        limits.segment_bytes_max > segment_bytes_largest ||
        limits.batch_bytes_max > batch_bytes_largest)
        throw error{
            errc::invalid,
            "limits must satisfy 64 <= event_bytes_max <= batch_bytes_max <= 1 GiB and "
            "4,096 <= segment_bytes_max <= 16 GiB"};
}

void prepare_directory(const io::machine& machine, const std::string& directory) {
    auto& files = *machine.files;
    switch (files.kind(directory, true)) {
    case io::path_kind::missing:
        files.make_directory(directory);
        files.sync_directory(io::parent(directory));
        return;
    case io::path_kind::directory:
        break;
    default:
        throw error{errc::not_a_log, "'" + directory + "' is not a log: a log is a directory"};
    }
    for (const auto& name : files.list(directory)) {
        const bool is_ours = name == lock_name || name.starts_with(head_name) ||
                             name.starts_with(manifest_name) || name.starts_with("seg-");
        if (!is_ours)
            throw error{
                errc::not_a_log,
                "'" + directory + "' is not a log, and it is not empty: it holds '" + name + "'"};
        if (!name.starts_with("seg-"))
            continue;
        if (files.open(io::join(directory, name), io::open_mode::read)->size() >
            segment_header_size)
            throw corruption{
                io::join(directory, manifest_name),
                byte_offset{0},
                "the manifest is missing, though there are segments with events"};
    }
}

void create_log(
    const io::machine& machine, const std::string& directory, const size_limits& limits
) {
    auto& files = *machine.files;
    // What a crash on the way of an earlier creation has left: no event can be in it.
    for (const auto& name : files.list(directory)) {
        if (name.starts_with("seg-"))
            files.remove(io::join(directory, name));
    }
    manifest content{
        .log_id = machine.random->next_uuid(),
        .generation = 1,
        .limits = limits,
        .created_ns = machine.time->now().to_nanoseconds().value_or(0)};
    const auto id = machine.random->next_u64();
    content.segments.push_back({.id = id, .file = segment_file_name(position{}, id, "evl")});
    static_cast<void>(create_segment(machine, directory, content.segments.back(), content));
    replace_head_mark(
        files,
        directory,
        content.log_id,
        {.segment_id = id, .durable = first_frame, .epoch = 1, .boot_id = machine.boot_id}
    );
    replace_manifest(files, directory, content);
}

} // namespace everfold::log
