// SPDX-License-Identifier: MIT
#pragma once
// What a program can use instead to keep events, each behind the same few operations. They store
// the packed payload, the least there is, under a position, and find a stream's events by an index
// of their own.

#include "../workload.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace everfold::benchmarks {

enum class syncing : std::uint8_t {
    none,   ///< what is appended survives the end of the process
    commit, ///< and a power cut
};

/// Of one thread.
class peer_writer {
public:
    peer_writer() = default;
    peer_writer(const peer_writer&) = delete;
    peer_writer& operator=(const peer_writer&) = delete;
    peer_writer(peer_writer&&) = delete;
    peer_writer& operator=(peer_writer&&) = delete;
    virtual ~peer_writer() = default;

    /// Atomically.
    virtual void append(std::span<const user_event> batch) = 0;
};

/// What is handed out is unpacked, and valid during the call.
using event_visitor = std::function<void(const user_event&)>;

class peer {
public:
    peer() = default;
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;
    peer(peer&&) = delete;
    peer& operator=(peer&&) = delete;
    virtual ~peer() = default;

    [[nodiscard]] virtual std::unique_ptr<peer_writer> writer() = 0;

    /// Every event in order, as bytes; their count.
    virtual std::uint64_t read_rows() = 0;
    virtual void read_all(const event_visitor& see) = 0;
    virtual void read_stream(std::uint32_t user, const event_visitor& see) = 0;

    /// Before the two that follow; may make an index that appending did without.
    virtual void prepare_history() {}
    virtual void read_kind(kind wanted, const event_visitor& see) = 0;
    /// until_ms is not in it.
    virtual void
    read_times(std::uint64_t from_ms, std::uint64_t until_ms, const event_visitor& see) = 0;
};

struct peer_kind {
    std::string name{};
    std::unique_ptr<peer> (*open)(const std::string& path, syncing how){};
};

/// Those that this program was built with.
[[nodiscard]] std::vector<peer_kind> peers();

/// A closed one that holds all of the workload, in appends of a thousand; made where it is not
/// there.
[[nodiscard]] std::string
peer_data(const peer_kind& of, const workload& w, const std::string& data);

void append_all(peer_writer& to, std::span<const user_event> events, std::size_t batch);

#if EVERFOLD_BENCHMARK_SQLITE
[[nodiscard]] std::unique_ptr<peer> open_sqlite(const std::string& path, syncing how);
#endif
#if EVERFOLD_BENCHMARK_LEVELDB
[[nodiscard]] std::unique_ptr<peer> open_leveldb(const std::string& path, syncing how);
#endif
#if EVERFOLD_BENCHMARK_LMDB
[[nodiscard]] std::unique_ptr<peer> open_lmdb(const std::string& path, syncing how);
#endif
#if EVERFOLD_BENCHMARK_ROCKSDB
[[nodiscard]] std::unique_ptr<peer> open_rocksdb(const std::string& path, syncing how);
#endif

} // namespace everfold::benchmarks
