// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/segment_files.hpp>

#include <algorithm>

namespace everfold::log {

namespace {

/// Sealed segments whose files stay open for the next reader.
constexpr std::size_t kept_open = 32;

constexpr std::uint64_t seal_frame_size = frame_overhead + seal_body_size;

/// A sealed segment ends in its seal, and there is nothing behind it.
void require_seal(
    const std::shared_ptr<segment_source>& source,
    const segment_entry& entry,
    const uuid& log_id,
    std::uint32_t batch_bytes_max
) {
    const auto damaged = [&](const char* what) {
        return damage_at(*source, entry.end_offset, what, entry.first);
    };
    if (source->size() != entry.end_offset.value())
        throw damaged("the segment has another size than when it was sealed");
    if (entry.end_offset.value() < first_frame.value() + seal_frame_size)
        throw damaged("the manifest says that the segment is too short for its seal");
    const byte_offset at{entry.end_offset.value() - seal_frame_size};
    frame_reader reader{source, header_seed(log_id, entry.id), batch_bytes_max};
    const auto* frame = reader.read(at, entry.end_offset);
    const auto s = frame != nullptr && frame->header.kind == frame_kind::seal
                       ? decode_seal(frame->body)
                       : std::nullopt;
    if (!s || s->first != entry.first || s->end != entry.end || s->chain != entry.chain_end)
        throw damaged("the segment does not end in its seal");
}

} // namespace

segment_files::segment_files(
    io::machine machine,
    std::string directory,
    uuid log_id,
    std::uint32_t batch_bytes_max,
    bool stores_indexes
)
    : machine_{std::move(machine)}
    , directory_{std::move(directory)}
    , log_id_{log_id}
    , batch_bytes_max_{batch_bytes_max}
    , stores_indexes_{stores_indexes} {}

std::shared_ptr<segment_source> segment_files::open(const segment_entry& entry) const {
    auto source = open_segment(machine_, directory_, entry, log_id_);
    require_seal(source, entry, log_id_, batch_bytes_max_);
    return source;
}

std::optional<segment_entry> segment_files::replaced(const segment_entry& entry) const {
    const auto now = read_manifest(*machine_.files, directory_).content;
    const auto found = std::ranges::find(now.segments, entry.number, &segment_entry::number);
    if (found == now.segments.end() || found->kind == segment_kind::active ||
        found->file == entry.file || found->first != entry.first || found->end != entry.end ||
        found->chain_end != entry.chain_end)
        return {};
    return *found;
}

std::shared_ptr<segment_source> segment_files::source_of(const segment_entry& entry) {
    const auto find = [&] {
        return std::ranges::find(open_, entry.file, [](const auto& o) { return o.first; });
    };
    {
        const std::lock_guard lock{mutex_};
        if (const auto known = find(); known != open_.end()) {
            open_.splice(open_.begin(), open_, known);
            return open_.front().second;
        }
    }
    auto source = open(entry); // without the lock: others need not wait for the disk
    const std::lock_guard lock{mutex_};
    if (find() == open_.end()) {
        open_.emplace_front(entry.file, source);
        if (open_.size() > kept_open)
            open_.pop_back();
    }
    return source;
}

index_identity segment_files::identity_of(const segment_entry& entry) const {
    return {
        log_id_,
        entry.id,
        entry.first,
        entry.end,
        entry.end_offset,
        entry.chain_end,
        entry.event_count,
        entry.is_rewritten};
}

void segment_files::note(std::string sentence) {
    const std::lock_guard lock{mutex_};
    notes_.push_back(std::move(sentence));
}

std::shared_ptr<const segment_index> segment_files::index_of(const segment_entry& entry) {
    const auto name = index_file_name(entry);
    const auto path = io::join(directory_, name);
    if (machine_.files->kind(path) != io::path_kind::missing) {
        std::string why;
        auto found = read_stored_index(*machine_.files, path, why);
        if (found.content != nullptr && found.of == identity_of(entry))
            return std::move(found.content);
        if (found.content != nullptr)
            why = "it is of another segment, or of another state of it";
        // Until it is stored anew, the one from before the segment was sealed may be there.
        if (!found.of.growth)
            note("the index '" + name + "' is not used: " + why);
    }
    const auto made =
        walk_sealed_segment(source_of(entry), entry, nullptr, log_id_, batch_bytes_max_);
    if (stores_indexes_) {
        if (auto stored = store_index(entry, *made))
            return stored;
    }
    return made;
}

std::shared_ptr<const segment_index>
segment_files::store_index(const segment_entry& entry, const segment_index& index) {
    const auto name = index_file_name(entry);
    const auto path = io::join(directory_, name);
    std::string why;
    try {
        const std::lock_guard one_at_a_time{storing_};
        io::replace_durably(*machine_.files, path, encode(index, identity_of(entry)));
        if (auto stored = open_stored_index(*machine_.files, path, identity_of(entry), why))
            return stored;
    } catch (const error& e) {
        why = e.what();
    }
    note("the index '" + name + "' could not be stored and is kept in memory: " + why);
    return nullptr;
}

void segment_files::store_active_index(
    const segment_entry& entry, const segment_index& index, const index_identity& of
) {
    const auto name = index_file_name(entry);
    try {
        const std::lock_guard one_at_a_time{storing_};
        io::replace_durably(*machine_.files, io::join(directory_, name), encode(index, of));
    } catch (const error& e) {
        note("the index '" + name + "' could not be stored: " + e.what());
    }
}

std::string
segment_files::compare_index(const segment_entry& entry, const segment_index& truth) const {
    const auto name = index_file_name(entry);
    const auto path = io::join(directory_, name);
    if (machine_.files->kind(path) == io::path_kind::missing)
        return {};
    const auto content = machine_.files->open(path, io::open_mode::read)->map();
    if (std::ranges::equal(content->bytes(), encode(truth, identity_of(entry))))
        return {};
    std::string why;
    if (read_stored_index(*machine_.files, path, why).of.growth)
        return {}; // from before the segment was sealed
    return "the index '" + name +
           "' does not say what the segment holds; delete the file, and the "
           "next writer makes it again";
}

void segment_files::forget(const segment_entry& entry) {
    const std::lock_guard lock{mutex_};
    open_.remove_if([&](const auto& o) { return o.first == entry.file; });
}

void segment_files::note_failure(const char* what, const std::exception& why) noexcept {
    try {
        note(std::string{what} + why.what());
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // A note is for the reader. Threads that nobody waits for must not end with it.
    }
}

std::vector<std::string> segment_files::take_notes() {
    const std::lock_guard lock{mutex_};
    return std::exchange(notes_, {});
}

} // namespace everfold::log
