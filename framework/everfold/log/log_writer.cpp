// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/log_writer.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace everfold::log {

namespace {

std::uint64_t names_size(std::string_view name) {
    return aligned_8(names_record_header_size + name.size());
}

void require_name(std::string_view name, const char* what) {
    if (name.empty() || name.size() > name_bytes_max)
        throw error{
            errc::invalid,
            std::string{what} + " has 1 to 255 bytes; this one has " + std::to_string(name.size())};
    if (!is_utf8(name))
        throw error{
            errc::invalid, std::string{what} + " is UTF-8; '" + printable(name) + "' is not"};
}

/// Bytes that the batch's frame takes at most. Throws where it is more than the log allows.
std::uint64_t weigh(std::span<const draft> events, const size_limits& limits) {
    std::uint64_t batch = frame_overhead + append_id_size;
    for (const auto& event : events) {
        require_name(event.stream, "a stream's name");
        require_name(event.type, "an event type");
        batch += names_size(event.stream) + names_size(event.type);
        for (const auto& tag : event.tags) {
            require_name(tag, "a tag");
            batch += names_size(tag);
        }
        if (event.tags.size() > tags_max)
            throw error{errc::limit, "an event has at most 255 tags"};
        const auto size =
            record_size_max(event.tags.size(), event.metadata.size(), event.payload.size());
        if (size > limits.event_bytes_max)
            throw error{
                errc::limit,
                "an event of type '" + printable(event.type) + "' takes " + std::to_string(size) +
                    " bytes; this log allows " + std::to_string(limits.event_bytes_max)};
        batch += size;
    }
    if (batch > limits.batch_bytes_max)
        throw error{
            errc::limit,
            "an append of " + std::to_string(events.size()) + " events may take " +
                std::to_string(batch) + " bytes; this log allows " +
                std::to_string(limits.batch_bytes_max) + " at once"};
    return batch;
}

} // namespace

class log_writer::heads_now final : public stream_heads {
public:
    explicit heads_now(const log_writer& writer)
        : writer_{&writer} {}

    [[nodiscard]] std::optional<revision> last(std::string_view stream) const override {
        const auto number = writer_->index_->find_stream(stream);
        if (!number || *number >= writer_->next_revisions_.size() ||
            writer_->next_revisions_[*number] == 0)
            return {};
        return revision{writer_->next_revisions_[*number] - 1};
    }

private:
    const log_writer* writer_;
};

log_writer::log_writer(
    io::machine machine,
    std::string directory,
    std::unique_ptr<io::file_lock> lock,
    loaded_log& loaded
)
    : machine_{std::move(machine)}
    , directory_{std::move(directory)}
    , lock_{std::move(lock)}
    , index_{loaded.index.get()}
    , manifest_{loaded.content}
    , file_{loaded.active_file}
    , submitted_{loaded.active.at.value()}
    , durable_{loaded.active.at.value()}
    , next_{loaded.active.next}
    , durable_end_{loaded.active.next}
    , chain_{loaded.active.chain}
    , frame_count_{loaded.active.frame_count}
    , epoch_{std::max(loaded.active.epoch, loaded.head.mark.epoch)}
    , recorded_ns_{loaded.active.recorded_ns}
    , is_sealed_{loaded.active.is_sealed} {
    head_ = std::make_unique<slot_writer>(
        machine_.files->open(io::join(directory_, head_name), io::open_mode::write),
        slot_kind::head,
        head_slot_size,
        manifest_.log_id,
        loaded.head.generation
    );
    next_revisions_.resize(index_->stream_count());
    for (std::uint32_t i = 0; i < next_revisions_.size(); ++i)
        next_revisions_[i] = index_->next_revision(i).value_or(0);
    load_local_numbers(index_->segments().back().of->index);
    if (is_sealed_)
        rotate();
    else if (loaded.notes.torn_bytes > 0)
        begin_epoch();
    head_->write_both_synced(encode(mark_of(head_state::open)));
}

