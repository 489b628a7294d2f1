// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/backup.hpp>
#include <everfold/log/opening.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace everfold::log {

namespace {

constexpr int attempts_max = 16;

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

void remove_all(io::file_system& files, const std::string& directory) {
    for (const auto& name : files.list(directory))
        files.remove(io::join(directory, name));
}

/// Copies the segments as the log is now; has_moved_on where it changes meanwhile.
backup_report copy_segments(
    const io::machine& machine,
    const std::string& directory,
    const std::string& to,
    sealed_files how,
    const loaded_log& log
) {
    copying work{machine, directory, to};
    for (const auto& entry : log.content.segments) {
        ++work.report.segments;
        if (entry.kind == segment_kind::active) {
            work.copy(entry.file, log.active.at.value());
            continue;
        }
        const bool is_linked = how == sealed_files::linked && work.link(entry.file);
        if (is_linked)
            ++work.report.linked;
        else
            work.copy_whole(entry.file);
        // The index only spares time: where it is not there yet, the copy makes its own.
        const auto index = index_file_name(entry);
        if (machine.files->kind(io::join(directory, index)) == io::path_kind::regular_file &&
            !(is_linked && work.link(index)))
            work.copy_whole(index);
    }
    work.report.end = log.active.next;
    return work.report;
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
    for (int attempt = 1;; ++attempt) {
        try {
            const auto report = copy_segments(machine, directory, to, how, log);
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
                 .boot_id = machine.boot_id},
                1
            );
            files.sync_directory(to);
            files.sync_directory(io::parent(to));
            // Last: without it, it is not a log.
            auto content = log.content;
            content.dead.clear();
            content.generation = 1;
            replace_manifest(files, to, content);
            return report;
        } catch (const has_moved_on&) {
            if (attempt == attempts_max)
                throw error{
                    errc::io,
                    "the log in '" + printable(directory) +
                        "' changed faster than it could be copied; try again"};
        }
        remove_all(files, to);
        log = load_for_reading(machine, directory);
    }
}

} // namespace everfold::log
