// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/backup.hpp>
#include <everfold/log/opening.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/stored_index.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace everfold::log {

namespace {

constexpr int attempts_max = 64;

/// A file of the log was replaced by its archive since the log was read.
struct has_moved_on {};

class copying {
public:
    copying(const io::machine& machine, const std::string& from, const std::string& to)
        : machine_{&machine}
        , from_{&from}
        , to_{&to} {}

    /// The first `size` bytes of a file.
    void copy(const std::string& name, std::uint64_t size) {
        auto& files = *machine_->files;
        const auto source = open_source(name);
        const auto target = files.open(io::join(*to_, name), io::open_mode::create_new);
        byte_buffer piece(256_KiB);
        for (std::uint64_t done = 0; done < size;) {
            const auto wanted = std::min<std::uint64_t>(piece.size(), size - done);
            const auto n = source->read_at(
                byte_offset{done}, std::span{piece}.first(static_cast<std::size_t>(wanted))
            );
            if (n == 0)
                throw corruption{
                    io::join(*from_, name),
                    byte_offset{done},
                    "the file became shorter while it was copied"};
            target->write_at(byte_offset{done}, bytes_view{piece}.first(n));
            done += n;
        }
        target->sync_all();
        report.copied_bytes += size;
    }

    void copy_whole(const std::string& name) { copy(name, open_source(name)->size()); }

    /// Whether it could.
    bool link(const std::string& name) {
        try {
            machine_->files->link(io::join(*from_, name), io::join(*to_, name));
            return true;
        } catch (const io_error& e) {
            if (e.error_number() == ENOENT)
                throw has_moved_on{}; // NOLINT(hicpp-exception-baseclass): caught in this file
            return false;             // another file system, or one without links: it is copied
        }
    }

    backup_report report{};

private:
    [[nodiscard]] std::unique_ptr<io::file> open_source(const std::string& name) const {
        try {
            return machine_->files->open(io::join(*from_, name), io::open_mode::read);
        } catch (const io_error& e) {
            if (e.error_number() == ENOENT)
                throw has_moved_on{}; // NOLINT(hicpp-exception-baseclass): caught in this file
            throw;
        }
    }

    const io::machine* machine_;
    const std::string* from_;
    const std::string* to_;
};

void require_empty(const io::machine& machine, const std::string& to) {
    const auto kind = machine.files->kind(to, true);
    if (kind == io::path_kind::missing)
        return machine.files->make_directory(to);
    if (kind != io::path_kind::directory || !machine.files->list(to).empty())
        throw error{
            errc::invalid,
            "'" + printable(to) + "' is there already; a backup goes into a new one"};
}

/// Removes what an earlier attempt has copied and the log no longer names.
void remove_others(io::file_system& files, const std::string& directory, const manifest& content) {
    for (const auto& name : files.list(directory)) {
        const bool is_named = std::ranges::any_of(content.segments, [&](const segment_entry& s) {
            return s.file == name || index_file_name(s) == name;
        });
        if (!is_named)
            files.remove(io::join(directory, name));
    }
}

/// Whether a copied index is of what was copied of the active segment: a writer may have gone on
/// meanwhile, sealed it and stored another one.
bool is_of_prefix(
    io::file_system& files,
    const std::string& path,
    const segment_entry& entry,
    const walk_state& copied
) {
    std::string why;
    const auto stored = read_stored_index(files, path, why);
    return stored.content != nullptr && stored.of.growth && stored.of.segment_id == entry.id &&
           stored.of.end_offset <= copied.at && stored.of.end <= copied.next;
}

/// Copies the segments as the log is now, but for those that are there already; has_moved_on where
/// it changes meanwhile.
void copy_segments(
    copying& work,
    const io::machine& machine,
    const std::string& directory,
    const std::string& to,
    sealed_files how,
    const loaded_log& log
) {
    const auto is_there = [&](const std::string& in, const std::string& name) {
        return machine.files->kind(io::join(in, name)) != io::path_kind::missing;
    };
    for (const auto& entry : log.content.segments) {
        const auto index = index_file_name(entry);
        if (entry.kind == segment_kind::active) {
            work.copy(entry.file, log.active.at.value());
            if (is_there(directory, index)) {
                work.copy_whole(index);
                if (!is_of_prefix(*machine.files, io::join(to, index), entry, log.active))
                    machine.files->remove(io::join(to, index));
            }
            continue;
        }
        // A sealed segment's file has a name of its own: once it is there, it is the right one.
        if (is_there(to, entry.file))
            continue;
        const bool is_linked = how == sealed_files::linked && work.link(entry.file);
        if (is_linked)
            ++work.report.linked;
        else
            work.copy_whole(entry.file);
        // The index only spares time: where it is not there yet, the copy makes its own.
        if (is_there(directory, index) && !is_there(to, index) && !(is_linked && work.link(index)))
            work.copy_whole(index);
    }
    remove_others(*machine.files, to, log.content);
    work.report.segments = log.content.segments.size();
    work.report.end = log.active.next;
}

} // namespace

backup_report back_up(
    const io::machine& machine,
    const std::string& directory,
    const std::string& to,
    sealed_files how
) {
    auto& files = *machine.files;
    auto log = load_for_reading(machine, directory); // says what is wrong before anything is made
    require_empty(machine, to);
    copying work{machine, directory, to};
    for (int attempt = 1;; ++attempt) {
        try {
            copy_segments(work, machine, directory, to, how, log);
            const auto& active = log.content.segments.back();
            replace_head_mark(
                files,
                to,
                log.content.log_id,
                {.segment_number = active.number,
                 .segment_id = active.id,
                 .durable = log.active.at,
                 .end = log.active.next,
                 .epoch = log.active.epoch,
                 .state = head_state::closed,
                 .boot_id = machine.boot_id,
                 .in_flight_max = in_flight_max_at_commit(log.content.limits)},
                1
            );
            files.sync_directory(to);
            files.sync_directory(io::parent(to));
            // Last: without it, it is not a log.
            auto content = log.content;
            content.dead.clear();
            content.generation = 1;
            replace_manifest(files, to, content);
            return work.report;
        } catch (const has_moved_on&) {
            if (attempt == attempts_max)
                throw error{
                    errc::io,
                    "the log in '" + printable(directory) +
                        "' changed faster than it could be copied; try again"};
        }
        // What was active may be sealed by now, under the same name, and longer.
        const auto& partial = log.content.segments.back();
        for (const auto& name : {partial.file, index_file_name(partial)}) {
            if (files.kind(io::join(to, name)) != io::path_kind::missing)
                files.remove(io::join(to, name));
        }
        log = load_for_reading(machine, directory);
    }
}

} // namespace everfold::log
