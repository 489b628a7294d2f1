// SPDX-License-Identifier: MIT
#pragma once
// The interface that every store implements, and the handle that programs hold.

#include <everfold/base/ids.hpp>
#include <everfold/base/timestamp.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/store/append.hpp>
#include <everfold/store/capabilities.hpp>
#include <everfold/store/checkpoint.hpp>
#include <everfold/store/compaction_record.hpp>
#include <everfold/store/query.hpp>
#include <everfold/store/query_explanation.hpp>
#include <everfold/store/recorded_event.hpp>
#include <everfold/store/retention.hpp>
#include <everfold/store/snapshot.hpp>
#include <everfold/store/stream_info.hpp>
#include <everfold/store/stream_turns.hpp>

#include <chrono>
#include <cstdint>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace everfold {

/// What opening a store found and did. Nothing is dropped without a line here.
struct open_report {
    /// Bytes of an unfinished last append that no acknowledgement covers; kept in
    /// `quarantine_file`.
    std::uint64_t torn_bytes{};
    std::string quarantine_file{};
    /// Sentences for people: what was repaired, ignored or rebuilt.
    std::vector<std::string> notes{};
};

/// Sizes, for people who look after disks.
struct store_stats {
    /// That are there, the log's own ones too.
    std::uint64_t events{};
    std::uint64_t streams{};
    std::uint64_t segments{};
    std::uint64_t archived_segments{};
    /// Of all live files: segments, snapshots, manifest, marks.
    std::uint64_t bytes{};
    std::uint64_t snapshots{};
};

/// What moving a stream's covered events into the archive did.
struct archive_report {
    std::uint64_t bytes_before{};
    std::uint64_t bytes_after{};
    /// Segments that this call compressed.
    std::uint64_t segments{};
    /// Events in them, of any stream.
    std::uint64_t events{};
};

/// A type of events in one version.
struct stored_type {
    std::string name{};
    std::uint32_t version{};

    friend bool operator==(const stored_type&, const stored_type&) = default;
};

/// What an event was appended with.
struct append_place {
    uuid append_id{};
    /// Of the append, whether or not all of its events are left and wanted.
    position first{};
    std::uint64_t count{};
};

/// Events that follow one another, views like each of them.
struct event_batch {
    std::span<const recorded_event> events{};
    /// For each of them the number of its stream in `segment`; none where the store has no numbers.
    std::span<const std::uint32_t> stream_numbers{};
    /// Where it changes, and in another read, the same number may mean another stream.
    std::uint64_t segment{};
};

/// Walks the events of one query, once. One thread at a time.
class event_cursor {
public:
    event_cursor() = default;
    event_cursor(const event_cursor&) = delete;
    event_cursor& operator=(const event_cursor&) = delete;
    event_cursor(event_cursor&&) = delete;
    event_cursor& operator=(event_cursor&&) = delete;
    virtual ~event_cursor();

    /// The next event, or null after the last. What it points to lives until the next call.
    [[nodiscard]] virtual const recorded_event* next() = 0;

    /// The next event and, where that costs little, some behind it: for those who look ahead. Empty
    /// after the last. All of it lives until the next call; what is said below of next() goes for
    /// the last event in it.
    [[nodiscard]] virtual event_batch next_batch();

    /// Behind the event that next() returned last; query::resume() goes on from there. After the
    /// last event it is at the end of what there was to look at.
    [[nodiscard]] virtual query_cursor cursor() const = 0;

    /// How the events so far were found.
    [[nodiscard]] virtual query_explanation explanation() const = 0;

    /// Of the event that next() returned last; nothing where the store does not know.
    [[nodiscard]] virtual std::optional<append_place> append_of_last() const;
};

/// An input range of recorded events for `for`. Bounded memory, whatever the log's size.
class event_range {
public:
    class iterator {
    public:
        using value_type = recorded_event;
        using difference_type = std::ptrdiff_t;

        iterator() = default;
        explicit iterator(event_cursor* cursor)
            : cursor_{cursor}
            , event_{cursor->next()} {}

        const recorded_event& operator*() const noexcept { return *event_; }
        const recorded_event* operator->() const noexcept { return event_; }

        iterator& operator++() {
            event_ = cursor_->next();
            return *this;
        }

        void operator++(int) { ++*this; }

        friend bool operator==(const iterator& it, std::default_sentinel_t) noexcept {
            return it.event_ == nullptr;
        }

