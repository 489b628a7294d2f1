// SPDX-License-Identifier: MIT
#pragma once
// The limits of durable appends: loops over a file that was filled with zeros and synced before, so
// that a sync has no size and no extent to write down.

#include "workload.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace everfold::benchmarks {

/// Of this program so far, whoever calls it.
[[nodiscard]] std::uint64_t count_syncs() noexcept;

/// Makes the file, fills it with zeros and syncs it.
class filled_file {
public:
    filled_file(const std::string& path, std::uint64_t bytes);
    filled_file(const filled_file&) = delete;
    filled_file& operator=(const filled_file&) = delete;
    filled_file(filled_file&&) = delete;
    filled_file& operator=(filled_file&&) = delete;
    ~filled_file();

    void write(std::uint64_t at, const std::string& bytes) const;
    void sync() const;

private:
    int descriptor_;
};

/// The events of each of several threads.
using shares = std::vector<std::vector<user_event>>;

/// Write and sync, one after the other.
void append_synced(const filled_file& to, std::span<const user_event> events);

/// Each thread waits for its own event before it goes on with the next. One of them writes and
/// syncs for all that have queued, and before that yields, at most 60 us, until as many have as did
/// lately.
void append_synced_together(const filled_file& to, const shares& of_threads);

/// One thread hands events over, at most `outstanding` that are not durable; another writes and
/// syncs whatever is there.
void append_synced_ahead(
    const filled_file& to, std::span<const user_event> events, std::size_t outstanding
);

} // namespace everfold::benchmarks
