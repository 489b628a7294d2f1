// SPDX-License-Identifier: MIT
#include "peer.hpp"

#include <algorithm>
#include <filesystem>

namespace everfold::benchmarks {

std::vector<peer_kind> peers() {
    std::vector<peer_kind> out;
#if EVERFOLD_BENCHMARK_SQLITE
    out.push_back({"SQLite", open_sqlite});
#endif
#if EVERFOLD_BENCHMARK_LEVELDB
    out.push_back({"LevelDB", open_leveldb});
#endif
#if EVERFOLD_BENCHMARK_LMDB
    out.push_back({"LMDB", open_lmdb});
#endif
#if EVERFOLD_BENCHMARK_ROCKSDB
    out.push_back({"RocksDB", open_rocksdb});
#endif
    return out;
}

std::string peer_data(const peer_kind& of, const workload& w, const std::string& data) {
    const auto path = data + '/' + of.name + '-' + std::to_string(w.events().size());
    if (std::filesystem::exists(path))
        return path;
    const auto unfinished = path + ".unfinished";
    std::filesystem::remove_all(unfinished);
    {
        const auto store = of.open(unfinished, syncing::none);
        append_all(*store->writer(), w.events(), 1000);
    }
    std::filesystem::rename(unfinished, path);
    return path;
}

void append_all(peer_writer& to, std::span<const user_event> events, std::size_t batch) {
    for (std::size_t i = 0; i < events.size(); i += batch)
        to.append(events.subspan(i, std::min(batch, events.size() - i)));
}

} // namespace everfold::benchmarks
