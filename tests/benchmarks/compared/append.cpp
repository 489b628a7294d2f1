// SPDX-License-Identifier: MIT
// How many events a second are appended, where it is enough that they survive the end of the
// process?
#include "compared.hpp"
#include "peers/peer.hpp"
#include "raw_log.hpp"
#include "users.hpp"
#include "workload.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

double rate(std::size_t events, const stopwatch& watch) {
    return static_cast<double>(events) / watch.seconds();
}

std::string digest_of_file(const std::string& path) {
    user_map users;
    fold_views(read_whole(path), users);
    return users.digest();
}

std::string digest_of_peer(peer& p) {
    user_map users;
    p.read_all([&](const user_event& e) { users.apply(e); });
    return users.digest();
}

struct kind_of_append {
    std::string operation{};
    std::size_t batch{};
    double target{};
    void (*limit)(const std::string& path, std::span<const user_event> events){};
    std::string limit_name{};
    unsigned turns_of_peers{};
};

void ask(const options& how, const kind_of_append& what, std::span<const user_event> events) {
    const auto path = how.data + "/append";
    const append_plan plan{events, what.batch, shape::a_stream_each};
    contest c;
    c.operation = what.operation;
    c.events = events.size();
    c.work = "typed events, none synced; the others store the packed payload";
    c.aspects = {{.unit = "events/s", .target = at_least(what.target)}};
    c.digest = benchmarks::digest_of(events);
    c.warms_up = true;
    c.ours = {"Everfold", [&] {
                  std::filesystem::remove_all(path);
                  auto store = open(path, {.compress_sealed = false, .level = durability::os()});
                  const stopwatch watch;
                  plan.run(store);
                  const auto value = rate(events.size(), watch);
                  return measured{{value}, benchmarks::digest_of(store)};
              }};
    c.limit = {what.limit_name, [&] {
                   std::filesystem::remove_all(path);
                   const stopwatch watch;
                   what.limit(path, events);
                   const auto value = rate(events.size(), watch);
                   return measured{{value}, digest_of_file(path)};
               }};
    for (const auto& kind : peers()) {
        c.peers.push_back(
            {kind.name,
             [&, kind] {
                 std::filesystem::remove_all(path);
                 const auto store = kind.open(path, syncing::none);
                 const auto to = store->writer();
                 const stopwatch watch;
                 append_all(*to, events, what.batch);
                 const auto value = rate(events.size(), watch);
                 return measured{{value}, digest_of_peer(*store)};
             },
             what.turns_of_peers}
        );
    }
    compare(how, c);
    std::filesystem::remove_all(path);
}

void questions(const options& how) {
    const workload w{how.events};
    const unsigned turns = how.events > 100'000 ? 1 : 3;
    ask(how,
        {.operation = "append, batches of 1,000",
         .batch = 1000,
         .target = 0.25,
         .limit = write_in_blocks,
         .limit_name = "encode, checksum, 64 KiB of buffer, write()",
         .turns_of_peers = turns},
        w.events());
    // It is the system call that this is about: the number of events changes little.
    ask(how,
        {.operation = "append, one by one",
         .batch = 1,
         .target = 0.75,
         .limit = write_one_by_one,
         .limit_name = "encode, checksum, write() for each event",
         .turns_of_peers = turns},
        w.events().first(std::min<std::size_t>(w.events().size(), 200'000)));
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
