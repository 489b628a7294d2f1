// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/index_at_close.hpp>
#include <everfold/log/opening.hpp>
#include <everfold/log/quarantine.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace everfold::log {

namespace {

constexpr int reading_attempts_max = 64;
constexpr byte_offset no_bound{std::numeric_limits<std::uint64_t>::max()};

/// The active segment's bytes for reading.
std::shared_ptr<segment_source>
open_active(const io::machine& machine, const std::string& directory, const manifest& content) {
    return open_segment(machine, directory, content.segments.back(), content.log_id);
}

/// Sealed segments are not read before somebody asks for their events. But a file that is missing,
/// or of another size, is damage at once.
void require_files(const io::machine& machine, const std::string& directory, const manifest& m) {
    const auto names = machine.files->list(directory);
    for (const auto& s : m.segments) {
        const auto path = io::join(directory, s.file);
        const char* what = nullptr;
        if (!std::ranges::binary_search(names, s.file))
            what = "the segment's file is missing";
        else if (s.kind == segment_kind::sealed &&
                 machine.files->open(path, io::open_mode::read)->size() != s.end_offset.value())
            what = "the segment has another size than when it was sealed";
        if (what == nullptr)
            continue;
        corruption damage{path, byte_offset{0}, what};
        damage.first_lost = s.first;
        throw damage;
    }
}

/// The offset in the active segment that is known to be durable.
struct known_durable {
    byte_offset at{first_frame};
    /// The machine has not been restarted since that was noted.
    bool is_same_boot{};
    /// A writer may be alive, so that a reader stops there: the same boot, or nobody knows.
    bool is_bound{};
};

known_durable
durable_in_active(const loaded_log& log, const io::machine& machine, const std::string& directory) {
    const auto& mark = log.head.mark;
    const auto& segments = log.content.segments;
    const bool is_known = !mark.boot_id.is_nil() && !machine.boot_id.is_nil();
    const bool is_same_boot = is_known && mark.boot_id == machine.boot_id;
    const bool is_bound = is_same_boot || !is_known;
    // A segment before the active one may have been rewritten since, under another id.
    const auto named = std::ranges::find_if(segments, [&](const segment_entry& s) {
        return s.number == mark.segment_number &&
               (s.id == mark.segment_id || s.kind != segment_kind::active);
    });
    if (named == segments.end())
        throw corruption{
            io::join(directory, head_name),
            byte_offset{0},
            "the head mark names a segment that the manifest does not know: one of the two is "
            "older than the other"};
    if (named->kind == segment_kind::active)
        return {mark.durable, is_same_boot, is_bound};
    if (mark.end > named->end)
        throw corruption{
            io::join(directory, head_name),
            byte_offset{0},
            "the head mark lies beyond the end of a sealed segment"};
    return {first_frame, is_same_boot, is_bound};
}

/// The largest watermark in whatever frames lie behind the first one that does not check.
byte_offset watermark_behind(frame_reader& reader, byte_offset from, byte_offset end) {
    byte_offset best{};
    while (const auto found = reader.find_header(from, end)) {
        best = std::max(best, found->header.watermark);
        from = found->at.advanced(8);
    }
    return best;
}

/// Rules 5 and 6. Returns how many bytes of a torn tail there are after `log.active.at`.
std::uint64_t judge_tail(const loaded_log& log, frame_reader& reader, byte_offset durable) {
    const auto& state = log.active;
    auto& source = reader.source();
    const auto size = byte_offset{source.size()};
    auto known = std::max(durable, state.watermark);
    if (state.at < known)
        throw damage_at(
            source,
            state.at,
            std::string{state.why.empty() ? in_words(frame_fault::end_of_segment) : state.why},
            state.next
        );
    if (size <= state.at)
        return 0;
    const auto used = reader.used_bytes_after(state.at);
    const auto in_flight_max =
        std::max(in_flight_max_at_commit(log.content.limits), log.head.mark.in_flight_max);
    if (used > in_flight_max)
        throw damage_at(
            source, state.at, "more follows here than one unfinished write can leave", state.next
        );
    known = watermark_behind(reader, state.at, state.at.advanced(used));
    if (state.at < known)
        throw damage_at(source, state.at, std::string{state.why}, state.next);
    // The next one would be 0, which nobody would believe behind this one.
    if (used > 0 && state.epoch == std::numeric_limits<std::uint32_t>::max())
        throw damage_at(source, state.at, "no writer can have come to this epoch", state.next);
    return used;
}

/// Repairs one damaged or unfinished copy of manifest or head mark from the other.
void rewrite_slots(
    const io::machine& machine,
    const std::string& directory,
    loaded_log& log,
    const manifest_read& read
) {
    const auto note = [&](const char* name) {
        log.notes.notes.push_back(
            std::string{"one of the two copies in '"} + name +
            "' was unfinished or damaged; it was written again from the other"
        );
    };
    if (!read.are_both_whole || read.is_incomplete)
        replace_manifest(*machine.files, directory, log.content);
    if (!read.are_both_whole)
        note(manifest_name);
    if (!log.head.are_both_whole) {
        // What was walked was synced before it was read: the mark can say so.
        const auto& active = log.content.segments.back();
        ++log.head.generation;
        log.head.mark.segment_number = active.number;
        log.head.mark.segment_id = active.id;
        log.head.mark.durable = log.active.at;
        log.head.mark.end = log.active.next;
        log.head.mark.boot_id = machine.boot_id;
        replace_head_mark(
            *machine.files, directory, log.content.log_id, log.head.mark, log.head.generation
        );
        note(head_name);
    }
}

/// Into the index of a log that somebody else may be reading.
batch_sink add_to_shared(loaded_log& log) {
    return [&log](const frame_view& batch, std::uint64_t chain) {
        log.is_half_added = true;
        const auto* fault = log.index->add_batch(batch, chain);
        log.is_half_added = false;
        return fault;
    };
}

/// Into one that nobody knows yet, and that needs no lock.
batch_sink add_to(const std::shared_ptr<growing_index>& index) {
    return
        [index](const frame_view& batch, std::uint64_t chain) { return index->add(batch, chain); };
}

/// Adds the segments from number `from` on. The last one is still to be walked, behind what is
/// `known` of it.
void add_segments(
    loaded_log& log,
    std::uint64_t from,
    const std::shared_ptr<segment_source>& active,
    const std::shared_ptr<growing_index>& known = nullptr
) {
    const auto& segments = log.content.segments;
    for (const auto& entry : segments) {
        if (entry.number < from)
            continue;
        if (entry.kind == segment_kind::active)
            log.index->add_active(entry, active, known);
        else
            log.index->add_sealed(entry);
    }
    const auto* before = segments.size() > 1 ? &segments[segments.size() - 2] : nullptr;
    log.active = beginning_of(segments.back(), before);
}

/// Walks on in the active segment, up to `bound`. After a read error it can be called again, and
/// goes on where it stopped.
frame_reader walk_on(loaded_log& log, byte_offset bound, const batch_sink& take) {
    auto source = log.index->active_source();
    const auto end = std::min(bound, byte_offset{source->size()});
    frame_reader reader{
        std::move(source),
        header_seed(log.content.log_id, log.content.segments.back().id),
        log.index->batch_bytes_max()};
    walk_frames(reader, end, log.active, take);
    return reader;
}

/// After a batch that was added by halves: what was walked of the active segment, once more.
void walk_again(loaded_log& log) {
    const auto& segments = log.content.segments;
    const auto* before = segments.size() > 1 ? &segments[segments.size() - 2] : nullptr;
    const auto again = std::make_shared<growing_index>(segments.back().first);
    auto at = beginning_of(segments.back(), before);
    frame_reader reader{
        log.index->active_source(),
        header_seed(log.content.log_id, segments.back().id),
        log.index->batch_bytes_max()};
    walk_frames(reader, log.active.at, at, add_to(again));
    if (at.at < log.active.at)
        throw damage_at(reader.source(), at.at, std::string{at.why}, at.next);
    log.index->replace_active_index(again);
    log.is_half_added = false;
}

/// Walks on as far as the watermarks of the frames behind vouch for what lies before them. A head
/// mark that was torn, or an older copy of one, says less than they do.
void walk_to_watermarks(loaded_log& log, frame_reader& reader, const batch_sink& take) {
    const auto known = watermark_behind(reader, log.active.at, byte_offset{reader.source().size()});
    if (known > log.active.at)
        walk_frames(reader, known, log.active, take);
}

loaded_log begin_loading(
    const io::machine& machine,
    const std::string& directory,
    manifest content,
    const head_mark_read& head,
    bool stores_indexes
) {
    loaded_log log;
    log.content = std::move(content);
    log.head = head;
    const auto& id = log.content.log_id;
    const auto batch_bytes_max = log.content.limits.batch_bytes_max;
    log.index = std::make_unique<log_index>(
        id,
        batch_bytes_max,
        std::make_unique<segment_files>(machine, directory, id, batch_bytes_max, stores_indexes)
    );
    return log;
}

/// Adds all segments, the active one as far as its stored index goes; then its frames go to what is
/// returned.
batch_sink begin_walking(
    const io::machine& machine,
    const std::string& directory,
    loaded_log& log,
    const std::shared_ptr<segment_source>& active
) {
    auto known =
        take_up_index(machine, directory, log.content, log.head, active, log.index->files());
    const auto index = known ? std::move(known->index)
                             : std::make_shared<growing_index>(log.content.segments.back().first);
    add_segments(log, 0, active, index);
    if (known)
        log.active = known->at;
    log.indexed_to = log.active.at;
    return add_to(index);
}

/// Manifest, head mark and active segment that belong together, taken beside a living writer.
struct reading_view {
    manifest content{};
    head_mark_read head{};
    bool are_slots_whole{};
    std::shared_ptr<segment_source> active{};
};

reading_view take_view(const io::machine& machine, const std::string& directory) {
    auto& files = *machine.files;
    for (int attempt = 1;; ++attempt) {
        const bool is_last = attempt == reading_attempts_max;
        auto read = read_manifest(files, directory);
        auto& content = read.content;
        const auto head = read_head_mark(files, directory, content.log_id);
        // A writer may rotate between the two reads; then the mark is ahead.
        if (head.mark.segment_number > content.segments.back().number && !is_last)
            continue;
        try {
            require_files(machine, directory, content);
            auto active = open_active(machine, directory, content);
            return {
                std::move(content),
                head,
                read.are_both_whole && head.are_both_whole,
                std::move(active)};
        } catch (const error&) {
            // A writer that archived a segment meanwhile has deleted the file that we were told of.
            if (is_last || read_manifest(files, directory).content.generation == content.generation)
                throw;
        }
    }
}

/// What a reader makes of the bytes behind the last good frame.
void judge_as_reader(loaded_log& log, frame_reader& reader, const known_durable& durable) {
    // Beside a living writer, what lies behind the mark is none of our business. Where the last one
    // closed, nothing should be there.
    const bool may_be_written = log.head.mark.state != head_state::closed;
    if (durable.is_bound && log.active.at >= durable.at && may_be_written)
        return;
    const auto torn = judge_tail(log, reader, durable.at);
    if (torn == 0)
        return;
    log.notes.torn_bytes = torn;
    log.notes.notes.push_back(
        std::to_string(torn) +
        " bytes of an unfinished last append are not shown; the next writer puts them aside"
    );
}

/// A sync that failed leaves bytes in the page cache that count as written, and no later sync
/// writes them. Where the process died before it could note that, nobody knows: written again, they
/// are synced again.
void write_again(io::file& file, byte_offset from, byte_offset to) {
    constexpr std::uint64_t at_once = 1_MiB;
    while (from < to) {
        byte_buffer bytes(static_cast<std::size_t>(std::min(at_once, to.value() - from.value())));
        check(file.read_at(from, bytes) == bytes.size(), "what was walked is there");
        file.write_at(from, bytes);
        from = from.advanced(bytes.size());
    }
    file.sync_data();
}

} // namespace

