// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/index_at_close.hpp>
#include <everfold/log/log_writer.hpp>
#include <everfold/log/not_written.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <array>
#include <new>
#include <span>
#include <utility>

namespace everfold::log {

namespace {

/// So much of the active segment is written before its turn. A quarter of it is a large group.
constexpr std::uint64_t zeros_ahead_max = 256_KiB;

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
    , indexed_to_{loaded.indexed_to}
    , is_sealed_{loaded.active.is_sealed}
    , upkeep_{machine_, directory_, *index_, *this, options.compresses_sealed} {
    std::unique_lock all{mutex_}; // upkeep may begin before this is done
    require_lock();
    room_end_ = file_->size(); // what is behind the last frame by now, is zeros
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

void log_writer::rethrow_as_met(const std::exception_ptr& failed) const {
    try {
        std::rethrow_exception(failed);
    } catch (const io_error& e) {
        // Who finds the disk full may count on nothing being left behind. Here something may be.
        if (e.is_disk_full())
            rethrow_failure();
        throw;
    }
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
    complete(*begun);
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
    for (;;) {
        make_room(lock, events, weight);
        framer_.look_up(events);
        if (admits(heads_now{framer_, in_flight_}))
            break;
        framer_.forget_look_up();
        // What stands against it may still be lost, and then nobody should have been told of it.
        const auto end = framer_.here().next;
        if (level_.what() == durability::level::unsafe_none || settle_until(lock, end))
            return {};
    }
    if (gathering_next_ == nullptr)
        gathering_next_ = std::make_shared<group_fate>();
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
    begun_.store(begun_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (durable_waiters_ > 0)
        changed_.notify_all();
    return out;
}

void log_writer::finish(const begun_append& begun) {
    require_process();
    complete(begun);
}

void log_writer::complete(const begun_append& begun) {
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

void log_writer::settle_begun() {
    require_process();
    std::unique_lock lock{mutex_};
    settle_until(lock, framer_.here().next);
}

bool log_writer::settle_until(std::unique_lock<std::mutex>& lock, position end) {
    // Where a full disk takes it back, the next one begins before `end` again.
    while (!failure_ && written_.next < end && framer_.here().next >= end) {
        if (is_busy())
            changed_.wait(lock);
        else
            lead(lock);
    }
    if (failure_)
        rethrow_failure();
    return framer_.here().next >= end;
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
        room_end_ = 0;
        throw not_written{e}; // NOLINT(hicpp-exception-baseclass): never leaves this file
    }
}

void log_writer::write_with_room(bytes_view frames, byte_offset at) {
    const auto end = at.value() + frames.size();
    const auto ahead = std::min<std::uint64_t>(zeros_ahead_max, limits_.batch_bytes_max);
    const auto room_end = std::min(end + ahead, limits_.segment_bytes_max);
    // What is large takes as long as a new size does, and would be written twice.
    const bool is_worth_it = frames.size() < ahead / 4 && room_end > end && !has_no_room_;
    if (end <= room_end_ || !is_worth_it)
        return write_or_take_back(frames, at);
    byte_buffer with_zeros;
    try {
        with_zeros.reserve(static_cast<std::size_t>(room_end - at.value()));
    } catch (const std::bad_alloc&) { // then another time
        return write_or_take_back(frames, at);
    }
    append_bytes(with_zeros, frames);
    with_zeros.resize(static_cast<std::size_t>(room_end - at.value()));
    try {
        may_have_room_ = true;
        write_or_take_back(with_zeros, at);
        room_end_ = room_end;
    } catch (const not_written&) {
        room_end_ = 0;
        has_no_room_ = true;
        write_or_take_back(frames, at);
    }
}

std::uint64_t log_writer::zeros_ahead() const {
    const std::lock_guard lock{mutex_};
    return room_end_ > written_.at.value() ? room_end_ - written_.at.value() : 0;
}

void log_writer::cut_room(byte_offset end) {
    if (room_end_ <= end.value())
        return;
    file_->truncate(end.value());
    file_->sync_all();
    room_end_ = end.value();
}

void log_writer::cut_room_for_good(byte_offset end) {
    if (!may_have_room_)
        return;
    // Where a sync of the cut has failed, in this life or one before, only the page cache may know
    // of it, and would not write it again: so there is something new to cut.
    file_->truncate(end.advanced(frame_trailer_size).value());
    file_->truncate(end.value());
    file_->sync_all(); // before the manifest goes by the size
    room_end_ = 0;
    may_have_room_ = false;
    has_no_room_ = false;
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
    auto at = from.at;
    auto chain = from.chain;
    // Who appends looks into the index, too: not a lock for each frame, nor one for very many.
    std::array<chained_frame, 64> some{};
    std::size_t count = 0;
    while (!group.empty()) {
        const auto header = decode_frame_header(group, seed, at);
        check(header.has_value(), "what was framed is a frame");
        const frame_view frame{at, *header, group.subspan(frame_header_size, header->body_length)};
        chain = chain_after(chain, header->body_checksum);
        at = frame.end();
        group = group.subspan(static_cast<std::size_t>(header->frame_size()));
        some.at(count++) = {frame, chain};
        if (count < some.size() && !group.empty())
            continue;
        const auto* fault = index_->add_batches(std::span{some}.first(count));
        check(fault == nullptr, "what was framed is well-formed");
        count = 0;
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

void log_writer::leave_index() {
    // A segment that ends in its seal is not for long the active one.
    if (is_sealed_)
        return;
    const auto path = io::join(directory_, index_file_name(manifest_.segments.back()));
    const bool is_of_no_use =
        indexed_to_ == first_frame && machine_.files->kind(path) != io::path_kind::missing;
    if (is_of_no_use || durable_.at - indexed_to_ > unindexed_bytes_max(limits_))
        index_->store_active_index(durable_);
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
            cut_room(durable_.at);
            complete(manifest_);
            leave_index();
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
