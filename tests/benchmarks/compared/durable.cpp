// SPDX-License-Identifier: MIT
// How many events a second are appended so that they survive a power cut, by one writer, by many at
// once that each wait for their own, and by one that does not wait?
#include "compared.hpp"
#include "peers/peer.hpp"
#include "raw_durable.hpp"
#include "raw_log.hpp"
#include "users.hpp"
#include "workload.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

constexpr std::size_t frame_bytes_at_most = 128;

/// Rate, and events a sync, of what happens while it lives.
class meter {
public:
    [[nodiscard]] std::vector<double> values(std::size_t events) const {
        const auto count = static_cast<double>(events);
        const auto synced =
            static_cast<double>(std::max<std::uint64_t>(count_syncs() - before_, 1));
        return {count / watch_.seconds(), count / synced};
    }

private:
    std::uint64_t before_{count_syncs()};
    stopwatch watch_{};
};

std::string digest_of_frames(std::string frames) {
    // What lies behind the last frame was filled with zeros.
    frames.erase(std::min(frames.size(), raw_end(frames)));
    user_map users;
    fold_views(frames, users);
    return users.digest();
}

std::string digest_of_peer(peer& p) {
    user_map users;
    p.read_all([&](const user_event& e) { users.apply(e); });
    return users.digest();
}

/// All of a user's events are the same thread's.
shares share_out(std::span<const user_event> events, std::size_t threads) {
    shares out(threads);
    for (const auto& e : events)
        out[e.user % threads].push_back(e);
    return out;
}

template <class Work>
void on_threads(const shares& of, const Work& work) {
    std::vector<std::jthread> threads;
    threads.reserve(of.size());
    for (const auto& mine : of)
        threads.emplace_back([&] { work(mine); });
}

append_request request_of(const user_event& e) {
    append_request out;
    out.streams.push_back({.stream = stream_of(e.user)});
    out.streams.front().events.push_back(typed(e));
    return out;
}

double seconds_of_a_sync(const std::string& path) {
    constexpr int tries = 20;
    const filled_file file{path, std::uint64_t{1} << 20U};
    const stopwatch watch;
    for (int i = 0; i < tries; ++i) {
        file.write(0, "a few bytes");
        file.sync();
    }
    const auto out = watch.seconds() / tries;
    std::filesystem::remove(path);
    return std::max(out, 1e-6);
}

struct question {
    std::string operation{};
    std::size_t threads{1};
    double target{};
    std::optional<double> events_a_sync{};
    std::string limit_name{};
    bool has_peers{true};
};

class asker {
public:
    asker(const options& how, const workload& w)
        : how_{&how}
        , events_{w.events()}
        , path_{how.data + "/durable"}
        , store_{fresh_store()} {}

    ~asker() {
        std::filesystem::remove_all(path_);
        std::filesystem::remove_all(path_ + ".log");
    }
    asker(const asker&) = delete;
    asker& operator=(const asker&) = delete;
    asker(asker&&) = delete;
    asker& operator=(asker&&) = delete;

    void ask(const question& q, std::size_t count) {
        const auto events = events_.first(std::min(count, events_.size()));
        const auto of_threads = share_out(events, q.threads);
        auto c = prepare(q, events);
        c.ours.run = [&] {
            return appended(
                [&] {
                    on_threads(of_threads, [&](const std::vector<user_event>& mine) {
                        for (const auto& e : mine)
                            store_.append(request_of(e)).value();
                    });
                },
                events.size()
            );
        };
        c.limit->run = [&] {
            return written(events, [&](const filled_file& file) {
                if (q.threads == 1)
                    append_synced(file, events);
                else
                    append_synced_together(file, of_threads);
            });
        };
        for (const auto& kind : q.has_peers ? peers() : std::vector<peer_kind>{}) {
            c.peers.push_back(
                {kind.name,
                 [&, kind] {
                     std::filesystem::remove_all(path_);
                     const auto store = kind.open(path_, syncing::commit);
                     const meter m;
                     on_threads(of_threads, [&](const std::vector<user_event>& mine) {
                         append_all(*store->writer(), mine, 1);
                     });
                     return measured{m.values(events.size()), digest_of_peer(*store)};
                 },
                 q.threads == 1 ? 3U : 1U}
            );
        }
        compare(*how_, c);
    }

