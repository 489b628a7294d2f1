// SPDX-License-Identifier: MIT
#pragma once
// The one writer of a log: frames batches, groups them, writes, syncs, acknowledges; rotates.
// docs/log_format.md, "Writing".

#include <everfold/base/durability.hpp>
#include <everfold/base/error.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/batch_framer.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/opening.hpp>
#include <everfold/log/slots.hpp>
#include <everfold/log/upkeep.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace everfold::log {

/// What the writer knows of streams when it decides whether a batch may be appended: everything
/// that was admitted before, durable or not yet.
class stream_heads {
public:
    virtual ~stream_heads() = default;
    [[nodiscard]] virtual std::optional<revision> last(std::string_view stream) const = 0;
    /// Whether a batch with this id was appended lately: in the active segment or the
    /// append_id_segments before it.
    [[nodiscard]] virtual bool has_append(const uuid& id) const = 0;
    /// The first event at or behind `from` that matches any of `items` and is not yet in the index,
    /// whose end() was `from` or more at some time before.
    [[nodiscard]] virtual std::optional<position>
    first_unseen(const std::vector<selection_item>& items, position from) const = 0;

protected:
    stream_heads() = default;
    stream_heads(const stream_heads&) = default;
    stream_heads(stream_heads&&) = default;
    stream_heads& operator=(const stream_heads&) = default;
    stream_heads& operator=(stream_heads&&) = default;
};

struct writer_options {
    bool compresses_sealed{true};
    /// The least that append() promises.
    durability level{};
    /// A segment whose first event is as old is followed by a new one; zero: none is.
    std::chrono::nanoseconds segment_age_max{};
    /// Where the log has a mirror: a number for this writer, that both directories will know.
    std::uint64_t pair{};
};

/// Shared by all whose frames are written together. Each throws a copy: whoever catches one may add
/// to it.
struct group_fate {
    /// At level commit they are durable, at the others written.
    bool is_settled{};
    std::optional<io_error> why_forgotten{}; // then they are in no file
};

/// A batch that has its place and is on its way.
struct begun_append {
    placed where{};
    position end{};
    durability level{};
    std::shared_ptr<group_fate> group{};
};

/// Owns:       the lock, the active segment's file, the head mark; and the upkeep of sealed ones.
/// Threads:    any. One sync is in flight while the next group gathers. Where the level is not
///             commit, others write meanwhile.
/// Durability: append() returns once its batch is as durable as the level says. Readers of
///             the index see, at level commit, what survives a power cut; else what is written.
///             So is what it says where it is refused: what stands against it is not lost.
/// Failure:    the first failed write or sync is final; each later call throws writer_failed. But a
///             write that the disk has no room for is taken back: the appends that were waiting
///             throw io_error, nothing of them is in the log, and the next one may find room. At
///             level unsafe_none, where they do not wait, that is final too.
class log_writer final : private sealed_entries {
public:
    /// Takes over what was loaded, under a lock that is held.
    log_writer(
        io::machine machine,
        std::string directory,
        std::unique_ptr<io::file_lock> lock,
        loaded_log& loaded,
        const writer_options& options
    );
    log_writer(const log_writer&) = delete;
    log_writer& operator=(const log_writer&) = delete;
    log_writer(log_writer&&) = delete;
    log_writer& operator=(log_writer&&) = delete;
    /// Closes where close() was not called; what fails then was not acknowledged anyway.
    ~log_writer() override;

    /// Appends all of `events`, at least one, as one batch; nothing where `admits` says no. It is
    /// asked under the writer's lock. Throws errc::limit or invalid before anything is written.
    /// `wanted` may ask for more than the writer's level.
    [[nodiscard]] std::optional<placed> append(
        std::span<const draft> events,
        const uuid& append_id,
        const std::function<bool(const stream_heads&)>& admits,
        const std::optional<durability>& wanted
    );

    /// The first half of append(): gives the batch its place in the log, behind all that were begun
    /// before. Waits where a whole group has gathered and the one before it is still being written.
    [[nodiscard]] std::optional<begun_append> begin(
        std::span<const draft> events,
        const uuid& append_id,
        const std::function<bool(const stream_heads&)>& admits,
        const std::optional<durability>& wanted
    );

    /// The second half: returns once the batch is as durable as it was asked for.
    void finish(const begun_append& begun);

    /// The same on a thread of the writer's, where the machine has a background: `then` is called
    /// there, with null or why it failed, once and in the order of these calls. It must not throw,
    /// nor close the writer.
    void finish_later(begun_append begun, std::function<void(std::exception_ptr)> then);

    /// One past the last event that survives a power cut.
    [[nodiscard]] position durable_end() const;

    /// Waits until durable_end() is past `p`, at most `timeout` and one sync; whether it is. At
    /// levels where nobody else would, it syncs what is there. Throws writer_failed.
    [[nodiscard]] bool wait_durable(position p, std::chrono::milliseconds timeout);

