// SPDX-License-Identifier: MIT
#pragma once
// A durable, segmented, append-only log of events in a directory: what the store stands on.

#include <everfold/base/durability.hpp>
#include <everfold/base/ids.hpp>
#include <everfold/base/uuid.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/log/head_watch.hpp>
#include <everfold/log/log_cursor.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/log_writer.hpp>
#include <everfold/log/opening.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace everfold::log {

enum class access : std::uint8_t {
    create,    ///< for writing; created where it is missing
    existing,  ///< for writing
    read_only, ///< never creates, locks or repairs
};

struct log_options {
    access mode{access::create};
    /// Of a log that is created; an existing one keeps its own.
    size_limits limits{};
    /// Archives each sealed segment: beside the appends where the machine has a background, else by
    /// the append that filled it.
    bool compress_sealed{true};
    /// The least that append() promises; one append may ask for more.
    durability level{};
    /// A directory that holds the same log, in step with this one; empty: none. For writing only.
    std::string mirror{};
    /// A segment whose first event is as old is sealed, and archived; zero: only full ones are.
    std::chrono::nanoseconds segment_age_max{};
    bool allow_unsafe_file_system{};
    /// How long a reader that waits for the writer sleeps at most, until it looks unasked.
    std::chrono::milliseconds look_again{50};
};

/// Threads:    any.
/// Durability: what append() returned for survives what its level says. At level commit, and where
///             the log was opened for reading, only what survives a power cut is ever read; a
///             writer of another level reads what it has written.
/// Failure:    not_a_log, in_use, damaged, unsupported, io at opening; see log_writer for append.
class event_log {
public:
    [[nodiscard]] static std::unique_ptr<event_log>
    open(const io::machine& machine, const std::string& directory, const log_options& options);

    event_log(const event_log&) = delete;
    event_log& operator=(const event_log&) = delete;
    event_log(event_log&&) = delete;
    event_log& operator=(event_log&&) = delete;
    ~event_log();

    /// See log_writer::append. Throws errc::read_only where the log was opened for reading.
    [[nodiscard]] std::optional<placed> append(
        std::span<const draft> events,
        const uuid& append_id,
        const std::function<bool(const stream_heads&)>& admits,
        const std::optional<durability>& wanted = {}
    );

    /// As append(), but does not wait: the future holds what `answer` makes of the place, or why
    /// there is none, once the batch is as durable as it was asked for. Conditions are checked and
    /// places given now, in the order of the calls; what append() throws before it writes is
    /// thrown now. Waits itself while more than two groups would be in flight.
    ///
    /// A thread of the writer's does the work, and calls `answer`. Where the machine has no
    /// background the future is a deferred one, whose get() does it, and `keep_alive` lives in it.
    template <class Result, class Answer>
    [[nodiscard]] std::future<Result> append_async(
        std::span<const draft> events,
        const uuid& append_id,
        const std::function<bool(const stream_heads&)>& admits,
        const std::optional<durability>& wanted,
        Answer answer,
        std::shared_ptr<const void> keep_alive = nullptr
    );

    /// One past the last event that survives a power cut.
    [[nodiscard]] position durable_position();

    /// Waits until durable_position() is past `p`; whether it is. See log_writer::wait_durable.
    [[nodiscard]] bool wait_durable(position p, std::chrono::milliseconds timeout);

    /// See log_writer::settle_begun.
    void settle_begun();

    archived archive(const std::function<bool(const segment_index&)>& wanted);

    /// See log_writer::scavenge.
    scavenged scavenge(const removal_plan& plan, const std::string& why);

    /// What scavenge() would remove.
    [[nodiscard]] scavenged plan_scavenge(const removal_plan& plan);

    /// What can be read now. Opened for reading, this first takes in what the writer has made
    /// durable meanwhile.
    [[nodiscard]] const log_index& index();

    /// Waits until the log's end is past `p`; whether it is.
    [[nodiscard]] bool wait_for(position p, std::chrono::milliseconds timeout);

    /// How the sleeps of wait_for() ended; only a reader sleeps on the head mark.
    [[nodiscard]] head_watch::counts count_sleeps() const { return watch_.count(); }

    [[nodiscard]] const open_notes& notes() const noexcept { return loaded_.notes; }

    /// What was found wrong with derived files since the last call, a sentence each.
    [[nodiscard]] std::vector<std::string> take_notes() {
        return loaded_.index->files().take_notes();
    }

    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

    [[nodiscard]] const io::machine& machine() const noexcept { return machine_; }

    [[nodiscard]] bool is_writable() const noexcept { return writer_ != nullptr; }

    /// Bytes of all files in the directory itself: what is live.
    [[nodiscard]] std::uint64_t stored_bytes() const;

    struct segment_counts {
        std::uint64_t all{};
        std::uint64_t archived{};
    };

    [[nodiscard]] segment_counts count_segments() const;

    void close();

private:
    event_log(io::machine machine, std::string directory, const log_options& options);

    void load();
    /// After load(): from here on, all that is changed is changed in both.
    void load_with_mirror(const std::string& mirror);

    [[nodiscard]] bool take_in(position p, std::optional<std::uint32_t>& head_word);

    /// Throws errc::read_only where the log was opened for reading.
    [[nodiscard]] log_writer& writer();

    io::machine machine_;
    std::string directory_;
    loaded_log loaded_{};
    std::mutex following_{}; // guards loaded_ of a reader
    head_watch watch_;
    std::unique_ptr<log_writer> writer_{};
};

template <class Result, class Answer>
std::future<Result> event_log::append_async(
    std::span<const draft> events,
    const uuid& append_id,
    const std::function<bool(const stream_heads&)>& admits,
    const std::optional<durability>& wanted,
    Answer answer,
    std::shared_ptr<const void> keep_alive
) {
    const auto promised = std::make_shared<std::promise<Result>>();
    auto out = promised->get_future();
    auto begun = writer().begin(events, append_id, admits, wanted);
    if (!begun) {
        promised->set_value(answer(std::optional<placed>{}));
        return out;
    }
    if (!machine_.has_background)
        return std::async(
            std::launch::deferred,
            [writer = writer_.get(),
             begun = std::move(*begun),
             answer = std::move(answer),
             kept = std::move(keep_alive)] {
                writer->finish(begun);
                return answer(std::optional{begun.where});
            }
        );
    auto where = begun->where;
    writer_->finish_later(
        std::move(*begun),
        [promised,
         where = std::move(where),
         answer = std::move(answer)](const std::exception_ptr& why) {
            try {
                if (why)
                    std::rethrow_exception(why);
                promised->set_value(answer(std::optional{where}));
            } catch (...) {
                promised->set_exception(std::current_exception());
            }
        }
    );
    return out;
}

} // namespace everfold::log
