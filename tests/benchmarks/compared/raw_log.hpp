// SPDX-License-Identifier: MIT
#pragma once
// The limits: what reading, folding and finding can't do without, by hand, over the plainest log
// there is.
//
// Frames are those of raw_frame.hpp. No names, no batches, no positions, no recovery.

#include "workload.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::benchmarks {

/// "crc32c" where the processor has it, else "xxh3".
[[nodiscard]] std::string_view raw_checksum_name() noexcept;

[[nodiscard]] std::string raw_frames(std::span<const user_event> events);

/// Encode, checksum, 64 KiB of buffer, write().
void write_in_blocks(const std::string& path, std::span<const user_event> events);
/// Encode, checksum, one write() for each event.
void write_one_by_one(const std::string& path, std::span<const user_event> events);

[[nodiscard]] std::string read_whole(const std::string& path);

/// Where the zeros begin that a file was filled with.
[[nodiscard]] std::size_t raw_end(std::string_view frames);

/// Length and checksum of each frame; the sum of the lengths, so that nothing is left out.
[[nodiscard]] std::uint64_t scan(std::string_view frames);

/// Which users there are decides at once where each is: a vector of slots, whose texts are kept in
/// one block of memory and overwritten where the new one fits. Slots are fetched 32 events ahead.
class dense_users {
public:
    dense_users();
    dense_users(const dense_users&) = delete;
    dense_users& operator=(const dense_users&) = delete;
    dense_users(dense_users&&) = delete;
    dense_users& operator=(dense_users&&) = delete;
    ~dense_users();

    void fold(std::string_view frames);
    [[nodiscard]] std::string digest() const;

private:
    class slots;
    std::unique_ptr<slots> slots_;
};

/// Each event is made a variant of three structs with views, and visited into a standard map.
void fold_views(std::string_view frames, user_map& into);

/// Everything of one user by the links from each frame to the one before, and the latest frame of
/// each.
class linked_log {
public:
    explicit linked_log(std::span<const user_event> events);
    /// False where the user is deleted.
    [[nodiscard]] bool load(std::uint32_t user, user_strings& into) const;

private:
    std::string frames_{};
    std::vector<std::uint64_t> heads_{};
};

/// How many are of that kind: from length to length, and nothing is checked.
[[nodiscard]] std::uint64_t count_kind(std::string_view frames, kind wanted);

/// The first event in each 64 KiB.
class sparse_times {
public:
    explicit sparse_times(std::string_view frames);
    /// Checked and unpacked.
    [[nodiscard]] std::uint64_t count(std::uint64_t from_ms, std::uint64_t until_ms) const;

private:
    struct entry {
        std::uint64_t at_ms{};
        std::uint64_t offset{};
    };
    std::string_view frames_;
    std::vector<entry> entries_{};
};

/// Each frame checked, and its offset put into a list of its user's: what opening can't do without
/// where nothing was kept. Returns the count of users.
[[nodiscard]] std::uint64_t index_frames(std::string_view frames);

/// One block of packed users, with a checksum.
[[nodiscard]] std::string pack_users(user_map& from);
void unpack_users(std::string_view block, std::vector<user_strings>& into);
[[nodiscard]] std::string digest_of(const std::vector<user_strings>& users);

/// One file, in one piece.
void write_file(const std::string& path, std::string_view bytes);

} // namespace everfold::benchmarks
