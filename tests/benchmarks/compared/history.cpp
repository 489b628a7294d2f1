// SPDX-License-Identifier: MIT
// How long does it take to read the events of one type, one in fifty, and those of a hundredth of
// the time?
#include "compared.hpp"
#include "peers/peer.hpp"
#include "raw_log.hpp"
#include "users.hpp"
#include "workload.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

using other_stores = std::vector<std::pair<std::string, std::unique_ptr<peer>>>;

template <class Count>
measured timed(const Count& count) {
    const stopwatch watch;
    const std::uint64_t found = count();
    return {{watch.seconds() * 1e3}, std::to_string(found)};
}

contest prepare(const options& how, std::string operation, double target, std::uint64_t hits) {
    contest c;
    c.operation = std::move(operation);
    c.events = how.events;
    c.work = "each event decoded";
    c.aspects = {{.unit = "ms", .target = at_most(target)}};
    c.digest = std::to_string(hits);
    c.warms_up = true;
    c.ours.name = "Everfold";
    return c;
}

void ask_type(
    const options& how,
    const workload& w,
    std::string_view frames,
    store& from,
    other_stores& others
) {
    std::uint64_t hits = 0;
    for (const auto& e : w.events())
        hits += e.what == kind::deleted ? 1U : 0U;
    auto c = prepare(how, "history by type, one in fifty", 4, hits);
    c.ours.run = [&] {
        return timed([&] {
            user_deleted e;
            std::uint64_t count = 0;
            for (const auto& r : from.read(query{}.type<user_deleted>())) {
                r.decode_into(e);
                count += e.user_id > 0 ? 1U : 0U;
            }
            return count;
        });
    };
    c.limit = {"from length to length, nothing checked", [&] {
                   return timed([&] { return count_kind(frames, kind::deleted); });
               }};
    for (auto& [name, p] : others)
        c.peers.push_back(
            {name,
             [at = p.get()] {
                 return timed([&] {
                     std::uint64_t count = 0;
                     at->read_kind(kind::deleted, [&](const user_event& e) {
                         count += e.user > 0 ? 1U : 0U;
                     });
                     return count;
                 });
             },
             3}
        );
    compare(how, c);
}

void ask_times(
    const options& how,
    const workload& w,
    std::string_view frames,
    store& from,
    other_stores& others
) {
    const auto all = w.events();
    const auto since = all[all.size() / 2].at_ms;
    const auto before = all[all.size() / 2 + all.size() / 100].at_ms;
    const sparse_times times{frames};
    auto c = prepare(how, "history by time, a hundredth", 3, times.count(since, before));
    const auto wanted =
        query{}
            .since(timestamp::from_milliseconds(static_cast<std::int64_t>(since)))
            .until(timestamp::from_milliseconds(static_cast<std::int64_t>(before) - 1));
    c.ours.run = [&] {
        return timed([&] {
            user_created created;
            user_updated updated;
            user_deleted deleted;
            std::uint64_t count = 0;
            for (const auto& r : from.read(wanted)) {
                if (r.is<user_updated>())
                    r.decode_into(updated);
                else if (r.is<user_created>())
                    r.decode_into(created);
                else
                    r.decode_into(deleted);
                ++count;
            }
            return count;
        });
    };
    c.limit = {"the first event of each 64 KiB, then frame by frame", [&] {
                   return timed([&] { return times.count(since, before); });
               }};
    for (auto& [name, p] : others)
        c.peers.push_back(
            {name,
             [&, at = p.get()] {
                 return timed([&] {
                     std::uint64_t count = 0;
                     at->read_times(since, before, [&](const user_event&) { ++count; });
                     return count;
                 });
             },
             3}
        );
    compare(how, c);
}

void questions(const options& how) {
    const workload w{how.events};
    const auto frames = raw_frames(w.events());
    auto store = open(log_of(w, how.data), {.mode = open_mode::read_only});
    other_stores others;
    if (how.with_peers)
        for (const auto& kind : peers()) {
            others.emplace_back(kind.name, kind.open(peer_data(kind, w, how.data), syncing::none));
            others.back().second->prepare_history();
        }
    ask_type(how, w, frames, store, others);
    ask_times(how, w, frames, store, others);
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
