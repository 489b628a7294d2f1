// SPDX-License-Identifier: MIT
// How many events a second are read, checked, and folded into a state?
#include "compared.hpp"
#include "peers/peer.hpp"
#include "raw_log.hpp"
#include "users.hpp"
#include "workload.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

class asker {
public:
    asker(const options& how, const workload& w)
        : how_{&how}
        , workload_{&w}
        , count_{static_cast<double>(w.events().size())}
        , frames_{raw_frames(w.events())}
        , digest_{benchmarks::digest_of(w.events())}
        , store_{open(log_of(w, how.data), {.mode = open_mode::read_only})} {
        if (!how.with_peers)
            return;
        for (const auto& kind : peers())
            peers_.emplace_back(kind.name, kind.open(peer_data(kind, w, how.data), syncing::none));
    }

    void ask_scan() {
        auto c = prepare("scan of checked records", "", 0.7);
        c.digest = std::to_string(workload_->events().size());
        c.work = "no decoding, no fold";
        c.ours.run = [this] {
            const stopwatch watch;
            std::uint64_t count = 0;
            std::uint64_t bytes = 0;
            for (const auto& e : store_.read()) {
                bytes += e.payload.size();
                ++count;
            }
            const auto value = count_ / watch.seconds();
            return measured{{value}, bytes > 0 ? std::to_string(count) : std::string{}};
        };
        c.limit = {"padded frames, each checked", [this] {
                       const stopwatch watch;
                       const auto bytes = scan(frames_);
                       const auto value = count_ / watch.seconds();
                       if (bytes == 0)
                           throw std::runtime_error{"nothing was scanned"};
                       return measured{{value}, std::to_string(workload_->events().size())};
                   }};
        for (auto& [name, p] : peers_)
            c.peers.push_back(
                {name,
                 [this, from = p.get()] {
                     const stopwatch watch;
                     const auto count = from->read_rows();
                     const auto value = count_ / watch.seconds();
                     return measured{{value}, std::to_string(count)};
                 },
                 3}
            );
        compare(*how_, c);
    }

    void ask_table() {
        auto c =
            prepare("replay into fold_streams' table", "typed events, a state of each stream", 0.7);
        c.ours.run = [this] {
            const stopwatch watch;
            const auto table = fold_streams<user>(store_, "user");
            const auto value = count_ / watch.seconds();
            state_digest digest;
            for (const auto& row : table)
                row.state.add_to(digest);
            return measured{{value}, digest.text()};
        };
        c.limit = {"a dense vector with its texts in one block, prefetched", [this] {
                       dense_users users;
                       const stopwatch watch;
                       users.fold(frames_);
                       const auto value = count_ / watch.seconds();
                       return measured{{value}, users.digest()};
                   }};
        compare(*how_, c);
    }

    void ask_own_map() {
        auto c = prepare(
            "replay into the user's own unordered_map",
            "a map of user id to three strings; the others unpack the packed payload",
            0.85
        );
        c.ours.run = [this] {
            const stopwatch watch;
            const auto book = fold_all();
            const auto value = count_ / watch.seconds();
            return measured{{value}, benchmarks::digest_of(*book)};
        };
        c.limit = {"a variant of views over the same map", [this] {
                       user_map users;
                       const stopwatch watch;
                       fold_views(frames_, users);
                       const auto value = count_ / watch.seconds();
                       return measured{{value}, users.digest()};
                   }};
        for (auto& [name, p] : peers_)
            c.peers.push_back(
                {name,
                 [this, from = p.get()] {
                     user_map users;
                     const stopwatch watch;
                     from->read_all([&](const user_event& e) { users.apply(e); });
                     const auto value = count_ / watch.seconds();
                     return measured{{value}, users.digest()};
                 },
                 3}
            );
        compare(*how_, c);
    }

    void ask_aggregate() {
        auto store =
            open(log_of(*workload_, how_->data, shape::one_stream), {.mode = open_mode::read_only});
        auto c = prepare("replay of one aggregate", "typed events of one stream", 0.85);
        c.ours.run = [&] {
            repository<all_users> users{store};
            const stopwatch watch;
            const auto all = users.replay("users");
            const auto value = count_ / watch.seconds();
            return measured{{value}, benchmarks::digest_of(all.state())};
        };
        c.limit = {"a loop by hand over the same events", [&] {
                       user_book book;
                       user_created created;
                       user_updated updated;
                       user_deleted deleted;
                       const stopwatch watch;
                       for (const auto& e : store.read(query{}.stream("users"))) {
                           if (e.type == user_updated::event_type) {
                               decode(e.payload, updated);
                               book.apply(updated);
                           } else if (e.type == user_created::event_type) {
                               decode(e.payload, created);
                               book.apply(created);
                           } else if (e.type == user_deleted::event_type) {
                               decode(e.payload, deleted);
                               book.apply(deleted);
                           }
                       }
                       const auto value = count_ / watch.seconds();
                       return measured{{value}, benchmarks::digest_of(book)};
                   }};
        compare(*how_, c);
    }

private:
    [[nodiscard]] std::unique_ptr<user_book> fold_all() {
        auto book = std::make_unique<user_book>();
        folder<user_book> fold;
        for (const auto& e : store_.read())
            fold.apply(*book, e);
        return book;
    }

    [[nodiscard]] contest prepare(std::string operation, std::string work, double target) const {
        contest c;
        c.operation = std::move(operation);
        c.events = workload_->events().size();
        c.work = std::move(work);
        c.aspects = {{.unit = "events/s", .target = at_least(target)}};
        c.digest = digest_;
        c.warms_up = true;
        c.ours.name = "Everfold";
        return c;
    }

    const options* how_;
    const workload* workload_;
    double count_;
    std::string frames_;
    std::string digest_;
    store store_;
    std::vector<std::pair<std::string, std::unique_ptr<peer>>> peers_{};
};

void questions(const options& how) {
    const workload w{how.events};
    asker a{how, w};
    a.ask_scan();
    a.ask_table();
    a.ask_own_map();
    a.ask_aggregate();
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
