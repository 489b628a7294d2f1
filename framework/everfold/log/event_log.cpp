// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/io/mirrored.hpp>
#include <everfold/log/creation.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/mirroring.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace everfold::log {

namespace {

bool has_manifest(io::file_system& files, const std::string& directory) {
    return files.kind(directory, true) == io::path_kind::directory &&
           files.kind(io::join(directory, manifest_name)) != io::path_kind::missing;
}

std::unique_ptr<io::file_lock> take_lock(const io::machine& machine, const std::string& directory) {
    const auto path = io::join(directory, lock_name);
    auto lock = machine.files->try_lock(path);
    if (lock == nullptr) {
        const auto owner = machine.files->lock_owner(path);
        throw error{
            errc::in_use,
            "'" + directory + "' is in use by another writer: " +
                (owner.empty() ? "one that has just begun" : owner)};
    }
    // A lock file that nobody has written to is new. Where there is a log already, somebody has
    // removed the old one, and whoever held that may still be there, anywhere between looking at
    // his lock and writing.
    const auto head = io::join(directory, head_name);
    if (machine.files->lock_owner(path).empty() &&
        machine.files->kind(head) == io::path_kind::regular_file &&
        machine.files->is_open_for_writing(head))
        throw error{
            errc::in_use,
            "'" + directory +
                "' is in use by another writer, though its lock file was removed or replaced; end "
                "that writer first"};
    lock->write_owner(machine.process_name);
    return lock;
}

/// The log was moved, or the two names were exchanged: a new one would be of no use.
void require_log_or_no_mirror(
    const io::machine& machine, const std::string& directory, const std::string& mirror
) {
    if (!mirror.empty() && has_manifest(*machine.files, mirror))
        throw error{
            errc::not_a_log,
            "there is no log at '" + directory + "', though its mirror '" + mirror +
                "' is one: open that"};
}

void require_safe(
    const io::machine& machine, const std::string& directory, const log_options& options
) {
    if (options.allow_unsafe_file_system)
        return;
    const auto kind = machine.files->unsafe_kind(directory);
    if (!kind.empty())
        throw error{
            errc::unsupported,
            "'" + directory + "' lies on a file system of kind " + kind +
                ", where a lock or a sync may be a lie; use a local disk, or allow it explicitly"};
}

} // namespace

event_log::event_log(io::machine machine, std::string directory, const log_options& options)
    : machine_{std::move(machine)}
    , directory_{std::move(directory)}
    , watch_{machine_, directory_, options.look_again} {}

event_log::~event_log() {
    if (writer_ == nullptr || !writer_->is_in_forked_child())
        return;
    // Left alone for the short rest of the child's life: what waits in the parent, waits for ever
    // here.
    static_cast<void>(writer_.release());
    static_cast<void>(loaded_.index.release());
}

std::unique_ptr<event_log> event_log::open(
    const io::machine& machine, const std::string& directory, const log_options& options
) {
    std::unique_ptr<event_log> log{new event_log{machine, directory, options}};
    auto& files = *machine.files;
    const auto& mirror = options.mirror;
    if (options.mode == access::read_only) {
        if (!mirror.empty())
            throw error{errc::invalid, "a log that is opened for reading has no mirror to keep"};
        log->loaded_ = load_for_reading(machine, directory);
        return log;
    }
    if (!has_manifest(files, directory)) {
        if (options.mode == access::existing)
            static_cast<void>(read_manifest(files, directory)); // says why it is not a log
        require_possible(options.limits);
        require_log_or_no_mirror(machine, directory, mirror);
        prepare_directory(machine, directory);
    }
    require_safe(machine, directory, options);
    if (!mirror.empty()) {
        prepare_mirror(machine, directory, mirror);
        require_safe(machine, mirror, options);
    }
    auto lock = take_lock(machine, directory);
    if (!mirror.empty())
        lock = io::both(std::move(lock), take_lock(machine, mirror));
    if (!has_manifest(files, directory))
        create_log(machine, directory, options.limits);
    log->load();
    if (!mirror.empty())
        log->load_with_mirror(mirror);
    try {
        log->writer_ = std::make_unique<log_writer>(
            log->machine_,
            directory,
            std::move(lock),
            log->loaded_,
            writer_options{
                options.compress_sealed,
                options.level,
                options.segment_age_max,
                mirror.empty() ? 0 : machine.random->next_u64()}
        );
    } catch (const io_error&) {
        distrust_cache(log->machine_, directory);
        throw;
    }
    return log;
}

