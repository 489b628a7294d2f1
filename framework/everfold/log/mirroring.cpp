// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/creation.hpp>
#include <everfold/log/log_comparison.hpp>
#include <everfold/log/mirroring.hpp>
#include <everfold/log/quarantine.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <utility>

namespace everfold::log {

namespace {

/// There while the mirror is made from nothing: then what is in the directory is ours alone, and
/// may be thrown away.
constexpr const char* unfinished_name = "LOG.mirroring";

/// What precedes the counts in an index file.
constexpr std::size_t index_identity_size = 72;

bool is_there(io::file_system& files, const std::string& directory, std::string_view name) {
    return files.kind(io::join(directory, name)) != io::path_kind::missing;
}

void remove_if_there(io::file_system& files, const std::string& path) {
    if (files.kind(path) != io::path_kind::missing)
        files.remove(path);
}

const segment_entry* entry_of_file(const manifest& content, const std::string& file) {
    const auto found = std::ranges::find(content.segments, file, &segment_entry::file);
    return found == content.segments.end() ? nullptr : &*found;
}

std::string in_words(position p) {
    return "position " + std::to_string(p.value());
}

/// One bringing up to date.
class update {
public:
    update(
        const io::machine& machine,
        const std::string& from,
        const loaded_log& log,
        const std::string& to,
        std::vector<std::string>& notes
    )
        : machine_{&machine}
        , files_{machine.files.get()}
        , from_{&from}
        , to_{&to}
        , log_{&log}
        , notes_{&notes} {}

    void run() {
        const bool is_unfinished = is_there(*files_, *to_, unfinished_name);
        if (is_there(*files_, *to_, manifest_name))
            look_and_judge();
        else if (!is_unfinished && has_events_without_manifest(*files_, *to_))
            static_cast<void>(read_manifest(*files_, *to_)); // says what is wrong
        for (const auto& entry : log_->content.segments) {
            if (is_there_as_it_should_be(entry))
                kept_.push_back(entry.file);
        }
        const bool is_in_place = old_ && can_go_step_by_step();
        if (old_)
            put_tail_aside();
        if (!is_in_place)
            begin_anew();
        copy_segments();
        files_->sync_directory(*to_);
        if (is_in_place) {
            // The old head mark names a segment of either manifest, the new one need not.
            copy_slots(manifest_name);
            copy_slots(head_name);
        } else {
            copy_slots(head_name);
            files_->sync_directory(io::parent(*to_));
            copy_slots(manifest_name); // last: without it, it is not a log
        }
        clean_up();
        say();
    }

private:
    void look_and_judge() {
        old_ = look_at(*machine_, *to_);
        if (old_->content.log_id != log_->content.log_id)
            throw error{
                errc::invalid,
                "'" + printable(*to_) + "' is another log, and can't be the mirror of '" +
                    printable(*from_) + "'"};
        common_ = common_end(*machine_, *old_, mine());
        if (common_ == old_->end.next)
            return;
        // What the last writer of both has acknowledged, it had made durable in both, or written,
        // this one first. What this one lacks, nobody was promised.
        const auto& mark = old_->head;
        const bool is_promised_to_nobody = mark.is_paired && mark.pair != 0 &&
                                           mark.pair == log_->head.mark.pair &&
                                           old_->durable <= common_;
        if (!is_promised_to_nobody)
            refuse();
    }

    [[nodiscard]] compared_log mine() const {
        return {
            .directory = *from_,
            .content = log_->content,
            .head = log_->head.mark,
            .end = log_->active};
    }

    [[noreturn]] void refuse() const {
        const auto end = log_->active.next;
        const auto is_removed_from =
            std::ranges::any_of(log_->content.segments, [&](const segment_entry& s) {
                return s.is_rewritten && s.first < old_->end.next && old_->end.next < s.end;
            });
        auto why = "the mirror '" + printable(*to_) + "' of '" + printable(*from_) + "' ";
        if (common_ == end)
            why += "holds events from " + in_words(common_) +
                   " on that the log itself has not: open the mirror, with the other as its mirror";
        else if (is_removed_from)
            why += "can't be compared with it behind " + in_words(common_) +
                   ", where events were removed from the log meanwhile: move the mirror away, and "
                   "a new one is made";
        else
            why += "has gone its own way from " + in_words(common_) + ", up to " +
                   in_words(old_->end.next) + " (the log goes on to " + in_words(end) +
                   "): to go on with the log, move the mirror away, and a new one is made";
        throw error{errc::diverged, std::move(why)};
    }

