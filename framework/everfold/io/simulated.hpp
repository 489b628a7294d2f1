// SPDX-License-Identifier: MIT
#pragma once
// A machine in memory that can be broken on purpose: it keeps unsynced writes apart, fails any
// operation, and loses power at any moment. Also the memory behind open("memory:").

#include <everfold/io/file_system.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::io {

/// One call on the seam, as the simulated disk saw it.
enum class operation : std::uint8_t {
    open,
    create,
    read,
    write,
    sync_data,
    sync_all,
    truncate,
    list,
    make_directory,
    rename,
    link,
    remove,
    sync_directory,
    lock,
};

[[nodiscard]] std::string_view name_of(operation op) noexcept;

/// What a power cut leaves of the writes and names that no sync covers.
enum class power_cut : std::uint8_t {
    lose_all, ///< only what was synced
    keep_all, ///< everything that was written
    random,   ///< any subset of 512-byte sectors, sizes and names, in any order
    garble,   ///< as random, and a sector in flight may hold old, new, zero or garbage bytes
};

/// What a sync that fails does, by the file system that it stands for.
enum class failed_sync : std::uint8_t {
    forget, ///< the unsynced writes count as synced; running processes still see them (ext4, XFS)
    late,   ///< as forget, but it returns, and the next sync of the file fails (ext4, data=journal)
    revert, ///< running processes, too, see again what is durable (Btrfs)
    shut_down, ///< as forget, and whatever would change something fails from then on (XFS)
};

/// A disk in memory.
///
/// Keeps two pictures: what running processes see (every write at once) and what a power cut
/// would leave (only what a sync covers, by file and by directory). Counts each operation; one can
/// be told to fail, another to be the last.
///
/// Threads: any; one lock for all.
class simulated_disk final : public file_system,
                             public std::enable_shared_from_this<simulated_disk> {
public:
    /// `keeps_unsynced` false forgets the second picture: a plain memory file system.
    explicit simulated_disk(bool keeps_unsynced = true);
    ~simulated_disk() override;

    [[nodiscard]] std::unique_ptr<file> open(const std::string& path, open_mode mode) override;
    [[nodiscard]] path_kind kind(const std::string& path, bool follow = false) override;
    [[nodiscard]] std::vector<std::string> list(const std::string& directory) override;
    void make_directory(const std::string& path) override;
    void rename(const std::string& from, const std::string& to) override;
    void link(const std::string& from, const std::string& to) override;
    void remove(const std::string& path) override;
    void sync_directory(const std::string& path) override;
    [[nodiscard]] std::unique_ptr<file_lock> try_lock(const std::string& path) override;
    [[nodiscard]] std::string lock_owner(const std::string& path) override;
    /// It does not say: tests of fenced writers need both.
    [[nodiscard]] bool is_open_for_writing(const std::string& /*path*/) override { return false; }

    [[nodiscard]] std::uint64_t process_id() const noexcept override { return 1; }

    [[nodiscard]] std::string unsafe_kind(const std::string& directory) override;
    [[nodiscard]] bool is_within(const std::string& inner, const std::string& outer) override;

    /// How many operations there have been; the next one has this number.
    [[nodiscard]] std::uint64_t operation_count() const;

    /// Operation number `at` fails with `error_number` (a write after writing half of its bytes);
    /// each later one too where `sticky`. Several may be told to fail; an `error_number` of 0
    /// heals all of them instead. A sync of a file that fails does what syncs_fail_as() said last,
    /// at first as ext4: its unsynced writes are lost for good, though running processes see them.
    void fail_at(std::uint64_t at, int error_number, bool sticky = false);

    void syncs_fail_as(failed_sync how);

    /// From operation number `at` on, syncs return and make nothing durable. No promise holds on
    /// such a disk: it is for tests of tests.
    void lie_from(std::uint64_t at);

    /// From operation number `at` on, that one included, the machine is off: each call throws
    /// powered_off and changes nothing. A write that is the first to meet it is torn: half of its
    /// bytes reach the unsynced picture.
    void power_off_at(std::uint64_t at);

    /// A call met the switched-off machine. Not an io_error: no program survives to see it.
    struct powered_off {};

    /// The disk as a restarted machine finds it. Locks are gone. `seed` decides for the random
    /// kinds; the same seed gives the same disk.
    [[nodiscard]] std::shared_ptr<simulated_disk>
    after_power_cut(power_cut kind, std::uint64_t seed) const;

    /// Chooses one of so many: returns less than `answers`.
    using chooser = std::function<std::uint64_t(std::uint64_t answers)>;

    /// As after_power_cut(), for the random kinds: `choose` decides what survives of each change,
    /// in the order in which they were made in each file; 0 is nothing of it, 1 all.
    [[nodiscard]] std::shared_ptr<simulated_disk>
    after_chosen_cut(power_cut kind, const chooser& choose) const;

    /// The disk as the next process finds it after this one was killed: every write is there,
    /// synced or not (and still not synced), locks are gone. A disk that was shut down is mounted
    /// again, which only what is durable survives. Of the write that power_off_at() cut short
    /// nothing is there where it lies in one page: no kernel takes half of that from a process.
    [[nodiscard]] std::shared_ptr<simulated_disk> after_kill() const;

    /// Tests look at and change bytes behind the program's back; the change counts as durable.
    [[nodiscard]] byte_buffer content(const std::string& path) const;
    void set_content(const std::string& path, byte_buffer content);
    /// Every regular file below `directory`, as full paths, sorted; none where it does not exist.
    [[nodiscard]] std::vector<std::string> files_below(const std::string& directory) const;

    /// Of a file, by all that read_at() calls have returned under this name; maps are not counted.
    [[nodiscard]] std::uint64_t bytes_read(const std::string& path) const;

    /// Told of each operation before it happens, with the path. Called without the disk's lock, so
    /// it may look at the disk, take a copy of it, or decide this operation's fate by fail_at() or
    /// power_off_at().
    void observe(
        std::function<void(std::uint64_t number, operation op, const std::string& path)> observer
    );

private:
    struct state;
    class open_file;
    class held_lock;
    std::shared_ptr<state> state_;
};

/// A clock that moves only when told, or by a step on each reading.
class simulated_clock final : public clock {
public:
    explicit simulated_clock(
        timestamp start = timestamp::from_milliseconds(1'704'067'200'000),
        std::chrono::nanoseconds step = std::chrono::milliseconds{1}
    );
    ~simulated_clock() override;

    [[nodiscard]] timestamp now() override;
    [[nodiscard]] std::chrono::nanoseconds monotonic() override;

    /// Wall time jumps; monotonic time does not notice.
    void set(timestamp t);

    /// Time passes, for both.
    void advance(std::chrono::nanoseconds by);

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Reproducible bytes from a seed. Not for identities outside tests.
class simulated_random final : public random_source {
public:
    explicit simulated_random(std::uint64_t seed);
    ~simulated_random() override;

    void fill(std::span<std::byte> into) override;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// A machine with `disk`, a simulated clock and random source. `boot` tells one start of the
/// machine from another (boot_id).
[[nodiscard]] machine simulated_machine(
    std::shared_ptr<simulated_disk> disk, std::uint64_t seed = 1, std::uint64_t boot = 1
);

} // namespace everfold::io
