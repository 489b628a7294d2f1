// SPDX-License-Identifier: MIT
// One table: the position is its key, and a stream's version is unique. Write-ahead log, statements
// prepared once; NORMAL would sync now and then, so what is not to be synced has OFF.
#include "peer.hpp"

#if EVERFOLD_BENCHMARK_SQLITE
#include <sqlite3.h>

#include <array>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace everfold::benchmarks {

namespace {

struct closing {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
};
using database = std::unique_ptr<sqlite3, closing>;

[[noreturn]] void fail(sqlite3* db) {
    throw std::runtime_error{std::string{"SQLite: "} + sqlite3_errmsg(db)};
}

void execute(sqlite3* db, const std::string& sql) {
    if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        fail(db);
}

class statement {
public:
    statement(sqlite3* db, const char* sql)
        : db_{db} {
        sqlite3_stmt* made = nullptr;
        if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK)
            fail(db);
        statement_.reset(made);
    }

    void bind(int at, std::int64_t value) { sqlite3_bind_int64(statement_.get(), at, value); }

    /// `text` lives until the statement has run.
    void bind_text(int at, std::string_view text) {
        sqlite3_bind_text(
            statement_.get(), at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC
        );
    }

    void bind_bytes(int at, const char* from, std::size_t size) {
        sqlite3_bind_blob(statement_.get(), at, from, static_cast<int>(size), SQLITE_STATIC);
    }

    void run() {
        if (sqlite3_step(statement_.get()) != SQLITE_DONE)
            fail(db_);
        sqlite3_reset(statement_.get());
    }

    /// Calls `f` for each row.
    template <class F>
    void each(F&& f) {
        auto answer = sqlite3_step(statement_.get());
        for (; answer == SQLITE_ROW; answer = sqlite3_step(statement_.get()))
            f(statement_.get());
        if (answer != SQLITE_DONE)
            fail(db_);
        sqlite3_reset(statement_.get());
    }

private:
    sqlite3* db_;
    std::unique_ptr<sqlite3_stmt, closing> statement_{};
};

database open_database(const std::string& path, syncing how) {
    sqlite3* opened = nullptr;
    const auto answer = sqlite3_open_v2(
        path.c_str(),
        &opened,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
        nullptr
    );
    database db{opened};
    if (answer != SQLITE_OK)
        fail(opened);
    sqlite3_busy_timeout(db.get(), 60'000);
    execute(db.get(), "PRAGMA journal_mode=WAL");
    execute(
        db.get(), how == syncing::commit ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF"
    );
    return db;
}

class sqlite_writer final : public peer_writer {
public:
    explicit sqlite_writer(database db)
        : db_{std::move(db)} {}

    void append(std::span<const user_event> batch) override {
        if (batch.size() > 1)
            begin_.run();
        std::array<char, packed_size_max> packed{};
        for (const auto& e : batch) {
            insert_.bind(1, e.user);
            insert_.bind(2, e.nth);
            insert_.bind_text(3, name_of(e.what));
            insert_.bind(4, static_cast<std::int64_t>(e.at_ms));
            insert_.bind_bytes(5, packed.data(), pack(e, packed.data()));
            insert_.run();
        }
        if (batch.size() > 1)
            commit_.run();
    }

private:
    database db_;
    statement begin_{db_.get(), "BEGIN IMMEDIATE"};
    statement insert_{
        db_.get(), "INSERT INTO events(stream,version,type,ts,data) VALUES(?,?,?,?,?)"};
    statement commit_{db_.get(), "COMMIT"};
};

class sqlite final : public peer {
public:
    sqlite(const std::string& directory, syncing how)
        : path_{directory + "/events.db"}
        , how_{how} {
        std::filesystem::create_directories(directory);
        db_ = open_database(path_, how_);
        execute(
            db_.get(),
            "CREATE TABLE IF NOT EXISTS events(global INTEGER PRIMARY KEY, stream INTEGER NOT "
            "NULL, "
            "version INTEGER NOT NULL, type TEXT NOT NULL, ts INTEGER NOT NULL, data BLOB NOT "
            "NULL, "
            "UNIQUE(stream,version))"
        );
    }

    std::unique_ptr<peer_writer> writer() override {
        return std::make_unique<sqlite_writer>(open_database(path_, how_));
    }

    std::uint64_t read_rows() override {
        statement all{db_.get(), "SELECT type,ts,data FROM events ORDER BY global"};
        std::uint64_t count = 0;
        std::uint64_t sum = 0;
        all.each([&](sqlite3_stmt* row) {
            sum += static_cast<std::uint64_t>(sqlite3_column_int64(row, 1));
            sum += sqlite3_column_blob(row, 2) != nullptr
                       ? static_cast<std::uint64_t>(sqlite3_column_bytes(row, 2))
                       : 0U;
            ++count;
        });
        return sum > 0 ? count : 0;
    }

    void read_all(const event_visitor& see) override {
        statement all{db_.get(), "SELECT data FROM events ORDER BY global"};
        hand_out(all, see);
    }

    void read_stream(std::uint32_t user, const event_visitor& see) override {
        if (!of_stream_)
            of_stream_.emplace(
                db_.get(), "SELECT data FROM events WHERE stream=? ORDER BY version"
            );
        of_stream_->bind(1, user);
        hand_out(*of_stream_, see);
    }

    void prepare_history() override {
        execute(db_.get(), "CREATE INDEX IF NOT EXISTS ix_type ON events(type)");
        execute(db_.get(), "CREATE INDEX IF NOT EXISTS ix_ts ON events(ts)");
    }

    void read_kind(kind wanted, const event_visitor& see) override {
        statement of_kind{db_.get(), "SELECT data FROM events WHERE type=? ORDER BY global"};
        of_kind.bind_text(1, name_of(wanted));
        hand_out(of_kind, see);
    }

    void
    read_times(std::uint64_t from_ms, std::uint64_t until_ms, const event_visitor& see) override {
        statement between{
            db_.get(), "SELECT data FROM events WHERE ts>=? AND ts<? ORDER BY global"};
        between.bind(1, static_cast<std::int64_t>(from_ms));
        between.bind(2, static_cast<std::int64_t>(until_ms));
        hand_out(between, see);
    }

private:
    static void hand_out(statement& from, const event_visitor& see) {
        from.each([&](sqlite3_stmt* row) {
            see(unpack(static_cast<const char*>(sqlite3_column_blob(row, 0))));
        });
    }

    std::string path_;
    syncing how_;
    database db_{};
    std::optional<statement> of_stream_{};
};

} // namespace

std::unique_ptr<peer> open_sqlite(const std::string& path, syncing how) {
    return std::make_unique<sqlite>(path, how);
}

} // namespace everfold::benchmarks
#endif