loaded_log load_for_writing(const io::machine& machine, const std::string& directory) {
    auto& files = *machine.files;
    // What is read below must be what is on the disk, or a later power cut takes back what was
    // served.
    for (const auto* name : {manifest_name, head_name}) {
        const auto path = io::join(directory, name);
        if (files.kind(path) == io::path_kind::regular_file)
            files.open(path, io::open_mode::write)->sync_all();
    }
    auto read = read_manifest(files, directory);
    auto& content = read.content;
    const auto active_path = io::join(directory, content.segments.back().file);
    if (files.kind(active_path) == io::path_kind::missing) {
        corruption missing{active_path, byte_offset{0}, "the active segment's file is missing"};
        missing.first_lost = content.segments.back().first;
        throw missing;
    }
    const std::shared_ptr<io::file> active_file = files.open(active_path, io::open_mode::write);
    active_file->sync_all();
    files.sync_directory(directory);

    const auto head = read_head_mark(files, directory, content.log_id);
    require_files(machine, directory, content);
    auto active = open_active(machine, directory, content);
    auto log = begin_loading(machine, directory, std::move(content), head, true);
    log.active_file = active_file;
    const auto take = begin_walking(machine, directory, log, active);
    const auto durable = durable_in_active(log, machine, directory);
    const bool is_cache_suspect = durable.is_same_boot && head.mark.state == head_state::failed;
    auto reader = walk_on(log, is_cache_suspect ? durable.at : no_bound, take);
    if (is_cache_suspect && log.active.at >= durable.at)
        walk_to_watermarks(log, reader, take);
    const auto torn = judge_tail(log, reader, durable.at);
    if (torn > 0) {
        // What was acknowledged at another level than commit need not have been durable.
        const bool is_weaker =
            log.head.mark.in_flight_max > in_flight_max_at_commit(log.content.limits);
        log.notes.torn_bytes = torn;
        // The torn bytes are safe elsewhere before they are cut off.
        log.notes.quarantine_file = copy_to_quarantine(
            files, directory, log.content.segments.back().file, reader.source(), log.active.at, torn
        );
        log.notes.notes.push_back(
            "an unfinished last append of " + std::to_string(torn) + " bytes, which was never " +
            (is_weaker ? "durable" : "acknowledged") + ", was moved to '" +
            log.notes.quarantine_file + "'"
        );
    }
    if (reader.source().size() > log.active.at.value()) {
        active_file->truncate(log.active.at.value());
        active_file->sync_all();
    }
    if (durable.is_bound && log.active.at > durable.at)
        write_again(*active_file, durable.at, log.active.at);
    // Only now may a mark say that all of it is durable.
    rewrite_slots(machine, directory, log, read);
    put_orphans_aside(files, directory, log.content, log.notes.notes);
    if (!log.content.dead.empty()) {
        files.sync_directory(directory);
        log.content.dead.clear();
    }
    log.index->publish();
    return log;
}