    /// Waits until what was begun before the call is in the index, or nowhere. Throws
    /// writer_failed.
    void settle_begun();

    /// Writes what append() has acknowledged, so that readers of the index see it. Does not throw
    /// where that fails: who appends next learns of it.
    void show_acknowledged();

    /// Waits as log_index::wait_for() does; what is acknowledged meanwhile is shown at once.
    [[nodiscard]] bool wait_visible(position p, std::chrono::milliseconds timeout);

    /// Compresses each segment for which `wanted` holds; seals the active one first where it holds
    /// for that. Appends go on meanwhile.
    archived archive(const std::function<bool(const segment_index&)>& wanted);

    /// Removes the events that `plan` names from the sealed segments, each of which is written
    /// anew; seals the active one first where it holds such events. Appends go on meanwhile. `why`
    /// goes into the record of it. docs/rewriting/scavenge.md.
    scavenged scavenge(const removal_plan& plan, const std::string& why);

    /// Bytes of the active segment's file that lie ahead of its frames.
    [[nodiscard]] std::uint64_t zeros_ahead() const;

    /// Writes what is gathered, marks the log as closed and gives up the lock. Idempotent.
    void close();

    /// Whether this is a copy in a forked child, which has none of the threads and maybe a lock
    /// that nobody will give back: then it must not even be destroyed.
    [[nodiscard]] bool is_in_forked_child() const noexcept {
        return machine_.files->process_id() != process_;
    }

private:
    class heads_now;
    struct not_written;

    struct completion {
        begun_append begun{};
        std::function<void(std::exception_ptr)> then{};
    };

    /// What waits for a sync may do so until then, or until it is so many bytes.
    struct sync_due {
        std::chrono::nanoseconds at{};
        std::uint64_t bytes{};
    };

    void require_process() const; // before mutex_

    // All below: under mutex_, unless it says otherwise.
    void require_usable() const;
    /// Before every write: a writer that lost its lock must not touch the log of another.
    void require_lock() const;
    [[noreturn]] void rethrow_failure() const;
    /// For whoever met the failure first.
    [[noreturn]] void rethrow_as_met(const std::exception_ptr& failed) const;
    void fail(std::exception_ptr why) noexcept;
    void note_failure() noexcept;
    void make_room(
        std::unique_lock<std::mutex>& lock, std::span<const draft> events, std::uint64_t frame_bytes
    );
    /// Waits until what lies before `end` is written, and at level commit durable. False where a
    /// full disk has taken some of it back.
    bool settle_until(std::unique_lock<std::mutex>& lock, position end);
    /// As finish(), in the process that began it; not under mutex_.
    void complete(const begun_append& begun);
    [[nodiscard]] bool
    is_segment_over(std::span<const draft> events, std::uint64_t frame_bytes) const;
    /// One step, for which others may have to be waited for.
    void go_on_rotating(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] bool is_segment_old() const;
    void begin_aging(timestamp now);
    void go_on_aging(); // of the segment that was the active one when this was opened
    void rotate_if_old(std::unique_lock<std::mutex>& lock);
    void drain(std::unique_lock<std::mutex>& lock);
    void seal_active_if(const std::function<bool()>& wanted); // without mutex_
    [[nodiscard]] bool is_busy() const noexcept { return is_syncing_ || is_writing_; }
    /// Waits until the group is settled, and settles it where nobody else does.
    void settle(std::unique_lock<std::mutex>& lock, const std::shared_ptr<group_fate>& group);
    /// Waits until it is as durable as it was asked for.
    void reach(std::unique_lock<std::mutex>& lock, const begun_append& begun);
    /// Those whose frames are gathered now; from here on others gather.
    [[nodiscard]] std::shared_ptr<group_fate> take_gathered();
    /// Settles what has gathered. Nobody else may be at it.
    void lead(std::unique_lock<std::mutex>& lock);
    /// Those whom the last sync has let go come back at once, and one sync for all is worth a
    /// moment. By who syncs; unlocks meanwhile.
    void await_cohort(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] std::chrono::nanoseconds time_of_sync() const; // any thread
    void write_and_sync(std::unique_lock<std::mutex>& lock);     // lead() at level commit
    void write_out(std::unique_lock<std::mutex>& lock);          // lead() at the others
    void sync_written(std::unique_lock<std::mutex>& lock);       // the same; nobody else may sync
    void make_durable(std::unique_lock<std::mutex>& lock, position end);
    void end_group(const std::exception_ptr& failed, group_fate& group);
    [[nodiscard]] bool is_sync_due() const;
    void want_sync(std::unique_lock<std::mutex>& lock, const durability& within);
    void start_syncer();
    void run_syncer();                                       // the thread
    void stop_syncer(std::unique_lock<std::mutex>& lock);    // unlocks meanwhile
    void complete_first(std::unique_lock<std::mutex>& lock); // unlocks meanwhile
    void complete_rest(std::unique_lock<std::mutex>& lock);  // the same
    [[nodiscard]] bool is_too_much_in_flight(std::uint64_t frame_bytes) const noexcept;
    /// Throws not_written where there is no room.
    void write_or_take_back(bytes_view frames, byte_offset at); // without mutex_
    /// The same, and now and then zeros behind them, over which the next ones are written: a sync
    /// need not make a new size of the file durable then. decisions/0021-zeros-ahead.md.
    void write_with_room(bytes_view frames, byte_offset at); // without mutex_, by who syncs
    void cut_room(byte_offset end);          // of the active segment, whose frames end there
    void cut_room_for_good(byte_offset end); // the same of one that is sealed
    void
    index_group(bytes_view group, const walk_state& from, std::uint64_t segment_id); // the same
    void forget_unwritten(const io_error& why);
    [[nodiscard]] head_mark mark_of(head_state state) const;
    void write_control_frame(frame_kind kind, bytes_view body);
    void rotate();
    void rotate_or_fail();
    /// Throws not_written where there is no room.
    [[nodiscard]] std::shared_ptr<io::file> create_or_take_back(const segment_entry& fresh);
    // For upkeep_, which holds no lock of the writer's:
    [[nodiscard]] segment_entry entry_of(std::uint64_t number) override;
    [[nodiscard]] bool replace_entry(const segment_entry& entry) override;
    void forget_dead(const std::string& file) override;
    void complete_manifest_copies() override;
    void make_next_segment_ahead() override;
    void want_next_segment(); // once the active one is half full
    void remove_if_there(const std::string& name);
    void leave_index(); // of the active segment, on closing
    void complete(manifest& m);
    /// Changes the manifest while appends go on; rotation, which does, too, waits. A failure is the
    /// writer's end.
    void beside_appends(std::unique_lock<std::mutex>& lock, const std::function<void()>& commit);