    private:
        event_cursor* cursor_{};
        const recorded_event* event_{};
    };

    explicit event_range(std::unique_ptr<event_cursor> cursor)
        : cursor_{std::move(cursor)} {}

    [[nodiscard]] iterator begin() { return iterator{cursor_.get()}; }

    [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }

    /// Instead of begin(), batch by batch; see event_cursor.
    [[nodiscard]] event_batch next_batch() { return cursor_->next_batch(); }

    /// Behind the event that the range is at; see event_cursor.
    [[nodiscard]] query_cursor cursor() const { return cursor_->cursor(); }

    [[nodiscard]] query_explanation explanation() const { return cursor_->explanation(); }

private:
    std::unique_ptr<event_cursor> cursor_;
};

/// What a store must be able to do. Every store passes the same conformance suite.
///
/// Threads:    all members may be called from any thread.
/// Durability: append() returns once the events survive a power cut, or what the store's level says
///             (store_options::level).
/// Failure:    the exceptions of base/error.hpp.
class store_engine {
public:
    store_engine() = default;
    store_engine(const store_engine&) = delete;
    store_engine& operator=(const store_engine&) = delete;
    store_engine(store_engine&&) = delete;
    store_engine& operator=(store_engine&&) = delete;
    virtual ~store_engine();

    [[nodiscard]] virtual uuid log_id() const = 0;
    /// What its events are stamped by.
    [[nodiscard]] virtual std::shared_ptr<io::clock> clock() const = 0;

    /// What this store can do.
    [[nodiscard]] virtual store_capabilities capabilities() const = 0;

    /// What opening found, and what was ignored since.
    [[nodiscard]] virtual open_report report() const = 0;
    /// Adds a sentence to its notes, where it is not there yet: what was ignored, and why.
    virtual void note(std::string sentence) const = 0;

    [[nodiscard]] virtual append_result append(const append_request& request) = 0;
    /// As append(), but returns once the condition is checked and the events have their place: the
    /// future is ready once they are as durable as append() would wait for. Several may be in
    /// flight from one thread, and are placed and completed in the order of the calls. It waits
    /// itself while as much is in flight as two of the largest appends. What is wrong with the
    /// request, and a store that takes none, is thrown at once; a write that fails, by get().
    [[nodiscard]] virtual std::future<append_result> append_async(const append_request& request
    ) = 0;
    /// One past the last event that survives a power cut.
    [[nodiscard]] virtual position durable_position() = 0;
    /// Waits until durable_position() is past `p`, at most `timeout` and the time of one sync;
    /// whether it is. At levels os and unsafe_none it syncs what is there. Throws
    /// errc::writer_failed once a write or sync has failed.
    [[nodiscard]] virtual bool wait_durable(position p, std::chrono::milliseconds timeout) = 0;
    [[nodiscard]] virtual std::unique_ptr<event_cursor> read(const query& q) = 0;
    /// How reading would find the events, without reading one.
    [[nodiscard]] virtual query_explanation explain(const query& q) = 0;

    /// One past the last event that can be read; 0 for an empty store.
    [[nodiscard]] virtual position end() = 0;
    /// A stream's last revision, where it has an event.
    [[nodiscard]] virtual std::optional<revision> last_revision(std::string_view stream) = 0;
    /// The last event with recorded_at at or before `t`.
    [[nodiscard]] virtual std::optional<position> position_at(timestamp t) = 0;
    /// The streams' names, in the order of the first event that is left of each.
    [[nodiscard]] virtual std::vector<std::string> streams() = 0;
    /// The types that the store has events of, each version once; some of which may be out of
    /// reach, or the log's own. Without an override, by reading all of it.
    [[nodiscard]] virtual std::vector<stored_type> types();
    /// Waits until end() is past `p`, at most `timeout`; whether it is.
    [[nodiscard]] virtual bool wait_for(position p, std::chrono::milliseconds timeout) = 0;

    /// Keeps the last two of each (stream, fold), atomically. Refuses one that is ahead of the log.
    virtual void save_snapshot(const snapshot& s) = 0;
    /// The newest one at or before `up_to` whose log prefix the log confirms.
    [[nodiscard]] virtual std::optional<snapshot>
    load_snapshot(std::string_view stream, std::string_view fold, revision up_to) = 0;

