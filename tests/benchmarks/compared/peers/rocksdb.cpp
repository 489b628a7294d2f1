// SPDX-License-Identifier: MIT
// As LevelDB, with two threads behind it.
#include "peer.hpp"

#if EVERFOLD_BENCHMARK_ROCKSDB
#include "ordered_keys.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

namespace everfold::benchmarks {

namespace {

struct rocksdb_api {
    static constexpr std::string_view name = "RocksDB";
    using db = rocksdb::DB;
    using slice = rocksdb::Slice;
    using write_batch = rocksdb::WriteBatch;
    using write_options = rocksdb::WriteOptions;
    using read_options = rocksdb::ReadOptions;
    using iterator = rocksdb::Iterator;

    static std::unique_ptr<db> open(const std::string& path) {
        rocksdb::Options options;
        options.create_if_missing = true;
        options.write_buffer_size = std::size_t{64} << 20U;
        options.compression = rocksdb::kSnappyCompression;
        options.max_background_jobs = 2;
        options.enable_pipelined_write = true;
        rocksdb::BlockBasedTableOptions table;
        table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
        table.block_cache = rocksdb::NewLRUCache(std::size_t{256} << 20U);
        options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
        rocksdb::DB* opened = nullptr;
        const auto status = rocksdb::DB::Open(options, path, &opened);
        if (!status.ok())
            throw std::runtime_error{"RocksDB: " + status.ToString()};
        return std::unique_ptr<db>{opened};
    }
};

} // namespace

std::unique_ptr<peer> open_rocksdb(const std::string& path, syncing how) {
    return std::make_unique<ordered_keys<rocksdb_api>>(path, how);
}

} // namespace everfold::benchmarks
#endif
