// SPDX-License-Identifier: MIT
#pragma once
// What becomes of segments once they are sealed: their indexes are written, they are archived, and
// events are removed from them, beside the appends. docs/rewriting.

#include <everfold/io/file_system.hpp>
#include <everfold/log/log_index.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/rewriting.hpp>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace everfold::log {

struct archived {
    std::uint64_t segments{};
    std::uint64_t events{};
};

struct scavenged {
    std::uint64_t segments{};
    std::uint64_t events{};
    std::uint64_t bytes_before{}; ///< of the files of those segments
    std::uint64_t bytes_after{};  ///< before they are compressed again
};

/// What is to go from a segment; nothing, for most.
using removal_plan = std::function<removal(const readable_segment&)>;

/// The sealed segments in the manifest, which only the writer writes.
///
/// Threads: any.
class sealed_entries {
public:
    virtual ~sealed_entries() = default;

    /// What the manifest says of a segment now. Throws what an append would throw where the writer
    /// has come to its end.
    [[nodiscard]] virtual segment_entry entry_of(std::uint64_t number) = 0;

    /// Enters `entry` in place of the one that has its number, and lists that one's file as dead.
    /// Durable on return; a failure is the writer's end. Appends go on meanwhile. False where the
    /// writer has come to its end before; then nothing was entered.
    [[nodiscard]] virtual bool replace_entry(const segment_entry& entry) = 0;

    /// A dead file is deleted, durably, and need not be listed any longer.
    virtual void forget_dead(const std::string& file) = 0;

    /// Writes the copy of the manifest that a rotation has left for later. Appends go on meanwhile;
    /// a failure is the writer's end.
    virtual void complete_manifest_copies() = 0;

    /// Makes the file of the segment to come, where the active one is filling up. Appends go on
    /// meanwhile; a failure costs the next rotation some time, and no more.
    virtual void make_next_segment_ahead() = 0;

protected:
    sealed_entries() = default;
    sealed_entries(const sealed_entries&) = default;
    sealed_entries(sealed_entries&&) = default;
    sealed_entries& operator=(const sealed_entries&) = default;
    sealed_entries& operator=(sealed_entries&&) = default;
};

/// Writes a sealed segment anew: under `path`, synced, and read back. It may change what `entry`
/// says of the content. False where it was told to stop.
using segment_rewrite = std::function<bool(const std::string& path, segment_entry& entry)>;

/// Owns:    a thread, where the machine has a background; without, who called want() calls
///          do_what_is_wanted().
/// Threads: any. The writer's lock may be held for want() and request_stop(), and for nothing else.
/// Failure: of what runs in the background, a note: a segment stays as it is until the next time.
class upkeep {
public:
    /// `index` and `entries` outlive it.
    upkeep(
        io::machine machine,
        std::string directory,
        log_index& index,
        sealed_entries& entries,
        bool compresses_sealed
    );

    /// There is a segment to look after.
    void want();

    /// Without a background: what was wanted, now.
    void do_what_is_wanted();

    /// Tells the thread to end. What it is at is left, and taken up by the next writer.
    void request_stop();

    /// Waits for that.
    void join();

    /// Compresses each sealed segment for which `wanted` holds.
    [[nodiscard]] archived archive(const std::function<bool(const segment_index&)>& wanted);

    /// Writes each sealed segment anew from which `plan` wants something removed.
    [[nodiscard]] scavenged
    scavenge(const removal_plan& plan, const std::string& why, const size_limits& limits);

    /// Puts what `write` makes of a sealed segment, in a file of this name, in the place of
    /// its file, which is deleted. False where it was told to stop. One at a time; a crash at any
    /// moment leaves one of the two in the manifest, whole.
    bool rewrite(
        const segment_entry& known,
        segment_kind kind,
        const std::string& file,
        const segment_rewrite& write
    );

private:
    void keep(const std::stop_token& stop); // the thread
    void tend(const std::stop_token& stop);
    void tend_all(const std::stop_token& stop); // where there is memory
    void remove_index_of(const segment_entry& gone);
    bool archive_one(const segment_view& view, const std::stop_token& stop);

    io::machine machine_;
    std::string directory_;
    log_index* index_;
    sealed_entries* entries_;
    const bool compresses_sealed_;
    std::mutex rewriting_{}; // one segment at a time; taken before the writer's lock
    std::mutex mutex_{};     // for what follows
    std::condition_variable_any wakes_{};
    bool is_wanted_{};
    bool is_stopped_{};
    std::jthread thread_{}; // ends first
};

} // namespace everfold::log