    /// Seals the active segment and compresses every segment that holds an event of `stream` at or
    /// before `up_to`. Positions, history and answers stay the same. Where it moved something
    /// and `why` is not empty, an event in "$compactions" says so last; at most 4,096 bytes.
    virtual archive_report
    archive(std::string_view stream, revision up_to, std::string_view why) = 0;

    /// What archive() has written down so far, the earliest first.
    [[nodiscard]] virtual std::vector<compaction_record> compactions() = 0;

    // ---- rules of streams: events of the log's own, in the stream "$streams". What they put out
    // of reach is not read from then on, and may be removed by scavenge().
    // docs/rewriting/retention.md.

    /// The stream begins at `begin`, at most one past its last revision (else errc::invalid).
    [[nodiscard]] virtual append_result
    truncate(std::string_view stream, revision begin, expected_revision expected) = 0;

    /// The stream has ended: it is empty, and nothing is ever appended to it again.
    /// `why` stays with the rule; at most 4,096 bytes.
    [[nodiscard]] virtual append_result
    tombstone(std::string_view stream, expected_revision expected, std::string_view why) = 0;

    [[nodiscard]] virtual append_result retain(std::string_view stream, const retention& kept) = 0;

    /// `metadata`, a CBOR map of at most stream_metadata_max bytes (else errc::limit), takes the
    /// place of the stream's metadata. What there was before stays in "$streams".
    [[nodiscard]] virtual append_result
    describe(std::string_view stream, bytes_view metadata, expected_revision expected) = 0;

    // ---- what is known of streams, without reading their events

    [[nodiscard]] virtual stream_info about(std::string_view stream) = 0;

    /// Every stream that ever had an event, in the order of the first that is left of each; those
    /// that have ended come last, by when they did. Keeps the store open.
    [[nodiscard]] virtual std::unique_ptr<stream_cursor> list_streams() = 0;

    /// Nothing where the stream has not ended.
    [[nodiscard]] virtual std::optional<stream_end> end_of(std::string_view stream) = 0;

    /// Removes for good what can't be reached. Positions and revisions stay as they are. Throws
    /// errc::read_only where the store was opened for reading, but for a dry run.
    virtual scavenge_report scavenge(const scavenge_options& options) = 0;

    /// Removes for good the events at these positions, which ascend: events that others make
    /// superfluous, as compact_by_key() finds them. Positions and revisions of the others stay as
    /// they are; so does a stream's last event, while others of it do. Positions without an event
    /// are passed over. The snapshots of the streams that lose events go, before the events do.
    /// Throws errc::invalid for events of the log's own, and else as scavenge().
    virtual scavenge_report
    remove(std::span<const position> positions, const scavenge_options& options) = 0;

    /// What was removed so far, the earliest first: for good, and written down beside what is left.
    [[nodiscard]] virtual std::vector<removal_record> removals() = 0;

    [[nodiscard]] virtual store_stats stats() = 0;

    /// Ends the writer cleanly and reports what a destructor could not. Idempotent.
    virtual void close() = 0;

    /// What stands for having handled everything before `next`; errc::invalid where that is past
    /// end().
    [[nodiscard]] virtual checkpoint checkpoint_at(position next) = 0;

    /// Of the threads of this process; see store::turn.
    [[nodiscard]] stream_turns& turns() noexcept { return turns_; }

private:
    stream_turns turns_{};
};

/// A shared handle on a store; copies mean the same store. The store closes with the last one.
class store {
public:
    explicit store(std::shared_ptr<store_engine> engine);

    /// Appends typed events to one stream, atomically:
    /// `store.append("users", user_created{…}, user_updated{…})`.
    template <event... Es>
    append_result append(std::string stream, const Es&... events) {
        return append(std::move(stream), expected_revision::any(), events...);
    }

    template <event... Es>
    append_result append(std::string stream, expected_revision expected, const Es&... events) {
        append_request request;
        auto& to = request.streams.emplace_back(stream_append{std::move(stream), expected, {}});
        (to.events.push_back(encoded(events)), ...);
        return append(request);
    }

    append_result append(const append_request& request) { return engine_->append(request); }

    /// See store_engine::append_async.
    [[nodiscard]] std::future<append_result> append_async(const append_request& request) {
        return engine_->append_async(request);
    }

    [[nodiscard]] position durable_position() { return engine_->durable_position(); }