log_writer::~log_writer() {
    try {
        close();
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // close() reports; a destructor can't. Nothing that was acknowledged depends on it.
    }
}

void log_writer::load_local_numbers(const segment_index& index) {
    streams_here_.clear();
    types_here_.clear();
    tags_here_.clear();
    active_streams_.clear();
    for (std::uint32_t i = 0; i < index.stream_count(); ++i) {
        const auto& events = index.of_stream(i);
        streams_here_.emplace(index.stream(i).number, i);
        active_streams_.push_back(
            {static_cast<std::uint32_t>(events.size()),
             events.empty() ? 0 : index.offset_of(events.back()).value()}
        );
    }
    for (std::uint32_t i = 0; i < index.type_count(); ++i)
        types_here_.emplace(index.type(i), i);
    for (std::uint32_t i = 0; i < index.tag_count(); ++i)
        tags_here_.emplace(index.tag(i), i);
}

void log_writer::rethrow_failure() const {
    throw writer_failed{failure_, failure_text_};
}

void log_writer::require_usable() const {
    if (failure_)
        rethrow_failure();
    if (is_closed_)
        throw error{errc::read_only, "the log is closed"};
}

void log_writer::fail(std::exception_ptr why) noexcept {
    if (failure_)
        return;
    failure_ = std::move(why);
    try {
        std::rethrow_exception(failure_);
    } catch (const std::exception& e) {
        failure_text_ = e.what();
    } catch (...) {
        failure_text_ = "the machine stopped";
    }
    try {
        // For the next opener on the same boot: what lies behind may never reach the disk. Not
        // where another writer may own the log by now, nor while a sync is under way.
        if (!is_syncing_ && lock_->is_held())
            head_->write(encode(mark_of(head_state::failed)));
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // The first failure is the one to report; without the mark the ordinary rules apply.
    }
    changed_.notify_all();
}

std::optional<placed> log_writer::append(
    std::span<const draft> events,
    const uuid& append_id,
    const std::function<bool(const stream_heads&)>& admits
) {
    check(!events.empty(), "a batch has at least one event");
    const auto weight = weigh(events, manifest_.limits);
    std::unique_lock lock{mutex_};
    make_room(lock, weight);
    if (!admits(heads_now{*this}))
        return {};
    placed out;
    try {
        out = frame(events, append_id);
    } catch (...) {
        // Half-entered names and revisions can't be taken back one by one.
        fail(std::current_exception());
        throw;
    }
    wait_until_durable(lock, submitted_);
    return out;
}

void log_writer::make_room(std::unique_lock<std::mutex>& lock, std::uint64_t frame_bytes) {
    const auto group_max = std::uint64_t{manifest_.limits.batch_bytes_max} + frame_overhead;
    for (;;) {
        require_usable();
        if (submitted_ + frame_bytes > manifest_.limits.segment_bytes_max && frame_count_ > 0) {
            if (!gathering_.empty() || is_syncing_) {
                drain(lock);
                continue;
            }
            try {
                rotate();
            } catch (...) {
                fail(std::current_exception());
                throw;
            }
            continue;
        }
        if (gathering_.size() + frame_bytes <= group_max)
            return;
        drain(lock);
    }
}

void log_writer::drain(std::unique_lock<std::mutex>& lock) {
    wait_until_durable(lock, submitted_);
}

void log_writer::wait_until_durable(std::unique_lock<std::mutex>& lock, std::uint64_t offset) {
    const auto segment = manifest_.segments.back().number;
    // A later segment means that this one was synced whole.
    while (manifest_.segments.back().number == segment && durable_ < offset) {
        if (failure_)
            rethrow_failure();
        if (is_syncing_)
            changed_.wait(lock);
        else
            lead(lock);
    }
}

