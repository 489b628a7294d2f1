// SPDX-License-Identifier: MIT
// How one segment follows another, and what the manifest says of them. docs/rewriting/seal.md.

#include <everfold/base/check.hpp>
#include <everfold/base/error.hpp>
#include <everfold/log/log_writer.hpp>
#include <everfold/log/not_written.hpp>
#include <everfold/log/segment_file.hpp>

#include <algorithm>
#include <utility>

namespace everfold::log {

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
    cut_room_for_good(here.at);
    auto sealed = manifest_.segments.back();
    sealed.kind = segment_kind::sealed;
    sealed.end = here.next;
    sealed.end_offset = here.at;
    sealed.chain_end = here.chain;
    sealed.recorded_last_ns = here.recorded_ns;
    sealed.epoch_end = here.epoch;
    sealed.event_count = here.next - sealed.first;
    sealed.has_own_streams = index_->active().summary().has_own_streams;
    sealed.occurred_min_ns = index_->active().summary().occurred_min_ns;
    sealed.occurred_max_ns = index_->active().summary().occurred_max_ns;

    const auto id = machine_.random->next_u64();
    const segment_entry fresh{
        .number = sealed.number + 1,
        .id = id,
        .first = sealed.end,
        .chain_start = sealed.chain_end,
        .file = segment_file_name(sealed.end, id, "evl")};
    auto file = create_or_take_back(fresh);
    auto source = open_plain(file, io::join(directory_, fresh.file));
    complete(manifest_);
    auto next = manifest_;
    next.segments.back() = sealed;
    next.segments.push_back(fresh);
    has_copies_ = commit_manifest(*machine_.files, directory_, next);
    // All of this together, or a mark that is left where something fails from here on would name
    // the new segment and an offset in the old one.
    manifest_ = std::move(next);
    file_ = std::move(file);
    framer_.begin_segment(fresh);
    written_ = framer_.here();
    durable_ = written_;
    indexed_to_ = first_frame;
    index_->seal_active(sealed);
    index_->add_active(fresh, std::move(source));
    index_->publish();
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

} // namespace everfold::log