    [[nodiscard]] bool wait_durable(position p, std::chrono::milliseconds timeout) {
        return engine_->wait_durable(p, timeout);
    }

    /// Throws stream_ended where the query is about one stream only, and that was tombstoned.
    [[nodiscard]] event_range read(const query& q = {}) {
        require_no_end(q);
        return event_range{engine_->read(q)};
    }

    [[nodiscard]] query_explanation explain(const query& q) { return engine_->explain(q); }

    [[nodiscard]] position end() { return engine_->end(); }

    [[nodiscard]] std::optional<revision> last_revision(std::string_view stream) {
        return engine_->last_revision(stream);
    }

    [[nodiscard]] std::optional<position> position_at(timestamp t) {
        return engine_->position_at(t);
    }

    [[nodiscard]] std::vector<std::string> streams() { return engine_->streams(); }

    [[nodiscard]] bool wait_for(position p, std::chrono::milliseconds timeout) {
        return engine_->wait_for(p, timeout);
    }

    /// From now on the stream begins at revision `begin`; see store_engine.
    append_result truncate(
        std::string_view stream,
        revision begin,
        expected_revision expected = expected_revision::exists()
    ) {
        return engine_->truncate(stream, begin, expected);
    }

    /// Ends the stream for ever. Whoever reads it is told `why`.
    append_result tombstone(
        std::string_view stream,
        expected_revision expected = expected_revision::exists(),
        std::string_view why = {}
    ) {
        return engine_->tombstone(stream, expected, why);
    }

    /// Gives the stream metadata of its own, instead of those it had; see store_engine.
    append_result describe(
        std::string_view stream,
        bytes_view metadata,
        expected_revision expected = expected_revision::any()
    ) {
        return engine_->describe(stream, metadata, expected);
    }

    /// The same from a struct, as events are encoded: `store.describe("user-1", owner{"sales"})`.
    template <class T>
    requires(std::is_class_v<T> && !std::is_convertible_v<T, bytes_view>) append_result describe(
        std::string_view stream,
        const T& metadata,
        expected_revision expected = expected_revision::any()
    ) {
        byte_buffer bytes;
        encode(metadata, bytes);
        return engine_->describe(stream, bytes, expected);
    }

    /// What is known of a stream without reading it: its state, counts, rules, metadata.
    [[nodiscard]] stream_info about(std::string_view stream) { return engine_->about(stream); }

    /// Every stream, one after the other; see store_engine::list_streams.
    [[nodiscard]] stream_range list_streams() { return stream_range{engine_->list_streams()}; }

    /// By their first stream; of streams of which an event can be reached.
    [[nodiscard]] std::vector<category_info> categories();

    append_result retain(std::string_view stream, const retention& kept) {
        return engine_->retain(stream, kept);
    }

    scavenge_report scavenge(const scavenge_options& options = {}) {
        return engine_->scavenge(options);
    }

    [[nodiscard]] std::vector<removal_record> removals() { return engine_->removals(); }

    /// See store_engine::compactions.
    [[nodiscard]] std::vector<compaction_record> compactions() { return engine_->compactions(); }

    [[nodiscard]] store_stats stats() { return engine_->stats(); }

    [[nodiscard]] open_report report() const { return engine_->report(); }

    /// What it can do; store_options::needs asks for it when the store is opened.
    [[nodiscard]] store_capabilities capabilities() const { return engine_->capabilities(); }

    [[nodiscard]] uuid log_id() const { return engine_->log_id(); }

    void close() { engine_->close(); }

    /// See store_engine::checkpoint_at.
    [[nodiscard]] checkpoint checkpoint_at(position next) { return engine_->checkpoint_at(next); }

    /// Waits for the thread's turn at a stream: of those who ask for it, in this process, one has
    /// it at a time, in the order in which they asked. What is left of a turn ends with the object.
    /// Repositories ask by themselves where they are told to (update_options).
    [[nodiscard]] stream_turns::turn turn(std::string_view stream) {
        return engine_->turns().wait_for(stream);
    }

    /// Throws errc::unconfirmed where `c` is of another log, ahead of this one, or of another
    /// history. Of an event that was removed for good only log and position can be compared.
    void confirm(const checkpoint& c);

    /// What the other rooms work with.
    [[nodiscard]] store_engine& engine() const noexcept { return *engine_; }

private:
    void require_no_end(const query& q);

    std::shared_ptr<store_engine> engine_;
};

} // namespace everfold