    /// Whether the page cache may show what is not on the disk.
    [[nodiscard]] bool is_cache_suspect() const {
        const auto& mark = old_->head;
        const bool is_other_boot = !mark.boot_id.is_nil() && !machine_->boot_id.is_nil() &&
                                   mark.boot_id != machine_->boot_id;
        return mark.state == head_state::failed && !is_other_boot;
    }

    [[nodiscard]] bool is_named_by_head(const segment_entry& entry) const {
        return old_->head.segment_number == entry.number && old_->head.segment_id == entry.id;
    }

    [[nodiscard]] bool is_kept(const segment_entry& entry) const {
        return std::ranges::find(kept_, entry.file) != kept_.end();
    }

    [[nodiscard]] bool is_there_as_it_should_be(const segment_entry& entry) const {
        const auto* before = old_ ? entry_of_file(old_->content, entry.file) : nullptr;
        if (before == nullptr)
            return false;
        // It was durable before the mirror's manifest said so.
        if (entry.kind != segment_kind::active && *before == entry)
            return true;
        const auto mine = open_here(*from_, entry.file);
        const auto theirs = open_here(*to_, entry.file);
        const byte_offset size{mine->size()};
        return !is_cache_suspect() && is_named_by_head(entry) && old_->head.durable >= size &&
               theirs->size() == size.value() && common_bytes(*mine, *theirs) == size;
    }

    /// Whether the mirror opens after each single step, as what it was or what it will be.
    [[nodiscard]] bool can_go_step_by_step() const {
        const auto& segments = log_->content.segments;
        const auto named = std::ranges::find_if(segments, [&](const segment_entry& s) {
            return is_named_by_head(s);
        });
        if (is_cache_suspect() || named == segments.end())
            return false;
        if (named->kind != segment_kind::active && old_->head.end > named->end)
            return false;
        return std::ranges::all_of(segments, [&](const segment_entry& s) {
            const auto* before = entry_of_file(old_->content, s.file);
            if (before == nullptr || is_kept(s))
                return true;
            // The longer file of a segment that is the mirror's active one.
            if (before->kind != segment_kind::active || before->id != s.id)
                return false;
            const auto same = common_bytes(*open_here(*from_, s.file), *open_here(*to_, s.file));
            return same >= (is_named_by_head(s) ? old_->head.durable : first_frame);
        });
    }

    /// What the mirror holds beyond the log was promised to nobody, and is not thrown away either.
    void put_tail_aside() {
        const auto& active = old_->content.segments.back();
        const auto theirs = open_segment(*machine_, *to_, active, old_->content.log_id);
        auto from = first_frame;
        for (const auto& b : old_->active) {
            if (b.at <= common_)
                from = b.offset;
        }
        if (common_ == old_->end.next)
            from = old_->end.at;
        const auto same = std::ranges::find(log_->content.segments, active.id, &segment_entry::id);
        if (same != log_->content.segments.end()) {
            const auto mine = open_segment(*machine_, *from_, *same, log_->content.log_id);
            from = std::max(from, common_bytes(*mine, *theirs));
        }
        frame_reader reader{theirs, 0, 0};
        const auto used = from.value() < theirs->size() ? reader.used_bytes_after(from) : 0;
        if (used == 0)
            return;
        const auto copy = copy_to_quarantine(*files_, *to_, active.file, *theirs, from, used);
        notes_->push_back(
            std::to_string(used) +
            " bytes at the end of the mirror, which were never acknowledged"
            " and which the log does not have, were moved to '" +
            copy + "'"
        );
    }

    /// From here on, and until it is made, the mirror is no log.
    void begin_anew() {
        const auto marker = io::join(*to_, unfinished_name);
        if (files_->kind(marker) == io::path_kind::missing)
            files_->open(marker, io::open_mode::create_new)->sync_all();
        files_->sync_directory(*to_);
        remove_if_there(*files_, io::join(*to_, manifest_name));
        files_->sync_directory(*to_);
        if (old_)
            return;
        for (const auto& name : files_->list(*to_)) {
            if (name.starts_with("seg-"))
                files_->remove(io::join(*to_, name));
        }
    }

    void copy_segments() {
        for (const auto& entry : log_->content.segments) {
            const auto index = index_file_name(entry);
            const bool is_here = is_there(*files_, *from_, index);
            if (!is_kept(entry)) {
                remove_if_there(*files_, io::join(*to_, index)); // of what is replaced
                copy(entry.file);
                ++copied_;
            }
            const auto is_known = is_there(*files_, *to_, index);
            if (is_known && !(is_here && is_same_index(index)))
                files_->remove(io::join(*to_, index));
            if (is_here && !is_there(*files_, *to_, index))
                copy(index);
        }
    }

