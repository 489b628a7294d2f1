// SPDX-License-Identifier: MIT
// Two tables with integer keys: events by position, positions by user and version. A map of 4 GiB;
// where nothing is to be synced, NOSYNC.
#include "peer.hpp"

#if EVERFOLD_BENCHMARK_LMDB
#include <lmdb.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace everfold::benchmarks {

namespace {

void require(int answer) {
    if (answer != MDB_SUCCESS)
        throw std::runtime_error{std::string{"LMDB: "} + mdb_strerror(answer)};
}

struct ending {
    void operator()(MDB_env* e) const { mdb_env_close(e); }
    void operator()(MDB_txn* t) const { mdb_txn_abort(t); }
    void operator()(MDB_cursor* c) const { mdb_cursor_close(c); }
};
using transaction = std::unique_ptr<MDB_txn, ending>;
using cursor = std::unique_ptr<MDB_cursor, ending>;

MDB_val view_of(std::size_t& key) {
    return {sizeof key, &key};
}

const char* bytes_of(const MDB_val& v) {
    return static_cast<const char*>(v.mv_data);
}

std::size_t number_in(const MDB_val& v) {
    std::size_t out = 0;
    std::memcpy(&out, v.mv_data, sizeof out);
    return out;
}

class lmdb final : public peer {
public:
    lmdb(const std::string& path, syncing how) {
        std::filesystem::create_directories(path);
        MDB_env* made = nullptr;
        require(mdb_env_create(&made));
        env_.reset(made);
        require(mdb_env_set_mapsize(made, std::size_t{4} << 30U));
        require(mdb_env_set_maxdbs(made, 2));
        const unsigned flags = how == syncing::commit ? 0U : unsigned{MDB_NOSYNC};
        require(mdb_env_open(made, path.c_str(), flags, 0600));
        auto t = begin(0);
        require(mdb_dbi_open(t.get(), "events", MDB_CREATE | MDB_INTEGERKEY, &events_));
        require(mdb_dbi_open(t.get(), "streams", MDB_CREATE | MDB_INTEGERKEY, &streams_));
        require(mdb_txn_commit(t.release()));
    }

    std::unique_ptr<peer_writer> writer() override { return std::make_unique<one_writer>(*this); }

    std::uint64_t read_rows() override {
        std::uint64_t count = 0;
        std::uint64_t bytes = 0;
        walk(0, [&](const MDB_val& v) {
            bytes += v.mv_size;
            ++count;
            return true;
        });
        return bytes > 0 ? count : 0;
    }

    void read_all(const event_visitor& see) override {
        walk(0, [&](const MDB_val& v) {
            see(unpack(bytes_of(v)));
            return true;
        });
    }

    void read_stream(std::uint32_t user, const event_visitor& see) override {
        const auto t = begin(MDB_RDONLY);
        const auto c = open_cursor(t.get(), streams_);
        std::size_t first = std::size_t{user} << 24U;
        auto key = view_of(first);
        MDB_val value{};
        for (int r = mdb_cursor_get(c.get(), &key, &value, MDB_SET_RANGE); r != MDB_NOTFOUND;
             r = mdb_cursor_get(c.get(), &key, &value, MDB_NEXT)) {
            require(r);
            if (number_in(key) >> 24U != user)
                break;
            MDB_val event{};
            require(mdb_get(t.get(), events_, &value, &event));
            see(unpack(bytes_of(event)));
        }
    }

    void read_kind(kind wanted, const event_visitor& see) override {
        walk(0, [&](const MDB_val& v) {
            if (static_cast<kind>(bytes_of(v)[12]) == wanted)
                see(unpack(bytes_of(v)));
            return true;
        });
    }

    void
    read_times(std::uint64_t from_ms, std::uint64_t until_ms, const event_visitor& see) override {
        std::size_t low = 0;
        for (std::size_t high = next(begin(MDB_RDONLY).get()); low < high;) {
            const auto middle = (low + high) / 2;
            std::uint64_t there = 0;
            walk(middle, [&](const MDB_val& v) {
                there = unpack(bytes_of(v)).at_ms;
                return false;
            });
            if (there < from_ms)
                low = middle + 1;
            else
                high = middle;
        }
        walk(low, [&](const MDB_val& v) {
            const auto e = unpack(bytes_of(v));
            if (e.at_ms >= until_ms)
                return false;
            see(e);
            return true;
        });
    }

private:
    class one_writer final : public peer_writer {
    public:
        explicit one_writer(lmdb& to)
            : to_{&to} {}

        void append(std::span<const user_event> batch) override {
            auto t = to_->begin(0);
            std::array<char, packed_size_max> packed{};
            auto position = to_->next(t.get());
            for (const auto& e : batch) {
                auto key = view_of(position);
                MDB_val value{pack(e, packed.data()), packed.data()};
                require(mdb_put(t.get(), to_->events_, &key, &value, MDB_APPEND));
                std::size_t in_stream = std::size_t{e.user} << 24U | e.nth;
                auto stream_key = view_of(in_stream);
                require(mdb_put(t.get(), to_->streams_, &stream_key, &key, MDB_NOOVERWRITE));
                ++position;
            }
            require(mdb_txn_commit(t.release()));
        }

    private:
        lmdb* to_;
    };

    [[nodiscard]] transaction begin(unsigned flags) const {
        MDB_txn* out = nullptr;
        require(mdb_txn_begin(env_.get(), nullptr, flags, &out));
        return transaction{out};
    }

    [[nodiscard]] static cursor open_cursor(MDB_txn* t, MDB_dbi table) {
        MDB_cursor* out = nullptr;
        require(mdb_cursor_open(t, table, &out));
        return cursor{out};
    }

    [[nodiscard]] std::size_t next(MDB_txn* t) const {
        const auto c = open_cursor(t, events_);
        MDB_val key{};
        MDB_val value{};
        const int r = mdb_cursor_get(c.get(), &key, &value, MDB_LAST);
        if (r == MDB_NOTFOUND)
            return 0;
        require(r);
        return number_in(key) + 1;
    }

    /// Until `f` says no.
    template <class F>
    void walk(std::size_t from, F&& f) const {
        const auto t = begin(MDB_RDONLY);
        const auto c = open_cursor(t.get(), events_);
        auto key = view_of(from);
        MDB_val value{};
        for (int r = mdb_cursor_get(c.get(), &key, &value, MDB_SET_RANGE); r != MDB_NOTFOUND;
             r = mdb_cursor_get(c.get(), &key, &value, MDB_NEXT)) {
            require(r);
            if (!f(value))
                break;
        }
    }

    std::unique_ptr<MDB_env, ending> env_{};
    MDB_dbi events_{};
    MDB_dbi streams_{};
};

} // namespace

std::unique_ptr<peer> open_lmdb(const std::string& path, syncing how) {
    return std::make_unique<lmdb>(path, how);
}

} // namespace everfold::benchmarks
#endif
