// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/quarantine.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

namespace everfold::log {

namespace {

/// Of files that are not live: whether they can be made again from what is. An index that belongs
/// to no segment, or is half written; half a copy of a file of the log that this one
/// mirrors; an unfinished archive of a segment whose own file is live; an unfinished rewriting of a
/// segment that has a file.
bool is_spare(std::string_view name, const manifest& content) {
    if (name.ends_with(".evi") || name.ends_with(".tmp"))
        return true;
    const bool is_archive = name.ends_with(".evz");
    if (!is_archive && !name.ends_with(".evr"))
        return false;
    return std::ranges::any_of(content.segments, [&](const segment_entry& s) {
        const auto stem = segment_file_name(s.first, 0, "");
        return (is_archive ? s.kind == segment_kind::sealed : s.kind != segment_kind::active) &&
               name.starts_with(stem.substr(0, stem.rfind('-') + 1));
    });
}

/// A rotation that did not come to its end leaves the next segment's file, empty.
bool has_no_frame(io::file_system& files, const std::string& path) {
    return files.kind(path) == io::path_kind::regular_file &&
           files.open(path, io::open_mode::read)->size() <= segment_header_size;
}

std::string
unused_name(io::file_system& files, const std::string& directory, const std::string& stem) {
    for (unsigned n = 0;; ++n) {
        auto path = io::join(directory, n == 0 ? stem : stem + "." + std::to_string(n));
        if (files.kind(path) == io::path_kind::missing)
            return path;
    }
}

std::string quarantine_directory(io::file_system& files, const std::string& directory) {
    auto path = io::join(directory, quarantine_name);
    const auto kind = files.kind(path);
    if (kind == io::path_kind::missing) {
        files.make_directory(path);
        files.sync_directory(directory);
    } else if (kind != io::path_kind::directory) {
        // A link would lead the log's bytes out of its directory.
        throw io_error{"use as a directory", path, ENOTDIR};
    }
    return path;
}

void copy_bytes(
    io::file_system& files,
    const std::string& path,
    segment_source& source,
    byte_offset from,
    std::uint64_t size
) {
    auto copy = files.open(path, io::open_mode::create_new);
    segment_source::scratch mine;
    byte_buffer piece(256_KiB);
    for (std::uint64_t done = 0; done < size;) {
        const auto wanted = std::min<std::uint64_t>(piece.size(), size - done);
        const auto n = source.read_at(
            from.advanced(done), std::span{piece}.first(static_cast<std::size_t>(wanted)), mine
        );
        if (n == 0)
            throw corruption{
                source.file_name(),
                from.advanced(done),
                "the segment became shorter while it was read"};
        copy->write_at(byte_offset{done}, bytes_view{piece}.first(n));
        done += n;
    }
    copy->sync_all();
}

} // namespace

std::string copy_to_quarantine(
    io::file_system& files,
    const std::string& directory,
    const std::string& file_name,
    segment_source& source,
    byte_offset from,
    std::uint64_t size
) {
    const auto quarantine = quarantine_directory(files, directory);
    const auto path =
        unused_name(files, quarantine, file_name + ".torn-at-" + std::to_string(from.value()));
    try {
        copy_bytes(files, path, source, from, size);
    } catch (...) {
        const auto why = std::current_exception();
        try {
            files.remove(path); // half a copy is of no use, and the disk may be full
        } catch (...) {         // NOLINT(bugprone-empty-catch)
            // The first failure is the one to report.
        }
        std::rethrow_exception(why);
    }
    files.sync_directory(quarantine);
    return path;
}

void put_orphans_aside(
    io::file_system& files,
    const std::string& directory,
    const manifest& content,
    std::vector<std::string>& notes
) {
    for (const auto& name : files.list(directory)) {
        if (!name.starts_with("seg-"))
            continue;
        const bool is_live = std::ranges::any_of(content.segments, [&](const segment_entry& s) {
            return s.file == name || index_file_name(s) == name;
        });
        if (is_live)
            continue;
        const auto path = io::join(directory, name);
        if (is_spare(name, content) || has_no_frame(files, path) ||
            std::ranges::find(content.dead, name) != content.dead.end()) {
            files.remove(path);
            continue;
        }
        const auto to = unused_name(files, quarantine_directory(files, directory), name);
        files.rename(path, to);
        auto note = "moved '" + name;
        note += "', which the manifest does not name, to '";
        note += to;
        note += '\'';
        notes.push_back(std::move(note));
    }
}

} // namespace everfold::log