void distrust_cache(const io::machine& machine, const std::string& directory) noexcept {
    try {
        const auto content = read_manifest(*machine.files, directory).content;
        const auto head = read_head_mark(*machine.files, directory, content.log_id);
        // A mark of another boot, or one whose newer slot was torn, may be older than what is on
        // the disk: then nothing is said.
        if (head.mark.boot_id != machine.boot_id || !head.are_both_whole)
            return;
        auto mark = head.mark;
        mark.state = head_state::failed;
        slot_writer slots{
            machine.files->open(io::join(directory, head_name), io::open_mode::write),
            slot_kind::head,
            head_slot_size,
            content.log_id,
            head.generation};
        // The failure may have been a sync of the copy that was written last.
        if (!head.is_second_newer)
            slots.spare_second();
        slots.write(encode(mark));
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // The opening's own failure is the one to report.
    }
}

loaded_log load_for_reading(const io::machine& machine, const std::string& directory) {
    for (int attempt = 1;; ++attempt) {
        auto view = take_view(machine, directory);
        auto log = begin_loading(machine, directory, std::move(view.content), view.head, false);
        const auto take = begin_walking(machine, directory, log, view.active);
        const auto durable = durable_in_active(log, machine, directory);
        // Behind the mark of who has closed there is nothing, or the mark is an older one.
        const bool is_bound = durable.is_bound && (view.head.mark.state != head_state::closed ||
                                                   attempt == reading_attempts_max);
        auto reader = walk_on(log, is_bound ? durable.at : no_bound, take);
        // Where there was no writer when the mark was read, one may have come by now: then not all
        // that was read need be durable, and what lies behind is no damage.
        const bool had_no_writer = !durable.is_bound || view.head.mark.state == head_state::closed;
        if (had_no_writer && attempt < reading_attempts_max &&
            read_head_mark(*machine.files, directory, log.content.log_id).mark != view.head.mark)
            continue;
        if (durable.is_bound && log.active.at >= durable.at)
            walk_to_watermarks(log, reader, take);
        judge_as_reader(log, reader, durable);
        if (durable.is_bound && !is_bound && log.active.at > durable.at)
            log.notes.notes.push_back(
                "the head mark is older than the log; what follows it is whole, and is shown"
            );
        if (!view.are_slots_whole)
            log.notes.notes.push_back(
                "one of the two copies of the manifest or of the head mark is damaged or just "
                "being written; the other was used"
            );
        log.index->publish();
        return log;
    }
}