    void ask_ahead(const question& q, std::size_t count, std::size_t outstanding) {
        const auto events = events_.first(std::min(count, events_.size()));
        auto c = prepare(q, events);
        c.ours.run = [&] {
            return appended(
                [&] {
                    std::deque<std::future<append_result>> waiting;
                    for (const auto& e : events) {
                        if (waiting.size() == outstanding) {
                            waiting.front().get().value();
                            waiting.pop_front();
                        }
                        waiting.push_back(store_.append_async(request_of(e)));
                    }
                    for (auto& f : waiting)
                        f.get().value();
                },
                events.size()
            );
        };
        c.limit->run = [&] {
            return written(events, [&](const filled_file& file) {
                append_synced_ahead(file, events, outstanding);
            });
        };
        compare(*how_, c);
    }

private:
    [[nodiscard]] store fresh_store() const {
        std::filesystem::remove_all(path_ + ".log");
        return open(path_ + ".log", {.compress_sealed = false});
    }

    [[nodiscard]] contest prepare(const question& q, std::span<const user_event> events) const {
        contest c;
        c.operation = q.operation;
        c.events = events.size();
        c.work = "each event an append of its own, synced; the others store the packed payload";
        c.aspects = {
            {.unit = "events/s", .target = at_least(q.target)},
            {.what = "of one sync", .unit = "events"}};
        if (q.events_a_sync) {
            c.aspects[1].target = at_least(*q.events_a_sync);
            c.aspects[1].is_of_value = true;
        }
        c.digest = benchmarks::digest_of(events);
        c.warms_up = true;
        c.ours.name = "Everfold";
        c.limit = contestant{.name = q.limit_name};
        return c;
    }

    /// The log is never new but in the first turn: its file is filled ahead, as the limit's is.
    template <class Work>
    [[nodiscard]] measured appended(const Work& work, std::size_t count) {
        const auto first = store_.end();
        const meter m;
        work();
        return {m.values(count), benchmarks::digest_of(store_, first)};
    }

    template <class Work>
    [[nodiscard]] measured written(std::span<const user_event> events, const Work& work) const {
        std::filesystem::remove_all(path_);
        const filled_file file{path_, events.size() * frame_bytes_at_most};
        const meter m;
        work(file);
        return {m.values(events.size()), digest_of_frames(read_whole(path_))};
    }

    const options* how_;
    std::span<const user_event> events_;
    std::string path_;
    store store_;
};

void questions(const options& how) {
    const workload w{std::clamp<std::uint64_t>(how.events, 10'000, 200'000)};
    // Syncs take their time however much there is in the log, and each disk its own.
    const auto sync = seconds_of_a_sync(how.data + "/durable");
    const auto events_in = [sync](double seconds, std::size_t least, std::size_t most) {
        return std::clamp(static_cast<std::size_t>(seconds / sync), least, most);
    };
    asker a{how, w};
    a.ask(
        {.operation = "durable append, one writer",
         .threads = 1,
         .target = 0.9,
         .limit_name = "write, fdatasync on a file filled with zeros"},
        events_in(0.3, 50, 1000)
    );
    a.ask(
        {.operation = "durable append, 8 writers",
         .threads = 8,
         .target = 0.75,
         .events_a_sync = 5.5,
         .limit_name = "adaptive group commit"},
        events_in(1.5, 400, 8000)
    );
    a.ask(
        {.operation = "durable append, 64 writers",
         .threads = 64,
         .target = 0.6,
         .limit_name = "adaptive group commit",
         .has_peers = false},
        events_in(6, 1600, 25'000)
    );
    a.ask_ahead(
        {.operation = "durable append, 1,000 outstanding",
         .target = 0.5,
         .limit_name = "one thread hands over, one writes and syncs"},
        events_in(100, 20'000, 200'000),
        1000
    );
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
