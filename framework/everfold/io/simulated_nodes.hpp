// SPDX-License-Identifier: MIT
#pragma once
// What the simulated disk is made of: files and directories in two pictures, the one that running
// processes see and the one that is durable, and the changes that lie between them.

#include <everfold/io/simulated.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace everfold::io::simulated {

/// Reproducible numbers (splitmix64).
class generator {
public:
    explicit generator(std::uint64_t seed) noexcept
        : state_{seed} {}

    std::uint64_t next() noexcept;

private:
    std::uint64_t state_;
};

/// Bytes that copies share until one of them is edited. A copy is flagged, not counted: two disks
/// with a mutex each may share bytes, and neither may conclude from a count that it is alone.
class shared_bytes { // NOLINT(cppcoreguidelines-special-member-functions): a move is a copy
public:
    shared_bytes();
    explicit shared_bytes(byte_buffer bytes);
    shared_bytes(const shared_bytes& other) noexcept;
    shared_bytes& operator=(const shared_bytes& other) noexcept;
    ~shared_bytes() = default;

    [[nodiscard]] const byte_buffer& view() const noexcept { return *bytes_; }

    [[nodiscard]] byte_buffer& edit();

private:
    std::shared_ptr<byte_buffer> bytes_;
    mutable bool is_shared_ = false;
};

/// A write, or a cut or extension to `size`.
struct file_change {
    enum class what : std::uint8_t { write, truncate };

    what kind{};
    std::uint64_t at{};
    byte_buffer bytes{};
    std::optional<std::uint64_t> size{}; // where it changes
};

struct file_node {
    shared_bytes current{};
    shared_bytes durable{};
    std::vector<file_change> unsynced{};
    bool is_locked = false;
    bool owes_error = false; // of a sync that failed and did not say so
    /// Before a write that the power cut short, within one page: content, and how much of it was
    /// not synced. A process that is killed leaves such a write whole or away.
    std::optional<std::pair<shared_bytes, std::size_t>> before_torn{};

    void write(std::uint64_t at, bytes_view from, bool keeps_unsynced);
    void truncate(std::uint64_t size, bool keeps_unsynced);
    void sync();

    /// What Linux does where a sync fails: the pages count as clean from then on, though they
    /// never reached the disk, and no later sync writes them.
    void forget_unsynced() noexcept { unsynced.clear(); }

    void revert() noexcept {
        unsynced.clear();
        current = durable;
    }
};

struct directory_node;
using file_ptr = std::shared_ptr<file_node>;
using directory_ptr = std::shared_ptr<directory_node>;
using entry = std::variant<file_ptr, directory_ptr>;
using entry_map = std::map<std::string, entry, std::less<>>;

/// One change of a directory: `set` comes to name the target, `cleared` ceases to; either may be
/// empty. A rename inside one directory has both and happens whole; a rename between directories
/// is one change in each, and each needs its sync.
struct entry_change {
    std::string set{};
    std::string cleared{};
    entry target{};
};

struct directory_node {
    entry_map current{};
    entry_map durable{};
    std::vector<entry_change> unsynced{};

    void change(entry_change c, bool keeps_unsynced);

    /// A failed sync of a directory leaves its changes pending: names are in the file system's
    /// journal, which does not forget them as the page cache does.
    void sync();
};

/// The tree as a restarted machine finds it.
[[nodiscard]] directory_ptr
after_power_cut(const directory_ptr& root, power_cut kind, std::uint64_t seed);

/// The same, and `choose` makes each choice.
[[nodiscard]] directory_ptr
after_chosen_cut(const directory_ptr& root, power_cut kind, const simulated_disk::chooser& choose);

/// The same tree once more, unsynced changes and all, without locks.
[[nodiscard]] directory_ptr deep_copy(const directory_ptr& root);

} // namespace everfold::io::simulated
