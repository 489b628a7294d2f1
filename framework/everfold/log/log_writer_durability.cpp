// SPDX-License-Identifier: MIT
// How what was framed becomes as durable as it was asked for. docs/log_format.md, "Durability".

#include <everfold/base/check.hpp>
#include <everfold/log/not_written.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <thread>
#include <utility>

namespace everfold::log {

namespace {

/// Of what nobody waits for, so much gathers before it is written.
constexpr std::size_t gathered_bytes_max = 1_MiB;

/// Of what is finished later, so many are told without a look at what else is due.
constexpr std::size_t completed_at_once = 64;

/// A sync waits no longer for those who are about to join it: a few wake-ups.
constexpr std::chrono::microseconds cohort_wait_max{60};

} // namespace

std::uint64_t in_flight_max_at(const durability& level, const size_limits& limits) noexcept {
    const auto two_groups = in_flight_max_at_commit(limits);
    // A segment, which one batch alone may overfill, and its seal.
    const auto segment = limits.segment_bytes_max + two_groups;
    switch (level.what()) {
    case durability::level::commit:
        return two_groups;
    case durability::level::interval:
        return two_groups + 2 * std::min(level.bytes(), limits.segment_bytes_max / 2);
    case durability::level::os:
    case durability::level::unsafe_none:
        return segment;
    }
    return segment;
}

bool log_writer::is_too_much_in_flight(std::uint64_t frame_bytes) const noexcept {
    // Both are in the active segment.
    return framer_.here().at.value() - durable_.at.value() + frame_bytes > in_flight_max_;
}

void log_writer::settle(
    std::unique_lock<std::mutex>& lock, const std::shared_ptr<group_fate>& group
) {
    // A reference to gathering_ would change.
    const auto mine = group; // NOLINT(performance-unnecessary-copy-initialization)
    while (!mine->is_settled) {
        if (failure_)
            rethrow_failure();
        if (is_at_commit_ ? is_syncing_ : is_writing_)
            changed_.wait(lock);
        else
            lead(lock);
    }
    if (mine->why_forgotten)
        throw io_error{*mine->why_forgotten};
}

void log_writer::reach(std::unique_lock<std::mutex>& lock, const begun_append& begun) {
    using enum durability::level;
    const auto level = begun.level.what();
    if (level == unsafe_none && !begun.group->is_settled) {
        if (failure_)
            rethrow_failure();
        const bool is_wanted =
            visible_waiters_ > 0 || framer_.gathered().size() >= gathered_bytes_max;
        if (is_wanted && !is_writing_)
            lead(lock);
        return;
    }
    settle(lock, begun.group);
    if (level == commit)
        make_durable(lock, begun.end);
    else if (level == interval && durable_.next < begun.end)
        want_sync(lock, begun.level);
}

void log_writer::lead(std::unique_lock<std::mutex>& lock) {
    if (is_at_commit_)
        write_and_sync(lock);
    else
        write_out(lock);
}

std::shared_ptr<group_fate> log_writer::take_gathered() {
    if (gathering_next_ == nullptr)
        gathering_next_ = std::make_shared<group_fate>();
    return std::exchange(gathering_, std::move(gathering_next_));
}

std::chrono::nanoseconds log_writer::time_of_sync() const {
    // A simulated clock moves where it is read.
    return machine_.has_background ? machine_.time->monotonic() : std::chrono::nanoseconds{};
}

void log_writer::await_cohort(std::unique_lock<std::mutex>& lock) {
    const auto all = taken_ + cohort_;
    if (!machine_.has_background || begun_.load(std::memory_order_relaxed) >= all)
        return;
    const auto until =
        time_of_sync() + std::min<std::chrono::nanoseconds>(sync_took_, cohort_wait_max);
    lock.unlock();
    while (begun_.load(std::memory_order_relaxed) < all && time_of_sync() < until)
        std::this_thread::yield();
    lock.lock();
}

void log_writer::write_and_sync(std::unique_lock<std::mutex>& lock) {
    is_syncing_ = true;
    await_cohort(lock);
    if (failure_) {
        is_syncing_ = false;
        changed_.notify_all();
        note_failure();
        rethrow_failure();
    }
    const auto group = take_gathered();
    const auto taken_before = std::exchange(taken_, begun_.load(std::memory_order_relaxed));
    framer_.take(in_flight_);
    const auto from = durable_;
    const auto to = framer_.here();
    auto mark = mark_of(head_state::open);
    mark.durable = to.at;
    mark.end = to.next;
    std::exception_ptr failed;
    bool is_durable = false;
    const auto began = time_of_sync();
    lock.unlock();
    try {
        write_with_room(in_flight_, from.at);
        file_->sync_data();
        // Only now, and as far as was written before the sync began.
        head_->write(encode(mark));
        is_durable = true;
        index_group(in_flight_, from, mark.segment_id);
    } catch (not_written& frames) {
        // Nobody looks before it is settled. Moved: a copy may need memory that is not there.
        group->why_forgotten.emplace(std::move(frames.why));
    } catch (...) {
        failed = std::current_exception();
    }
    lock.lock();
    is_syncing_ = false;
    in_flight_.clear();
    cohort_ = begun_.load(std::memory_order_relaxed) - taken_before;
    sync_took_ = time_of_sync() - began;
    if (is_durable) {
        written_ = to;
        durable_ = to;
    }
    end_group(failed, *group);
}

void log_writer::write_out(std::unique_lock<std::mutex>& lock) {
    const auto group = take_gathered();
    is_writing_ = true;
    framer_.take(in_flight_);
    const auto from = written_;
    const auto to = framer_.here();
    const auto segment_id = manifest_.segments.back().id;
    std::exception_ptr failed;
    lock.unlock();
    try {
        write_or_take_back(in_flight_, from.at);
        index_group(in_flight_, from, segment_id);
    } catch (not_written& frames) {
        if (level_.what() == durability::level::unsafe_none)
            failed = std::make_exception_ptr(frames.why); // some of it was acknowledged
        else
            group->why_forgotten.emplace(std::move(frames.why));
    } catch (...) {
        failed = std::current_exception();
    }
    lock.lock();
    is_writing_ = false;
    in_flight_.clear();
    if (!failed && !group->why_forgotten)
        written_ = to;
    end_group(failed, *group);
}

void log_writer::end_group(const std::exception_ptr& failed, group_fate& group) {
    changed_.notify_all();
    if (failed) {
        fail(failed);
        rethrow_as_met(failed); // the others learn of it as writer_failed
    }
    group.is_settled = true;
    if (group.why_forgotten)
        forget_unwritten(*group.why_forgotten);
    else
        want_next_segment();
}

void log_writer::sync_written(std::unique_lock<std::mutex>& lock) {
    check(!is_syncing_, "one sync is in flight at a time");
    sync_due_.reset(); // whoever wrote meanwhile says so again
    if (durable_.at == written_.at)
        return;
    is_syncing_ = true;
    // Others write meanwhile: only as far as was written before the sync began.
    const auto to = written_;
    auto mark = mark_of(head_state::open);
    mark.durable = to.at;
    mark.end = to.next;
    std::exception_ptr failed;
    lock.unlock();
    try {
        require_lock();
        file_->sync_data();
        head_->write(encode(mark));
    } catch (...) {
        failed = std::current_exception();
    }
    lock.lock();
    is_syncing_ = false;
    if (!failed)
        durable_ = to;
    changed_.notify_all();
    if (failure_)
        note_failure(); // of a write, which could not while this was under way
    if (failed) {
        fail(failed);
        rethrow_as_met(failed);
    }
}

void log_writer::make_durable(std::unique_lock<std::mutex>& lock, position end) {
    // What there was no room for is gone again.
    while (durable_.next < end && framer_.here().next >= end) {
        if (failure_)
            rethrow_failure();
        if (is_syncing_ || (written_.next < end && is_writing_))
            changed_.wait(lock);
        else if (written_.next < end)
            lead(lock);
        else
            sync_written(lock);
    }
}

bool log_writer::is_sync_due() const {
    return sync_due_ && (written_.at.value() - durable_.at.value() >= sync_due_->bytes ||
                         machine_.time->monotonic() >= sync_due_->at);
}

void log_writer::want_sync(std::unique_lock<std::mutex>& lock, const durability& within) {
    const sync_due mine{machine_.time->monotonic() + within.period(), within.bytes()};
    const bool is_first = !sync_due_;
    sync_due_ =
        is_first
            ? mine
            : sync_due{std::min(sync_due_->at, mine.at), std::min(sync_due_->bytes, mine.bytes)};
    if (!machine_.has_background) {
        if (is_sync_due() && !is_syncing_)
            sync_written(lock);
        return;
    }
    start_syncer();
    if (is_first || is_sync_due())
        syncer_wakes_.notify_one();
}

// ---- the writer's thread

void log_writer::start_syncer() {
    if (!syncer_.joinable() && !is_syncer_stopped_)
        syncer_ = std::jthread{[this] { run_syncer(); }};
}

void log_writer::finish_later(begun_append begun, std::function<void(std::exception_ptr)> then) {
    check(machine_.has_background, "only a machine with a background finishes later");
    std::unique_lock lock{mutex_};
    completions_.push_back({std::move(begun), std::move(then)});
    if (is_syncer_stopped_) // closed meanwhile, and settled by that
        return complete_rest(lock);
    start_syncer();
    syncer_wakes_.notify_one();
}

void log_writer::run_syncer() {
    std::unique_lock lock{mutex_};
    for (;;) {
        if (failure_)
            sync_due_.reset(); // nothing more is synced
        if (is_segment_old() && !failure_ && !is_closing_ && completions_.empty()) {
            rotate_if_old(lock);
            continue;
        }
        const bool is_due = is_sync_due();
        if (is_due && !is_syncing_) {
            try {
                sync_written(lock);
            } catch (...) { // NOLINT(bugprone-empty-catch)
                // The writer has failed, and tells everybody who comes.
            }
        } else if (!completions_.empty()) {
            complete_first(lock);
        } else if (is_syncer_stopped_) {
            return;
        } else if (is_due) {
            changed_.wait(lock);
        } else if (sync_due_ || grows_since_ns_) {
            // The wall clock may jump meanwhile, so it is looked at now and then.
            auto longest = std::chrono::nanoseconds{std::chrono::minutes{1}};
            if (sync_due_)
                longest = std::min(longest, sync_due_->at - machine_.time->monotonic());
            if (grows_since_ns_ && segment_age_max_ > std::chrono::nanoseconds{})
                longest = std::min(longest, segment_age_max_);
            syncer_wakes_.wait_for(lock, longest);
        } else {
            syncer_wakes_.wait(lock);
        }
    }
}

bool log_writer::is_segment_old() const {
    if (!grows_since_ns_ || framer_.here().next == manifest_.segments.back().first)
        return false;
    const auto now = machine_.time->now().to_nanoseconds().value_or(0);
    return now - *grows_since_ns_ >= segment_age_max_.count();
}

void log_writer::begin_aging(timestamp now) {
    if (segment_age_max_ <= std::chrono::nanoseconds{} || grows_since_ns_)
        return;
    grows_since_ns_ = now.to_nanoseconds().value_or(0);
    if (machine_.has_background) {
        start_syncer();
        syncer_wakes_.notify_one();
    }
}

void log_writer::go_on_aging() {
    const auto& active = index_->active();
    if (segment_age_max_ <= std::chrono::nanoseconds{} || active.event_count() == 0)
        return;
    // What was imported is recorded as old as it is; the segment is not.
    byte_buffer bytes(segment_header_size);
    const auto size = file_->read_at(byte_offset{0}, bytes);
    const auto path = io::join(directory_, manifest_.segments.back().file);
    const auto created = decode_segment_header(bytes_view{bytes}.first(size), path).created_ns;
    begin_aging(timestamp::from_nanoseconds(std::max(created, active.frame(0).recorded_last_ns)));
}

void log_writer::rotate_if_old(std::unique_lock<std::mutex>& lock) {
    if (is_held_up_) {
        changed_.wait(lock);
        return;
    }
    try {
        is_rotation_wanted_ = true;
        go_on_rotating(lock);
    } catch (const std::exception& e) {
        if (failure_)
            return;
        // No room: once more when it is as old again.
        index_->files().note_failure("a segment was not sealed at its age: ", e);
        grows_since_ns_ = machine_.time->now().to_nanoseconds().value_or(0);
    } catch (...) {
        fail(std::current_exception());
    }
}

void log_writer::complete_first(std::unique_lock<std::mutex>& lock) {
    std::array<completion, completed_at_once> done{};
    std::size_t count = 0;
    const auto take = [&] {
        done.at(count++) = std::move(completions_.front());
        completions_.pop_front();
    };
    take();
    const auto& first = done.front().begun;
    std::exception_ptr why;
    try {
        reach(lock, first);
        // Those behind it that share its fate: the lock is free while they are told.
        while (count < done.size() && !completions_.empty() &&
               completions_.front().begun.group == first.group &&
               completions_.front().begun.level == first.level)
            take();
    } catch (...) {
        why = std::current_exception();
    }
    lock.unlock();
    for (const auto& c : std::span{done}.first(count))
        c.then(why);
    lock.lock();
}

void log_writer::stop_syncer(std::unique_lock<std::mutex>& lock) {
    is_syncer_stopped_ = true;
    syncer_wakes_.notify_one();
    lock.unlock();
    if (syncer_.joinable())
        syncer_.join();
    lock.lock();
    complete_rest(lock);
}

void log_writer::complete_rest(std::unique_lock<std::mutex>& lock) {
    while (!completions_.empty())
        complete_first(lock);
}

// ---- who wants to know

position log_writer::durable_end() const {
    const std::lock_guard lock{mutex_};
    return durable_.next;
}

bool log_writer::wait_durable(position p, std::chrono::milliseconds timeout) {
    require_process();
    using clock = std::chrono::steady_clock;
    const auto deadline = clock::now() + std::min(timeout, longest_wait);
    const bool is_helped = level_.what() == durability::level::interval && machine_.has_background;
    std::unique_lock lock{mutex_};
    ++durable_waiters_;
    const auto until_then = [&] {
        while (durable_.next <= p) {
            if (failure_)
                rethrow_failure();
            if (lock_ == nullptr)
                return false;
            if (!is_helped && framer_.here().next > p)
                make_durable(lock, p.advanced(1));
            else if (changed_.wait_until(lock, deadline) == std::cv_status::timeout)
                return durable_.next > p;
        }
        return true;
    };
    bool out = false;
    try {
        out = until_then();
    } catch (const error&) {
        --durable_waiters_;
        if (failure_)
            rethrow_failure();
        throw;
    } catch (...) {
        --durable_waiters_;
        throw;
    }
    --durable_waiters_;
    return out;
}

void log_writer::show_acknowledged() {
    if (level_.what() != durability::level::unsafe_none || is_in_forked_child())
        return; // at the others, what is acknowledged is written
    std::unique_lock lock{mutex_};
    const auto end = framer_.here().next;
    try {
        while (!failure_ && written_.next < end) {
            if (is_writing_)
                changed_.wait(lock);
            else
                lead(lock);
        }
    } catch (const error&) { // NOLINT(bugprone-empty-catch)
        // The writer has failed, and tells everybody who appends.
    }
}

bool log_writer::wait_visible(position p, std::chrono::milliseconds timeout) {
    struct waiter {
        log_writer& on;

        void count(int by) const {
            const std::lock_guard lock{on.mutex_};
            on.visible_waiters_ += by;
        }

        explicit waiter(log_writer& writer)
            : on{writer} {
            count(1);
        }

        waiter(const waiter&) = delete;
        waiter& operator=(const waiter&) = delete;
        waiter(waiter&&) = delete;
        waiter& operator=(waiter&&) = delete;
        ~waiter() { count(-1); }
    };
    const waiter mine{*this};
    show_acknowledged();
    return index_->wait_for(p, timeout);
}

} // namespace everfold::log
