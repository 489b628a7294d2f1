// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/source.hpp>
#include <everfold/log/upkeep.hpp>

#include <exception>
#include <utility>

namespace everfold::log {

upkeep::upkeep(
    io::machine machine,
    std::string directory,
    log_index& index,
    sealed_entries& entries,
    bool compresses_sealed
)
    : machine_{std::move(machine)}
    , directory_{std::move(directory)}
    , index_{&index}
    , entries_{&entries}
    , compresses_sealed_{compresses_sealed} {}

void upkeep::want() {
    const std::lock_guard lock{mutex_};
    is_wanted_ = true;
    if (!machine_.has_background || is_stopped_)
        return;
    if (!thread_.joinable())
        thread_ = std::jthread{[this](const std::stop_token& stop) { keep(stop); }};
    wakes_.notify_all();
}

void upkeep::do_what_is_wanted() {
    if (machine_.has_background)
        return;
    {
        const std::lock_guard lock{mutex_};
        if (!std::exchange(is_wanted_, false))
            return;
    }
    tend({});
}

void upkeep::request_stop() {
    const std::lock_guard lock{mutex_};
    is_stopped_ = true;
    thread_.request_stop();
}

void upkeep::join() {
    if (thread_.joinable())
        thread_.join();
}

void upkeep::keep(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (wakes_.wait(lock, stop, [this] { return is_wanted_; })) {
        is_wanted_ = false;
        lock.unlock();
        tend(stop);
        lock.lock();
    }
}

void upkeep::tend(const std::stop_token& stop) {
    for (const auto& view : index_->segments()) {
        if (stop.stop_requested())
            return;
        if (view.is_active())
            continue;
        // What fails here harms no event: the segment stays as it is, and the next rotation or the
        // next writer tries again. One that is damaged does not keep the others from it.
        try {
            index_->store_index(view.entry->number);
            if (compresses_sealed_ && view.entry->kind == segment_kind::sealed)
                archive_one(view, stop);
        } catch (const std::exception& e) {
            if (stop.stop_requested())
                return;
            index_->files().note(std::string{"a sealed segment was not compressed: "} + e.what());
            const auto* failed = dynamic_cast<const io_error*>(&e);
            if (failed != nullptr && failed->is_disk_full())
                return; // the next one would not fit either
        }
    }
}

archived upkeep::archive(const std::function<bool(const segment_index&)>& wanted) {
    archived out;
    for (const auto& view : index_->segments()) {
        if (view.entry->kind != segment_kind::sealed || !wanted(*index_->open(view).index))
            continue;
        if (!archive_one(view, {}))
            continue;
        ++out.segments;
        out.events += view.event_count;
    }
    return out;
}

bool upkeep::archive_one(const segment_view& view, const std::stop_token& stop) {
    auto& files = *machine_.files;
    return rewrite(
        view,
        segment_kind::archived,
        "evz",
        [&](segment_source& from,
            const std::string& path,
            segment_entry& entry,
            const std::stop_token& s) {
            return write_archive(files, path, from, index_->log_id(), entry.id, s) != nullptr;
        },
        stop
    );
}

bool upkeep::rewrite(
    const segment_view& view,
    segment_kind kind,
    std::string_view extension,
    const segment_rewrite& write,
    const std::stop_token& stop
) {
    const std::lock_guard one_at_a_time{rewriting_};
    auto& files = *machine_.files;
    auto entry = entries_->entry_of(view.entry->number);
    if (entry.kind != view.entry->kind || entry.file != view.entry->file)
        return false; // somebody else was faster
    const auto old_file = entry.file;
    entry.kind = kind;
    entry.file = segment_file_name(entry.first, machine_.random->next_u64(), extension);
    const auto path = io::join(directory_, entry.file);
    const auto remove_half = [&] {
        try {
            files.remove(path); // nobody knows of it yet
        } catch (...) {         // NOLINT(bugprone-empty-catch)
            // The next opening puts it aside; the first failure is the one to report.
        }
    };
    try {
        const auto source = index_->open(view).source;
        if (!write(*source, path, entry, stop)) {
            remove_half();
            return false;
        }
        files.sync_directory(directory_);
    } catch (...) {
        const auto why = std::current_exception();
        remove_half();
        std::rethrow_exception(why);
    }
    if (!entries_->replace_entry(entry)) {
        remove_half();
        static_cast<void>(entries_->entry_of(entry.number)); // says why not
    }
    index_->move_segment(entry);
    files.remove(io::join(directory_, old_file));
    return true;
}

} // namespace everfold::log