    io::machine machine_;
    const std::uint64_t process_;
    std::string directory_;
    std::unique_ptr<io::file_lock> lock_; // null once closed
    log_index* index_;
    manifest manifest_;
    std::shared_ptr<io::file> file_;        // of the active segment
    std::shared_ptr<io::file> next_file_{}; // made ahead, of the segment to come
    bool is_next_wanted_{};
    bool is_making_next_{};
    std::unique_ptr<slot_writer> head_; // null once closed
    mutable std::mutex mutex_{};
    std::condition_variable changed_{};
    const size_limits limits_;
    const durability level_;
    const bool is_at_commit_;
    const std::uint64_t in_flight_max_;
    const std::chrono::nanoseconds segment_age_max_;
    const std::uint64_t pair_; // zero: this writer has no mirror
    const std::uint64_t last_pair_;
    batch_framer framer_;
    byte_buffer in_flight_{}; // empty unless it is being written
    // Of the zeros that were written ahead, one past the last; 0: there are none.
    std::atomic<std::uint64_t> room_end_{};
    bool may_have_room_{true}; // unless this writer has made the segment, and no zeros in it
    bool has_no_room_{};       // the disk was too full for more zeros
    // In the active segment, what is written and in the index, and what is synced, ends here. At
    // level commit the two are the same.
    walk_state written_{};
    walk_state durable_{};
    // In batches: begun, taken to be written, and how many there were of the last sync's and of
    // those that came while it lasted.
    std::atomic<std::uint64_t> begun_{};
    std::uint64_t taken_{};
    std::uint64_t cohort_{};
    std::chrono::nanoseconds sync_took_{};
    /// What becomes of the frames that are gathered now.
    std::shared_ptr<group_fate> gathering_{};
    /// Of those that are gathered next: there wherever something is gathered, so that writing it
    /// needs no memory. What is begun is on its way, or the writer has failed.
    std::shared_ptr<group_fate> gathering_next_{};
    byte_offset indexed_to_;    // the active segment's index that is stored, where that is of use
    bool is_sealed_{};          // a crash or a full disk came between the seal and the next segment
    bool is_rotation_wanted_{}; // the active segment has no room for somebody, or is too old
    /// When the active segment's first event came, by the wall clock.
    std::optional<std::int64_t> grows_since_ns_{};
    bool is_held_up_{}; // archive() waits for what is under way; appends wait for archive()
    bool is_syncing_{};
    bool is_writing_{};               // without a sync
    bool is_committing_{};            // beside appends; no one else writes the manifest meanwhile
    copies has_copies_{copies::both}; // the manifest
    bool is_closing_{};
    std::exception_ptr failure_{};
    std::string failure_text_{};
    int visible_waiters_{};
    int durable_waiters_{};
    std::optional<sync_due> sync_due_{};
    std::deque<completion> completions_{};
    std::condition_variable syncer_wakes_{};
    bool is_syncer_stopped_{};
    std::jthread syncer_{}; // ended by close()
    upkeep upkeep_;         // ends first
};

} // namespace everfold::log
