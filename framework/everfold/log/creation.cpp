// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/creation.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/segment_file.hpp>

#include <cerrno>
#include <utility>

namespace everfold::log {

namespace {

constexpr std::uint64_t segment_bytes_largest = std::uint64_t{16} << 30U; // offsets / 8 fit 32 bits

void make_directory_unless_there(io::file_system& files, const std::string& directory) {
    try {
        files.make_directory(directory);
    } catch (const io_error& e) {
        // Another creator was faster; the lock decides between the two.
        if (e.error_number() != EEXIST)
            throw;
    }
}

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
        make_directory_unless_there(files, directory);
        break;
    case io::path_kind::directory:
        break;
    default:
        throw error{errc::not_a_log, "'" + directory + "' is not a log: a log is a directory"};
    }
    for (const auto& name : files.list(directory)) {
        const bool is_ours = name == lock_name || name.starts_with(head_name) ||
                             name.starts_with(manifest_name) || name.starts_with("seg-");
        if (is_ours)
            continue;
        auto why = "'" + directory + "' is not a log, and it is not empty: it holds '";
        why += name;
        why += '\'';
        throw error{errc::not_a_log, std::move(why)};
    }
}

void create_log(
    const io::machine& machine,
    const std::string& directory,
    const size_limits& limits,
    const uuid& log_id
) {
    auto& files = *machine.files;
    if (has_events_without_manifest(files, directory))
        static_cast<void>(read_manifest(files, directory)); // says what is wrong
    // Whoever made the directory may have died before its name was durable.
    files.sync_directory(io::parent(directory));
    // What a crash on the way of an earlier creation has left: no event can be in it.
    for (const auto& name : files.list(directory)) {
        if (name.starts_with("seg-"))
            files.remove(io::join(directory, name));
    }
    manifest content{
        .log_id = log_id.is_nil() ? machine.random->next_uuid() : log_id,
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
        {.segment_id = id,
         .durable = first_frame,
         .epoch = 1,
         .boot_id = machine.boot_id,
         .in_flight_max = in_flight_max_at_commit(limits)},
        1
    );
    replace_manifest(files, directory, content);
}

} // namespace everfold::log
