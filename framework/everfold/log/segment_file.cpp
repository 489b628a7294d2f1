// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/segment_file.hpp>

#include <array>
#include <cstdio>
#include <utility>

namespace everfold::log {

namespace {

void check_header(segment_source& source, const segment_entry& entry, const uuid& log_id) {
    byte_buffer bytes(segment_header_size);
    segment_source::scratch mine;
    const auto size = source.read_at(byte_offset{0}, bytes, mine);
    const auto header = decode_segment_header(bytes_view{bytes}.first(size), source.file_name());
    if (header.log_id != log_id || header.id != entry.id || header.number != entry.number ||
        header.first != entry.first || header.chain != entry.chain_start ||
        header.is_rewritten != entry.is_rewritten)
        throw corruption{
            source.file_name(), byte_offset{0}, "this is another segment than the manifest names"};
}

segment_header
header_of(const segment_entry& entry, const manifest& of, const io::machine& machine) {
    return {
        .log_id = of.log_id,
        .number = entry.number,
        .id = entry.id,
        .first = entry.first,
        .chain = entry.chain_start,
        .created_ns = machine.time->now().to_nanoseconds().value_or(0),
        .event_bytes_max = of.limits.event_bytes_max,
        .batch_bytes_max = of.limits.batch_bytes_max,
        .is_rewritten = entry.is_rewritten};
}

} // namespace

std::string segment_file_name(position first, std::uint64_t file_id, std::string_view extension) {
    std::array<char, 64> name{};
    const auto n = std::snprintf(
        name.data(),
        name.size(),
        "seg-%020llu-%016llx.",
        static_cast<unsigned long long>(first.value()),
        static_cast<unsigned long long>(file_id)
    );
    return std::string(name.data(), static_cast<std::size_t>(n)) + std::string{extension};
}

std::string index_file_name(const segment_entry& entry) {
    return segment_file_name(entry.first, entry.id, "evi");
}

std::shared_ptr<io::file> create_segment(
    const io::machine& machine,
    const std::string& directory,
    const segment_entry& entry,
    const manifest& of
) {
    std::shared_ptr<io::file> file =
        machine.files->open(io::join(directory, entry.file), io::open_mode::create_new);
    file->write_at(byte_offset{0}, encode(header_of(entry, of, machine)));
    file->sync_all();
    machine.files->sync_directory(directory);
    return file;
}

std::shared_ptr<io::file> make_next_segment(io::file_system& files, const std::string& directory) {
    const auto path = io::join(directory, next_segment_name);
    if (files.kind(path) != io::path_kind::missing)
        files.remove(path);
    std::shared_ptr<io::file> file = files.open(path, io::open_mode::create_new);
    file->write_at(byte_offset{0}, byte_buffer(segment_header_size));
    file->sync_all();
    return file;
}

std::shared_ptr<io::file> become_segment(
    const io::machine& machine,
    const std::string& directory,
    io::file& file,
    const segment_entry& entry,
    const manifest& of
) {
    file.write_at(byte_offset{0}, encode(header_of(entry, of, machine)));
    file.sync_data();
    const auto path = io::join(directory, entry.file);
    machine.files->rename(io::join(directory, next_segment_name), path);
    machine.files->sync_directory(directory);
    return machine.files->open(path, io::open_mode::write);
}

std::shared_ptr<segment_source> open_segment(
    const io::machine& machine,
    const std::string& directory,
    const segment_entry& entry,
    const uuid& log_id
) {
    auto path = io::join(directory, entry.file);
    if (machine.files->kind(path) == io::path_kind::missing) {
        corruption missing{path, byte_offset{0}, "the segment's file is missing"};
        missing.first_lost = entry.first;
        throw missing;
    }
    std::shared_ptr<io::file> file = machine.files->open(path, io::open_mode::read);
    auto source = entry.kind == segment_kind::archived
                      ? open_archive(std::move(file), std::move(path), log_id, entry.id)
                      : open_plain(std::move(file), std::move(path));
    check_header(*source, entry, log_id);
    return source;
}

} // namespace everfold::log
