// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/source.hpp>
#include <everfold/log/upkeep.hpp>

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

namespace everfold::log {

namespace {

/// A stream's next revision follows its last event, or the name that is kept where all are gone
/// from a segment. So the log's last event of a stream stays where others before it in the segment
/// do.
void keep_last_revisions(const log_index& index, const readable_segment& in, removal& removed) {
    const auto is_removed = [&](std::uint32_t ordinal) {
        return std::ranges::binary_search(removed.events, ordinal);
    };
    if (removed.events.empty())
        return;
    std::vector<std::uint32_t> spared;
    ordinal_list list;
    for (std::uint32_t i = 0; i < in.index->stream_count(); ++i) {
        list.clear();
        in.index->append_stream(i, list);
        if (list.empty() || !is_removed(list.back()) || std::ranges::all_of(list, is_removed))
            continue;
        const auto last =
            in.index->revision_in_stream(i, static_cast<std::uint32_t>(list.size() - 1));
        if (index.next_revision(in.index->stream(i).name) == last.value() + 1)
            spared.push_back(list.back());
    }
    for (const auto ordinal : spared)
        removed.events.erase(std::ranges::lower_bound(removed.events, ordinal));
}

} // namespace

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
    try {
        tend_all(stop);
    } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch)
        // Nobody waits for it, and an append that has caused it is durable. The next one tries
        // again.
    }
}

void upkeep::tend_all(const std::stop_token& stop) {
    try {
        entries_->complete_manifest_copies();
    } catch (const std::exception&) {
        return; // the writer has come to its end, and says so
    }
    try {
        entries_->make_next_segment_ahead();
    } catch (const std::exception& e) {
        index_->files().note_failure("the next segment was not made ahead: ", e);
    }
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
            index_->files().note_failure("a sealed segment was not compressed: ", e);
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

void upkeep::remove_index_of(const segment_entry& gone) {
    const auto path = io::join(directory_, index_file_name(gone));
    try {
        if (machine_.files->kind(path) != io::path_kind::missing)
            machine_.files->remove(path);
    } catch (const io_error& e) {
        // It belongs to no segment now; the next opening deletes it.
        index_->files().note_failure("an index was left behind: ", e);
    }
}

bool upkeep::archive_one(const segment_view& view, const std::stop_token& stop) {
    auto& files = *machine_.files;
    return rewrite(
        *view.entry,
        segment_kind::archived,
        segment_file_name(view.entry->first, machine_.random->next_u64(), "evz"),
        [&](const std::string& path, segment_entry& entry) {
            const auto from = index_->open(view).source;
            return write_archive(files, path, *from, index_->log_id(), entry.id, stop) != nullptr;
        }
    );
}

scavenged
upkeep::scavenge(const removal_plan& plan, const std::string& why, const size_limits& limits) {
    scavenged out;
    for (const auto& view : index_->segments()) {
        // Whoever archives it meanwhile makes it another file with the same events: then again.
        for (bool is_done = view.is_active(); !is_done;) {
            const auto in = index_->open(view);
            auto removed = plan(in);
            keep_last_revisions(*index_, in, removed);
            if (removed.events.empty())
                break;
            const auto bytes = in.source->stored_size();
            const auto id = machine_.random->next_u64();
            const auto write = [&](const std::string& path, segment_entry& entry) {
                entry.id = id;
                return write_rewritten(
                    machine_,
                    path,
                    {.source = in.source,
                     .index = in.index,
                     .before = *in.entry,
                     .removed = &removed,
                     .why =
                         {.at_ns = machine_.time->now().to_nanoseconds().value_or(0),
                          .source_id = in.entry->id,
                          .removed_events = removed.events.size(),
                          .source_bytes = in.entry->end_offset.value(),
                          .why = why},
                     .log_id = index_->log_id(),
                     .limits = limits},
                    entry,
                    {}
                );
            };
            // By the name, its frames can be read where manifest and header are lost.
            const auto file = segment_file_name(in.entry->first, id, "evr");
            is_done = rewrite(*in.entry, segment_kind::sealed, file, write);
            if (!is_done)
                continue;
            ++out.segments;
            out.events += removed.events.size();
            out.bytes_before += bytes;
            out.bytes_after += index_->open(view).source->stored_size();
        }
    }
    if (out.segments > 0)
        want();
    return out;
}

bool upkeep::rewrite(
    const segment_entry& known,
    segment_kind kind,
    const std::string& file,
    const segment_rewrite& write
) {
    const std::lock_guard one_at_a_time{rewriting_};
    auto& files = *machine_.files;
    auto entry = entries_->entry_of(known.number);
    if (entry.kind != known.kind || entry.file != known.file)
        return false; // somebody else was faster
    const auto old_file = entry.file;
    entry.kind = kind;
    entry.file = file;
    const auto path = io::join(directory_, entry.file);
    const auto remove_half = [&] {
        try {
            files.remove(path); // nobody knows of it yet
        } catch (...) {         // NOLINT(bugprone-empty-catch)
            // The next opening puts it aside; the first failure is the one to report.
        }
    };
    try {
        if (!write(path, entry)) {
            remove_half();
            return false;
        }
        files.sync_directory(directory_);
    } catch (...) {
        const auto why = std::current_exception();
        remove_half();
        std::rethrow_exception(why);
    }
    // Made before: once the manifest names the new file, the index must follow, or nobody would get
    // at the segment any more.
    auto moved = std::make_shared<const segment_entry>(entry);
    if (!entries_->replace_entry(entry)) {
        remove_half();
        static_cast<void>(entries_->entry_of(entry.number)); // says why not
    }
    index_->move_segment(std::move(moved));
    files.remove(io::join(directory_, old_file));
    files.sync_directory(directory_); // before that, a power cut may bring it back
    entries_->forget_dead(old_file);
    if (entry.id != known.id)
        remove_index_of(known);
    return true;
}

} // namespace everfold::log