    /// Whether both are of the segment in the same state: of one that grew, they need not be.
    [[nodiscard]] bool is_same_index(const std::string& name) const {
        const auto identity_in = [&](const std::string& directory) {
            byte_buffer out(index_identity_size);
            segment_source::scratch mine;
            out.resize(open_here(directory, name)->read_at(byte_offset{0}, out, mine));
            return out;
        };
        return identity_in(*from_) == identity_in(*to_);
    }

    /// Durable once the directory is synced.
    void copy(const std::string& name) {
        const auto path = io::join(*to_, name);
        const auto temporary = path + ".tmp";
        remove_if_there(*files_, temporary);
        const auto source = open_here(*from_, name);
        {
            segment_source::scratch mine;
            const auto target = files_->open(temporary, io::open_mode::create_new);
            byte_buffer piece(256_KiB);
            for (byte_offset at{};;) {
                const auto n = source->read_at(at, piece, mine);
                if (n == 0)
                    break;
                target->write_at(at, bytes_view{piece}.first(n));
                at = at.advanced(n);
            }
            target->sync_all();
        }
        files_->rename(temporary, path);
    }

    void copy_slots(const char* name) {
        const auto content = io::read_whole(
            *files_, io::join(*from_, name), std::numeric_limits<std::size_t>::max()
        );
        io::replace_durably(*files_, io::join(*to_, name), content);
    }

    void clean_up() {
        // The log has their events in other files, or without what was removed from it. What the
        // mirror's manifest gave up may be live all the same: that one may be an unfinished change.
        std::vector<std::string> before;
        if (old_) {
            before = old_->content.dead;
            for (const auto& s : old_->content.segments)
                before.push_back(s.file);
        }
        for (const auto& name : before) {
            if (entry_of_file(log_->content, name) == nullptr)
                remove_if_there(*files_, io::join(*to_, name));
        }
        put_orphans_aside(*files_, *to_, log_->content, *notes_);
        remove_if_there(*files_, io::join(*to_, unfinished_name));
        files_->sync_directory(*to_);
    }

    void say() {
        const auto to = printable(*to_);
        if (!old_)
            notes_->push_back("the mirror '" + to + "' was made");
        else if (old_->end.next != log_->active.next)
            notes_->push_back(
                "the mirror '" + to + "' was brought up to date from " + in_words(common_) +
                " on; " + std::to_string(copied_) + " of its files were copied"
            );
    }

    [[nodiscard]] std::shared_ptr<segment_source>
    open_here(const std::string& directory, const std::string& name) const {
        auto path = io::join(directory, name);
        std::shared_ptr<io::file> file = files_->open(path, io::open_mode::read);
        return open_plain(std::move(file), std::move(path));
    }

    const io::machine* machine_;
    io::file_system* files_;
    const std::string* from_;
    const std::string* to_;
    const loaded_log* log_;
    std::vector<std::string>* notes_;
    std::optional<compared_log> old_{};
    position common_{};
    std::vector<std::string> kept_{}; // files
    std::uint64_t copied_{};
};

} // namespace

void prepare_mirror(
    const io::machine& machine, const std::string& directory, const std::string& mirror
) {
    auto& files = *machine.files;
    const auto kind = files.kind(mirror, true);
    const bool is_new = kind == io::path_kind::missing;
    if (!is_new && kind != io::path_kind::directory)
        throw error{
            errc::not_a_log, "'" + printable(mirror) + "' is not a log: a log is a directory"};
    if (files.is_within(is_new ? io::parent(mirror) : mirror, directory) ||
        (!is_new && files.is_within(directory, mirror)))
        throw error{
            errc::invalid,
            "'" + printable(mirror) + "' can't be the mirror of '" + printable(directory) +
                "': one lies in the other, or they are the same"};
    if (!is_there(files, mirror, manifest_name) && !is_there(files, mirror, unfinished_name))
        prepare_directory(machine, mirror);
}

void bring_up_to_date(
    const io::machine& machine,
    const std::string& directory,
    const loaded_log& log,
    const std::string& mirror,
    std::vector<std::string>& notes
) {
    try {
        update{machine, directory, log, mirror, notes}.run();
    } catch (error& e) {
        e.add("bringing the mirror '" + printable(mirror) + "' up to date");
        for (const auto& note : log.notes.notes)
            e.add("before that, " + note);
        throw;
    }
}

} // namespace everfold::log
