// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/log_writer.hpp>
#include <everfold/log/not_written.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <utility>

namespace everfold::log {

namespace {

std::string text_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "the machine stopped";
    }
}

} // namespace

class log_writer::heads_now final : public stream_heads {
public:
    heads_now(const batch_framer& framer, bytes_view in_flight)
        : framer_{&framer}
        , in_flight_{in_flight} {}

    [[nodiscard]] std::optional<revision> last(std::string_view stream) const override {
        return framer_->last_revision(stream);
    }

    [[nodiscard]] bool has_append(const uuid& id) const override { return framer_->has_append(id); }

    [[nodiscard]] std::optional<position>
    first_unseen(const std::vector<selection_item>& items, position from) const override {
        return framer_->first_match(items, from, in_flight_);
    }

private:
    const batch_framer* framer_;
    bytes_view in_flight_;
};

log_writer::log_writer(
    io::machine machine,
    std::string directory,
    std::unique_ptr<io::file_lock> lock,
    loaded_log& loaded,
    const writer_options& options
)
    : machine_{std::move(machine)}
    , process_{machine_.files->process_id()}
    , directory_{std::move(directory)}
    , lock_{std::move(lock)}
    , index_{loaded.index.get()}
    , manifest_{loaded.content}
    , file_{loaded.active_file}
    , head_{std::make_unique<slot_writer>(
          machine_.files->open(io::join(directory_, head_name), io::open_mode::write),
          slot_kind::head,
          head_slot_size,
          manifest_.log_id,
          loaded.head.generation
      )}
    , limits_{manifest_.limits}
    , level_{options.level}
    , is_at_commit_{level_.what() == durability::level::commit}
    , in_flight_max_{in_flight_max_at(level_, limits_)}
    , segment_age_max_{options.segment_age_max}
    , pair_{options.pair}
    , last_pair_{loaded.head.mark.pair}
    , framer_{*index_, manifest_.segments.back(), loaded.active}
    , written_{loaded.active}
    , durable_{loaded.active}
    , gathering_{std::make_shared<group_fate>()}
    , is_sealed_{loaded.active.is_sealed}
    , upkeep_{machine_, directory_, *index_, *this, options.compresses_sealed} {
    std::unique_lock all{mutex_}; // upkeep may begin before this is done
    require_lock();
    try {
        if (is_sealed_) {
            rotate();
        } else if (loaded.notes.torn_bytes > 0) {
            framer_.begin_epoch();
            write_control_frame(frame_kind::mark, {});
        }
    } catch (const not_written& frames) {
        throw io_error{frames.why};
    }
    head_->write_both_synced(encode(mark_of(head_state::open)));
    const auto is_sealed_only = [](const segment_entry& s) {
        return s.kind == segment_kind::sealed;
    };
    if (options.compresses_sealed && std::ranges::any_of(manifest_.segments, is_sealed_only))
        upkeep_.want();
    go_on_aging();
    all.unlock();
    upkeep_.do_what_is_wanted();
}

log_writer::~log_writer() {
    try {
        close();
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // close() reports; a destructor can't. Nothing that was acknowledged depends on it.
    }
}

void log_writer::rethrow_failure() const {
    throw writer_failed{failure_, failure_text_};
}

void log_writer::require_process() const {
    if (is_in_forked_child())
        throw error{
            errc::in_use,
            "the log in '" + directory_ +
                "' belongs to the process that opened it, and this is a child that it forked; open "
                "it here for reading"};
}

void log_writer::require_usable() const {
    if (failure_)
        rethrow_failure();
    if (is_closing_)
        throw error{errc::read_only, "the log is closed"};
}

void log_writer::require_lock() const {
    if (!lock_->is_held())
        throw error{
            errc::in_use,
            "the lock file of '" + directory_ +
                "' was removed or replaced, so that this process is no longer its only writer"};
}

void log_writer::fail(std::exception_ptr why) noexcept {
    if (failure_)
        return;
    failure_ = std::move(why);
    try {
        failure_text_ = text_of(failure_);
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // The failure itself is what counts.
    }
    note_failure();
    changed_.notify_all();
}

void log_writer::note_failure() noexcept {
    try {
        // For the next opener on the same boot: what lies behind may never reach the disk. Not
        // where another writer may own the log by now, nor while a sync is under way.
        if (!is_syncing_ && lock_ != nullptr && lock_->is_held())
            head_->write(encode(mark_of(head_state::failed)));
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // The first failure is the one to report; without the mark the ordinary rules apply.
    }
}

std::optional<placed> log_writer::append(
    std::span<const draft> events,
    const uuid& append_id,
    const std::function<bool(const stream_heads&)>& admits,
    const std::optional<durability>& wanted
) {
    auto begun = begin(events, append_id, admits, wanted);
    if (!begun)
        return {};
    finish(*begun);
    return std::move(begun->where);
}