void event_log::load() {
    try {
        loaded_ = load_for_writing(machine_, directory_);
    } catch (const io_error&) {
        // Where a sync failed, what can be read need not be on the disk.
        distrust_cache(machine_, directory_);
        throw;
    }
}

void event_log::load_with_mirror(const std::string& mirror) {
    // Only what was judged, and recovered where need was, is given to the mirror.
    bring_up_to_date(machine_, directory_, loaded_, mirror, loaded_.notes.notes);
    machine_.files = std::make_shared<io::mirrored_files>(machine_.files, directory_, mirror);
    auto found = std::move(loaded_.notes);
    load();
    // Of the second time there is nothing to tell; the writer must know of the first.
    loaded_.notes = std::move(found);
}

std::optional<placed> event_log::append(
    std::span<const draft> events,
    const uuid& append_id,
    const std::function<bool(const stream_heads&)>& admits,
    const std::optional<durability>& wanted
) {
    return writer().append(events, append_id, admits, wanted);
}

log_writer& event_log::writer() {
    if (writer_ == nullptr)
        throw error{errc::read_only, "'" + directory_ + "' was opened for reading only"};
    return *writer_;
}

position event_log::durable_position() {
    return writer_ == nullptr ? index().end() : writer_->durable_end();
}

bool event_log::wait_durable(position p, std::chrono::milliseconds timeout) {
    // What a reader sees is durable.
    return writer_ == nullptr ? wait_for(p, timeout) : writer_->wait_durable(p, timeout);
}

archived event_log::archive(const std::function<bool(const segment_index&)>& wanted) {
    return writer().archive(wanted);
}

scavenged event_log::scavenge(const removal_plan& plan, const std::string& why) {
    if (writer_ == nullptr)
        throw error{errc::read_only, "'" + directory_ + "' was opened for reading only"};
    return writer_->scavenge(plan, why);
}

void event_log::settle_begun() {
    writer().settle_begun();
}

scavenged event_log::plan_scavenge(const removal_plan& plan) {
    scavenged out;
    const auto& all = index();
    for (const auto& view : all.segments()) {
        if (view.event_count == 0)
            continue;
        const auto in = all.open(view);
        const auto removed = plan(in);
        if (removed.events.empty())
            continue;
        ++out.segments;
        out.events += removed.events.size();
        out.bytes_before += in.source->stored_size();
    }
    return out;
}

const log_index& event_log::index() {
    if (writer_ == nullptr) {
        const std::lock_guard lock{following_};
        follow(machine_, directory_, loaded_);
    } else {
        writer_->show_acknowledged();
    }
    return *loaded_.index;
}

bool event_log::wait_for(position p, std::chrono::milliseconds timeout) {
    if (writer_ != nullptr)
        return writer_->wait_visible(p, timeout);
    // Another process writes: look whenever it wakes us, against the monotonic clock of the
    // machine.
    const auto deadline = machine_.time->monotonic() + std::min(timeout, longest_wait);
    // A sleep ends, or does not begin, where the head mark is no longer the one that was looked at.
    std::optional<std::uint32_t> head_word;
    while (!take_in(p, head_word)) {
        const auto left = deadline - machine_.time->monotonic();
        if (left <= left.zero())
            return false;
        watch_.wait(head_word, left);
    }
    return true;
}

bool event_log::take_in(position p, std::optional<std::uint32_t>& head_word) {
    const std::lock_guard lock{following_};
    follow(machine_, directory_, loaded_);
    head_word = loaded_.head_word;
    return loaded_.index->end() > p;
}

std::uint64_t event_log::stored_bytes() const {
    std::uint64_t total = 0;
    for (const auto& name : machine_.files->list(directory_)) {
        const auto path = io::join(directory_, name);
        try {
            if (machine_.files->kind(path) == io::path_kind::regular_file)
                total += machine_.files->open(path, io::open_mode::read)->size();
        } catch (const io_error& e) {
            if (e.error_number() != ENOENT) // a file that was renamed or deleted meanwhile
                throw;
        }
    }
    const auto ahead = writer_ == nullptr ? 0 : writer_->zeros_ahead();
    return total - std::min(ahead, total);
}

event_log::segment_counts event_log::count_segments() const {
    segment_counts out;
    for (const auto& view : loaded_.index->segments()) {
        ++out.all;
        if (view.entry->kind == segment_kind::archived)
            ++out.archived;
    }
    return out;
}

void event_log::close() {
    if (writer_ != nullptr)
        writer_->close();
}

} // namespace everfold::log