void follow(const io::machine& machine, const std::string& directory, loaded_log& log) {
    if (log.taken_in.is_newest())
        return;
    log.taken_in = {};
    const auto file = std::make_shared<head_file>(*machine.files, directory);
    auto head = read_head_mark(*file, log.content.log_id);
    const seen_head seen{head.word ? file : nullptr, head.word.value_or(0)};
    log.head_word = head.word;
    if (head.mark == log.head.mark) {
        log.taken_in = seen;
        return;
    }
    const auto was_active = log.content.segments.back().number;
    if (head.mark.segment_number != was_active) {
        auto view = take_view(machine, directory);
        head = view.head;
        log.head_word = head.word;
        const auto entry =
            std::ranges::find(view.content.segments, was_active, &segment_entry::number);
        if (entry == view.content.segments.end())
            throw corruption{
                io::join(directory, manifest_name),
                byte_offset{0},
                "the manifest no longer lists a segment that was read before"};
        if (entry->kind != segment_kind::active) {
            const auto& segments = view.content.segments;
            const auto active = beginning_of(segments.back(), &segments[segments.size() - 2]);
            log.index->follow_rotation(*entry, {std::next(entry), segments.end()}, view.active);
            log.active = active;
            log.is_half_added = false;
        }
        log.content = std::move(view.content);
    }
    if (log.is_half_added)
        walk_again(log);
    const auto& active = log.content.segments.back();
    const auto durable = head.mark.segment_id == active.id ? head.mark.durable : first_frame;
    auto reader = walk_on(log, durable, add_to_shared(log));
    if (log.active.at < durable)
        throw damage_at(
            reader.source(), log.active.at, std::string{log.active.why}, log.active.next
        );
    // Only now: after a failure, or ahead of the manifest, the next call tries again.
    if (head.mark.segment_number == active.number) {
        log.head = head;
        if (head.word == seen.word)
            log.taken_in = seen;
    }
    log.index->publish();
}

} // namespace everfold::log