std::optional<begun_append> log_writer::begin(
    std::span<const draft> events,
    const uuid& append_id,
    const std::function<bool(const stream_heads&)>& admits,
    const std::optional<durability>& wanted
) {
    check(!events.empty(), "a batch has at least one event");
    require_process();
    const auto weight = weigh(events, limits_);
    std::unique_lock lock{mutex_};
    make_room(lock, events, weight);
    if (!admits(heads_now{framer_, in_flight_}))
        return {};
    framer_.look_up(events);
    begun_append out{.level = wanted ? stronger(level_, *wanted) : level_, .group = gathering_};
    try {
        const auto now = machine_.time->now();
        out.where = framer_.add_batch(events, append_id, now, durable_.at);
        begin_aging(now);
    } catch (...) {
        // Half-given numbers and revisions can't be taken back one by one.
        fail(std::current_exception());
        throw;
    }
    out.end = framer_.here().next;
    if (durable_waiters_ > 0)
        changed_.notify_all();
    return out;
}

void log_writer::finish(const begun_append& begun) {
    require_process();
    {
        std::unique_lock lock{mutex_};
        reach(lock, begun);
    }
    upkeep_.do_what_is_wanted();
}

void log_writer::make_room(
    std::unique_lock<std::mutex>& lock, std::span<const draft> events, std::uint64_t frame_bytes
) {
    const auto group_max = std::uint64_t{limits_.batch_bytes_max} + frame_overhead;
    for (;;) {
        require_usable();
        if (is_held_up_) {
            changed_.wait(lock);
            continue;
        }
        if (is_sealed_ || is_segment_over(events, frame_bytes))
            is_rotation_wanted_ = true; // nobody appends before that, were there room for less
        if (is_rotation_wanted_) {
            go_on_rotating(lock);
            continue;
        }
        if (framer_.gathered().size() + frame_bytes > group_max)
            settle(lock, gathering_);
        else if (is_too_much_in_flight(frame_bytes))
            make_durable(lock, framer_.here().next);
        else
            return;
    }
}

bool log_writer::is_segment_over(std::span<const draft> events, std::uint64_t frame_bytes) const {
    if (framer_.here().frame_count == 0)
        return false;
    return framer_.here().at.value() + frame_bytes > limits_.segment_bytes_max ||
           !framer_.has_numbers_for(events) || is_segment_old();
}

void log_writer::go_on_rotating(std::unique_lock<std::mutex>& lock) {
    if (is_committing_ || is_busy())
        changed_.wait(lock);
    else if (!framer_.gathered().empty())
        lead(lock);
    else
        rotate_or_fail();
}

void log_writer::settle_begun() {
    require_process();
    std::unique_lock lock{mutex_};
    const auto end = framer_.here().next;
    // Where a full disk takes it back, the next one begins before `end` again.
    while (!failure_ && written_.next < end && framer_.here().next >= end) {
        if (is_busy())
            changed_.wait(lock);
        else
            lead(lock);
    }
    if (failure_)
        rethrow_failure();
}

void log_writer::drain(std::unique_lock<std::mutex>& lock) {
    // Others append while this waits.
    while (!failure_ && (is_busy() || !framer_.gathered().empty())) {
        if (is_busy())
            changed_.wait(lock);
        else
            lead(lock);
    }
}

void log_writer::write_or_take_back(bytes_view frames, byte_offset at) {
    require_lock();
    try {
        file_->write_at(at, frames);
    } catch (const io_error& e) {
        if (!e.is_disk_full())
            throw;
        // Part of it may be there. Once that is gone for good, the log is as before.
        file_->truncate(at.value());
        file_->sync_all();
        throw not_written{e}; // NOLINT(hicpp-exception-baseclass): never leaves this file
    }
}

void log_writer::forget_unwritten(const io_error& why) {
    try {
        // What was gathered behind them can't stand without them. The index holds what is written
        // before them, and no more.
        auto fresh = std::make_shared<group_fate>();
        framer_ = batch_framer{*index_, manifest_.segments.back(), written_};
        in_flight_.clear();
        gathering_->why_forgotten = why;
        gathering_->is_settled = true;
        gathering_ = std::move(fresh);
    } catch (...) {
        fail(std::current_exception());
        throw;
    }
    changed_.notify_all();
}

void log_writer::index_group(bytes_view group, const walk_state& from, std::uint64_t segment_id) {
    const auto seed = header_seed(index_->log_id(), segment_id);
    frame_view frame{.at = from.at};
    auto chain = from.chain;
    while (!group.empty()) {
        const auto header = decode_frame_header(group, seed, frame.at);
        check(header.has_value(), "what was framed is a frame");
        frame.header = *header;
        frame.body = group.subspan(frame_header_size, header->body_length);
        chain = chain_after(chain, frame.header.body_checksum);
        const auto* fault = index_->add_batch(frame, chain);
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
        .durable = durable_.at,
        .end = durable_.next,
        .epoch = framer_.here().epoch,
        .state = state,
        .boot_id = machine_.boot_id,
        .in_flight_max = in_flight_max_,
        .pair = pair_ == 0 ? last_pair_ : pair_,
        .is_paired = pair_ != 0};
}