void log_writer::lead(std::unique_lock<std::mutex>& lock) {
    is_syncing_ = true;
    std::swap(gathering_, in_flight_);
    gathering_.clear();
    const auto end_offset = submitted_;
    const auto end = next_;
    const byte_offset at{end_offset - in_flight_.size()};
    auto mark = mark_of(head_state::open);
    mark.durable = byte_offset{end_offset};
    mark.end = end;
    std::exception_ptr failed;
    lock.unlock();
    try {
        write_group(in_flight_, at, mark);
    } catch (...) {
        failed = std::current_exception();
    }
    lock.lock();
    is_syncing_ = false;
    if (failed) {
        fail(failed);
        std::rethrow_exception(failed); // the others learn of it as writer_failed
    }
    durable_ = end_offset;
    durable_end_ = end;
    changed_.notify_all();
}

void log_writer::write_group(bytes_view group, byte_offset at, const head_mark& mark) {
    if (!lock_->is_held())
        throw error{
            errc::in_use,
            "the lock file of '" + directory_ +
                "' was removed or replaced, so that this process is no longer its only writer"};
    file_->write_at(at, group);
    file_->sync_data();
    // Only now, and as far as was written before the sync began.
    head_->write(encode(mark));
    frame_view frame{.at = at};
    const auto seed = header_seed(index_->log_id(), mark.segment_id);
    while (!group.empty()) {
        const auto header = decode_frame_header(group, seed, frame.at);
        check(header.has_value(), "what was framed is a frame");
        frame.header = *header;
        frame.body = group.subspan(frame_header_size, header->body_length);
        const auto* fault = index_->add_batch(frame);
        check(fault == nullptr, "what was framed is well-formed");
        frame.at = frame.end();
        group = group.subspan(static_cast<std::size_t>(header->frame_size()));
    }
    index_->publish();
}

head_mark log_writer::mark_of(head_state state) const {
    const auto& active = manifest_.segments.back();
    return {
        .segment_number = active.number,
        .segment_id = active.id,
        .durable = byte_offset{durable_},
        .end = durable_end_,
        .epoch = epoch_,
        .state = state,
        .boot_id = machine_.boot_id};
}

log_writer::stream_place log_writer::local_stream(std::string_view name) {
    const auto number = index_->intern_stream(name);
    if (number >= next_revisions_.size())
        next_revisions_.resize(number + 1);
    const auto [it, is_new] =
        streams_here_.emplace(number, static_cast<std::uint32_t>(streams_here_.size()));
    if (is_new) {
        active_streams_.emplace_back();
        append_record(
            gathering_,
            names_record{
                .kind = name_kind::stream,
                .number = it->second,
                .base = next_revisions_[number],
                .name = name}
        );
    }
    return {it->second, revision{next_revisions_[number]++}};
}

std::uint16_t log_writer::local_type(const draft& event) {
    const auto number = index_->intern_type(event.type, event.version, event.format);
    const auto [it, is_new] =
        types_here_.emplace(number, static_cast<std::uint32_t>(types_here_.size()));
    if (it->second >= names_record_mark)
        throw error{errc::limit, "a segment has at most 65,535 event types"};
    if (is_new)
        append_record(
            gathering_,
            names_record{
                .kind = name_kind::type,
                .number = it->second,
                .version = event.version,
                .base = static_cast<std::uint64_t>(event.format),
                .name = event.type}
        );
    return static_cast<std::uint16_t>(it->second);
}

std::uint32_t log_writer::local_tag(std::string_view text) {
    const auto number = index_->intern_tag(text);
    const auto [it, is_new] =
        tags_here_.emplace(number, static_cast<std::uint32_t>(tags_here_.size()));
    if (is_new)
        append_record(
            gathering_, names_record{.kind = name_kind::tag, .number = it->second, .name = text}
        );
    return it->second;
}

