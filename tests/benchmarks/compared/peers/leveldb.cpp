// SPDX-License-Identifier: MIT
// 64 MiB of writes in memory, a filter of 10 bits a key, 256 MiB of cache.
#include "peer.hpp"

#if EVERFOLD_BENCHMARK_LEVELDB
#include "ordered_keys.hpp"

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

namespace everfold::benchmarks {

namespace {

struct leveldb_api {
    static constexpr std::string_view name = "LevelDB";
    using slice = leveldb::Slice;
    using write_batch = leveldb::WriteBatch;
    using write_options = leveldb::WriteOptions;
    using read_options = leveldb::ReadOptions;
    using iterator = leveldb::Iterator;

    /// What the options point to is the caller's, and to outlive the database.
    class db {
    public:
        explicit db(const std::string& path) {
            leveldb::Options options;
            options.create_if_missing = true;
            options.write_buffer_size = std::size_t{64} << 20U;
            options.filter_policy = filter_.get();
            options.block_cache = cache_.get();
            leveldb::DB* opened = nullptr;
            const auto status = leveldb::DB::Open(options, path, &opened);
            if (!status.ok())
                throw std::runtime_error{"LevelDB: " + status.ToString()};
            db_.reset(opened);
        }

        leveldb::Iterator* NewIterator(const leveldb::ReadOptions& o) const {
            return db_->NewIterator(o);
        }
        auto Get(const leveldb::ReadOptions& o, const leveldb::Slice& key, std::string* to) {
            return db_->Get(o, key, to);
        }
        auto Write(const leveldb::WriteOptions& o, leveldb::WriteBatch* batch) {
            return db_->Write(o, batch);
        }

    private:
        std::unique_ptr<const leveldb::FilterPolicy> filter_{leveldb::NewBloomFilterPolicy(10)};
        std::unique_ptr<leveldb::Cache> cache_{leveldb::NewLRUCache(std::size_t{256} << 20U)};
        std::unique_ptr<leveldb::DB> db_{};
    };

    static std::unique_ptr<db> open(const std::string& path) { return std::make_unique<db>(path); }
};

} // namespace

std::unique_ptr<peer> open_leveldb(const std::string& path, syncing how) {
    return std::make_unique<ordered_keys<leveldb_api>>(path, how);
}

} // namespace everfold::benchmarks
#endif