void log_writer::write_control_frame(frame_kind kind, bytes_view body) {
    check(framer_.gathered().empty() && !is_busy(), "a mark or seal follows what is written");
    framer_.add_control(kind, body, durable_.at);
    framer_.take(in_flight_);
    try {
        write_or_take_back(in_flight_, written_.at);
    } catch (const not_written& frames) {
        forget_unwritten(frames.why);
        throw;
    }
    file_->sync_data();
    in_flight_.clear();
    written_ = framer_.here();
    durable_ = written_;
}

void log_writer::rotate_or_fail() {
    try {
        rotate();
    } catch (const not_written& frames) {
        is_rotation_wanted_ = false; // the segment stays the active one
        throw io_error{frames.why};
    } catch (...) {
        fail(std::current_exception());
        throw;
    }
}

void log_writer::rotate() {
    require_lock();
    if (!is_sealed_) {
        const auto& active = manifest_.segments.back();
        write_control_frame(
            frame_kind::seal,
            encode(seal{
                .first = active.first,
                .end = framer_.here().next,
                .chain = framer_.here().chain,
                .frame_count = framer_.here().frame_count})
        );
        is_sealed_ = true; // nothing may follow it, whatever happens now
    }
    const auto& here = framer_.here();
    auto sealed = manifest_.segments.back();
    sealed.kind = segment_kind::sealed;
    sealed.end = here.next;
    sealed.end_offset = here.at;
    sealed.chain_end = here.chain;
    sealed.recorded_last_ns = here.recorded_ns;
    sealed.epoch_end = here.epoch;
    sealed.event_count = here.next - sealed.first;
    sealed.has_own_streams = index_->active().has_own_streams();
    sealed.occurred_min_ns = index_->active().occurred_min_ns();
    sealed.occurred_max_ns = index_->active().occurred_max_ns();

    const auto id = machine_.random->next_u64();
    const segment_entry fresh{
        .number = sealed.number + 1,
        .id = id,
        .first = sealed.end,
        .chain_start = sealed.chain_end,
        .file = segment_file_name(sealed.end, id, "evl")};
    auto file = create_or_take_back(fresh);
    complete(manifest_);
    auto next = manifest_;
    next.segments.back() = sealed;
    next.segments.push_back(fresh);
    has_copies_ = commit_manifest(*machine_.files, directory_, next);
    manifest_ = std::move(next);
    index_->seal_active(sealed);
    index_->add_active(fresh, open_plain(file, io::join(directory_, fresh.file)));
    index_->publish();
    file_ = std::move(file);
    framer_.begin_segment(fresh);
    written_ = framer_.here();
    durable_ = written_;
    is_sealed_ = false;
    is_rotation_wanted_ = false;
    is_next_wanted_ = false;
    grows_since_ns_.reset();
    // As a commit does: the mark may lag, and the first frame here says what was durable.
    head_->write(encode(mark_of(head_state::open)));
    upkeep_.want();
}

void log_writer::complete(manifest& m) {
    if (has_copies_ == copies::both)
        return;
    complete_manifest(*machine_.files, directory_, m);
    has_copies_ = copies::both;
}

std::shared_ptr<io::file> log_writer::create_or_take_back(const segment_entry& fresh) {
    const auto made_ahead = std::exchange(next_file_, nullptr);
    try {
        if (made_ahead == nullptr)
            return create_segment(machine_, directory_, fresh, manifest_);
        return become_segment(machine_, directory_, *made_ahead, fresh, manifest_);
    } catch (const io_error& e) {
        if (!e.is_disk_full())
            throw;
        // Nobody knows of it yet.
        for (const auto& name : {fresh.file, std::string{next_segment_name}})
            remove_if_there(name);
        throw not_written{e}; // NOLINT(hicpp-exception-baseclass): never leaves this file
    }
}

void log_writer::remove_if_there(const std::string& name) {
    const auto path = io::join(directory_, name);
    if (machine_.files->kind(path) != io::path_kind::missing)
        machine_.files->remove(path);
}

void log_writer::want_next_segment() {
    if (is_next_wanted_ || written_.at.value() < limits_.segment_bytes_max / 2)
        return;
    is_next_wanted_ = true;
    upkeep_.want();
}