placed log_writer::frame(std::span<const draft> events, const uuid& append_id) {
    const auto start = gathering_.size();
    const auto frame_at = submitted_;
    placed out{.first = next_};

    // recorded_at never falls; an import keeps its place in time, as far as that lies between.
    constexpr auto ns_max = std::numeric_limits<std::int64_t>::max();
    const auto now = std::max(recorded_ns_, machine_.time->now().to_nanoseconds().value_or(0));
    std::vector<std::int64_t> recorded;
    recorded.reserve(events.size());
    auto last = recorded_ns_;
    for (const auto& event : events) {
        auto wanted = now;
        if (const auto& original = event.originally_recorded_at)
            wanted = original->to_nanoseconds().value_or(original->seconds() < 0 ? 0 : ns_max);
        last = std::clamp(wanted, last, std::max(last, now));
        recorded.push_back(last);
    }

    gathering_.resize(start + frame_header_size);
    append_bytes(gathering_, append_id.octets);
    byte_buffer tags;
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto& event = events[i];
        event_record record;
        const auto place = local_stream(event.stream);
        record.stream = place.local;
        out.revisions.push_back(place.next);
        record.type = local_type(event);
        tags.clear();
        for (const auto& tag : event.tags)
            append_le(tags, local_tag(tag));
        auto& stream = active_streams_[record.stream];
        const auto record_at = frame_at + (gathering_.size() - start);
        record.revision_in_segment = stream.next_in_segment++;
        record.back_link =
            stream.last_record_at == 0
                ? 0
                : static_cast<std::uint32_t>((record_at - stream.last_record_at) / 8);
        stream.last_record_at = record_at;
        record.tags = tags;
        record.recorded_ns = recorded[i];
        record.occurred_at = event.occurred_at.value_or(timestamp::from_nanoseconds(recorded[i]));
        record.id = event.id;
        record.correlation_id = event.correlation_id;
        record.causation_id = event.causation_id;
        record.metadata = event.metadata;
        record.payload = event.payload;
        append_record(gathering_, record, last);
    }
    recorded_ns_ = last;
    finish_frame(
        start,
        {.kind = frame_kind::batch,
         .event_count = static_cast<std::uint32_t>(events.size()),
         .first = next_}
    );
    next_ = next_.advanced(events.size());
    return out;
}

void log_writer::finish_frame(std::size_t start, frame_header header) {
    const auto body = bytes_view{gathering_}.subspan(start + frame_header_size);
    header.body_length = static_cast<std::uint32_t>(body.size());
    header.epoch = epoch_;
    header.chain_low = static_cast<std::uint32_t>(chain_);
    header.watermark = byte_offset{durable_};
    header.recorded_ns = recorded_ns_;
    header.body_checksum = checksum(body, header.first.value());
    gathering_.resize(gathering_.size() + frame_trailer_size);
    encode_frame_header(
        gathering_.data() + start,
        header,
        header_seed(manifest_.log_id, manifest_.segments.back().id),
        byte_offset{submitted_}
    );
    encode_frame_trailer(
        gathering_.data() + gathering_.size() - frame_trailer_size, header.frame_size()
    );
    if (header.kind == frame_kind::batch)
        chain_ = chain_after(chain_, header.body_checksum);
    submitted_ += header.frame_size();
    ++frame_count_;
}

void log_writer::write_control_frame(frame_kind kind, bytes_view body) {
    check(gathering_.empty() && !is_syncing_, "a mark or seal follows what is durable");
    gathering_.resize(frame_header_size);
    append_bytes(gathering_, body);
    const auto at = submitted_;
    finish_frame(0, {.kind = kind, .first = next_});
    file_->write_at(byte_offset{at}, gathering_);
    file_->sync_data();
    gathering_.clear();
    durable_ = submitted_;
}

void log_writer::begin_epoch() {
    ++epoch_;
    write_control_frame(frame_kind::mark, {});
}