void log_writer::make_next_segment_ahead() {
    std::unique_lock lock{mutex_};
    if (failure_ || is_closing_ || !is_next_wanted_ || next_file_ != nullptr || is_making_next_)
        return;
    require_lock();
    is_making_next_ = true; // one at a time: the file has one name
    lock.unlock();
    std::shared_ptr<io::file> made;
    std::exception_ptr failed;
    try {
        made = make_next_segment(*machine_.files, directory_);
    } catch (...) {
        failed = std::current_exception();
    }
    lock.lock();
    is_making_next_ = false;
    if (failed)
        std::rethrow_exception(failed);
    if (is_next_wanted_) // else a rotation has come before it
        next_file_ = std::move(made);
}

void log_writer::seal_active_if(const std::function<bool()>& wanted) {
    std::unique_lock lock{mutex_};
    require_usable();
    // Or appenders, each of whom begins a new group, would never let the last one end.
    changed_.wait(lock, [this] { return !is_held_up_; });
    is_held_up_ = true;
    try {
        do {
            changed_.wait(lock, [this] { return !is_committing_; });
            drain(lock);
        } while (is_committing_);
        require_usable();
        if (wanted())
            rotate_or_fail();
    } catch (...) {
        is_held_up_ = false;
        changed_.notify_all();
        throw;
    }
    is_held_up_ = false;
    changed_.notify_all();
}

archived log_writer::archive(const std::function<bool(const segment_index&)>& wanted) {
    require_process();
    seal_active_if([&] { return wanted(index_->active()); });
    upkeep_.do_what_is_wanted();
    return upkeep_.archive(wanted);
}

scavenged log_writer::scavenge(const removal_plan& plan, const std::string& why) {
    require_process();
    seal_active_if([&] {
        const auto views = index_->segments();
        const auto active = index_->open(views.back());
        return active.event_count > 0 && !plan(active).events.empty();
    });
    const auto out = upkeep_.scavenge(plan, why, limits_);
    upkeep_.do_what_is_wanted();
    return out;
}

segment_entry log_writer::entry_of(std::uint64_t number) {
    const std::lock_guard lock{mutex_};
    require_usable();
    return *std::ranges::find(manifest_.segments, number, &segment_entry::number);
}

bool log_writer::replace_entry(const segment_entry& entry) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return !is_committing_; });
    if (failure_ || is_closing_)
        return false;
    require_lock();
    auto now = manifest_;
    auto next = manifest_;
    auto& replaced = *std::ranges::find(next.segments, entry.number, &segment_entry::number);
    next.dead.push_back(replaced.file);
    replaced = entry;
    beside_appends(lock, [&] {
        complete(now);
        next.generation = now.generation;
        has_copies_ = commit_manifest(*machine_.files, directory_, next);
        complete(next);
    });
    manifest_ = std::move(next);
    return true;
}

void log_writer::complete_manifest_copies() {
    std::unique_lock lock{mutex_};
    if (failure_ || is_closing_ || is_committing_ || has_copies_ == copies::both)
        return;
    require_lock();
    auto same = manifest_;
    beside_appends(lock, [&] { complete(same); });
    manifest_.generation = same.generation;
}

void log_writer::beside_appends(
    std::unique_lock<std::mutex>& lock, const std::function<void()>& commit
) {
    is_committing_ = true;
    lock.unlock();
    std::exception_ptr failed;
    try {
        commit();
    } catch (...) {
        failed = std::current_exception();
    }
    lock.lock();
    is_committing_ = false;
    changed_.notify_all();
    if (failed) {
        fail(failed);
        std::rethrow_exception(failed);
    }
}

void log_writer::forget_dead(const std::string& file) {
    const std::lock_guard lock{mutex_};
    std::erase(manifest_.dead, file); // the next change of the manifest says so
}

void log_writer::close() {
    require_process();
    std::unique_lock lock{mutex_};
    if (is_closing_) {
        changed_.wait(lock, [&] { return lock_ == nullptr; });
        return;
    }
    is_closing_ = true; // nothing more is taken in; what was is finished
    const auto give_up_lock = [&] {
        head_.reset(); // who opens the log next looks whether anybody can still write to it
        lock_.reset();
        changed_.notify_all();
    };
    upkeep_.request_stop(); // before it could meet a closed log
    lock.unlock();
    upkeep_.join();
    lock.lock();
    try {
        drain(lock);
        while (is_busy() || is_committing_)
            changed_.wait(lock);
        if (!failure_)
            sync_written(lock);
        stop_syncer(lock);
        if (!failure_) {
            require_lock();
            next_file_.reset();
            remove_if_there(next_segment_name);
            complete(manifest_);
            head_->write_both_synced(encode(mark_of(head_state::closed)));
        }
    } catch (...) {
        fail(std::current_exception());
        stop_syncer(lock);
        give_up_lock();
        throw;
    }
    give_up_lock();
    if (failure_)
        rethrow_failure();
}

} // namespace everfold::log