void log_writer::rotate() {
    auto sealed = manifest_.segments.back();
    sealed.kind = segment_kind::sealed;
    sealed.end = next_;
    sealed.chain_end = chain_;
    if (!is_sealed_)
        write_control_frame(
            frame_kind::seal,
            encode(seal{
                .first = sealed.first, .end = next_, .chain = chain_, .frame_count = frame_count_})
        );
    sealed.end_offset = byte_offset{submitted_};

    const auto id = machine_.random->next_u64();
    segment_entry fresh{
        .number = sealed.number + 1,
        .id = id,
        .first = next_,
        .chain_start = chain_,
        .file = segment_file_name(next_, id, "evl")};
    auto file = create_segment(machine_, directory_, fresh, manifest_);
    auto next = manifest_;
    next.dead.clear(); // deleted before, or at the next opening
    next.segments.back() = sealed;
    next.segments.push_back(fresh);
    commit_manifest(*machine_.files, directory_, next);
    manifest_ = std::move(next);
    index_->add_segment(fresh, open_plain(file, io::join(directory_, fresh.file)));
    index_->publish();
    file_ = std::move(file);
    submitted_ = durable_ = segment_header_size;
    frame_count_ = 0;
    is_sealed_ = false;
    streams_here_.clear();
    types_here_.clear();
    tags_here_.clear();
    active_streams_.clear();
    head_->write_both_synced(encode(mark_of(head_state::open)));
}

archived log_writer::archive(const std::function<bool(const segment_index&)>& wanted) {
    const std::lock_guard one_at_a_time{archiving_};
    {
        std::unique_lock lock{mutex_};
        require_usable();
        drain(lock);
        while (is_syncing_)
            changed_.wait(lock);
        require_usable();
        if (wanted(index_->segments().back().of->index)) {
            try {
                rotate();
            } catch (...) {
                fail(std::current_exception());
                throw;
            }
        }
    }
    archived out;
    auto views = index_->segments();
    views.pop_back(); // the active one
    for (const auto& view : views) {
        if (wanted(view.of->index))
            archive_one(view, out);
    }
    return out;
}

void log_writer::archive_one(const segment_view& view, archived& done) {
    auto& files = *machine_.files;
    const auto entry_of = [&](manifest& m) -> segment_entry& {
        return *std::ranges::find(m.segments, view.of->number, &segment_entry::number);
    };
    segment_entry entry;
    {
        const std::lock_guard lock{mutex_};
        require_usable();
        entry = entry_of(manifest_);
    }
    if (entry.kind != segment_kind::sealed)
        return;
    const auto old_file = entry.file;
    entry.kind = segment_kind::archived;
    entry.file = segment_file_name(entry.first, machine_.random->next_u64(), "evz");
    const auto path = io::join(directory_, entry.file);
    std::shared_ptr<segment_source> source;
    try {
        source = write_archive(files, path, *view.source, manifest_.log_id, entry.id);
        files.sync_directory(directory_);
    } catch (...) {
        const auto why = std::current_exception();
        try {
            files.remove(path); // nobody knows of it yet
        } catch (...) {         // NOLINT(bugprone-empty-catch)
            // The next opening puts it aside; the first failure is the one to report.
        }
        std::rethrow_exception(why);
    }
    {
        const std::lock_guard lock{mutex_};
        require_usable();
        auto next = manifest_;
        entry_of(next) = entry;
        next.dead = {old_file};
        try {
            commit_manifest(files, directory_, next);
        } catch (...) {
            fail(std::current_exception());
            throw;
        }
        manifest_ = std::move(next);
    }
    index_->move_segment(entry.number, std::move(source));
    files.remove(io::join(directory_, old_file));
    ++done.segments;
    done.events += view.event_count;
}

void log_writer::close() {
    std::unique_lock lock{mutex_};
    if (is_closed_)
        return;
    if (!failure_) {
        drain(lock);
        while (is_syncing_)
            changed_.wait(lock);
        if (!failure_)
            head_->write_both_synced(encode(mark_of(head_state::closed)));
    }
    is_closed_ = true;
    lock_.reset();
    if (failure_)
        rethrow_failure();
}

} // namespace everfold::log
