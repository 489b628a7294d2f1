// SPDX-License-Identifier: MIT
// How long does it take to load one user of many, each with ten events, from what is in the page
// cache?
#include "compared.hpp"
#include "peers/peer.hpp"
#include "raw_log.hpp"
#include "users.hpp"
#include "workload.hpp"

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

constexpr std::size_t loads = 3000;

/// The same users for all.
std::vector<std::uint32_t> choose(const workload& w) {
    std::mt19937 random{7};
    std::vector<std::uint32_t> out(loads);
    for (auto& user : out)
        user = 1 + static_cast<std::uint32_t>(random() % w.users());
    return out;
}

/// Times `load` for each; it adds what it has loaded to the digest.
template <class Load>
measured each(const std::vector<std::uint32_t>& chosen, const Load& load) {
    std::vector<double> times;
    times.reserve(chosen.size());
    state_digest digest;
    for (const auto user : chosen) {
        const stopwatch watch;
        const auto loaded = load(user);
        times.push_back(watch.microseconds());
        loaded(digest);
    }
    const auto median = percentile(times, 0.5);
    return {{median, percentile(times, 0.99)}, digest.text()};
}

auto adding(std::uint32_t id, bool is_there, user_strings u) {
    return [id, is_there, u = std::move(u)](state_digest& to) {
        if (is_there)
            to.add(id, u);
    };
}

void questions(const options& how) {
    const workload w{how.events};
    const auto chosen = choose(w);
    const linked_log linked{w.events()};
    const auto open_log = [&](std::size_t batch) {
        return open(
            log_of(w, how.data, shape::a_stream_each, batch), {.mode = open_mode::read_only}
        );
    };
    std::vector<std::pair<std::string, std::unique_ptr<peer>>> others;
    if (how.with_peers)
        for (const auto& kind : peers())
            others.emplace_back(kind.name, kind.open(peer_data(kind, w, how.data), syncing::none));

    const auto load_linked = [&](std::uint32_t id) {
        user_strings u;
        const bool is_there = linked.load(id, u);
        return adding(id, is_there, std::move(u));
    };
    const auto load_typed = [&](store& from) {
        repository<one_user> users{from};
        return each(chosen, [&](std::uint32_t id) {
            return [loaded = users.replay(stream_of(id))](state_digest& to) {
                loaded.state().add_to(to);
            };
        });
    };
    contest c;
    c.operation = "load of one aggregate of ten events";
    c.events = how.events;
    c.work = "typed events, folded; the others unpack the packed payload; nothing kept of it";
    c.aspects = {
        {.what = "median", .unit = "us", .target = at_most(2.3)},
        {.what = "99th percentile", .unit = "us", .target = at_most(3)}};
    c.digest = each(chosen, load_linked).digest;
    c.warms_up = true;
    auto one_by_one = open_log(1);
    c.ours = {"Everfold", [&] { return load_typed(one_by_one); }};
    c.limit = {
        "links from each frame to the one before", [&] { return each(chosen, load_linked); }};
    for (auto& [name, p] : others)
        c.peers.push_back(
            {name,
             [&, from = p.get()] {
                 return each(chosen, [&](std::uint32_t id) {
                     user_strings u;
                     bool is_there = false;
                     from->read_stream(id, [&](const user_event& e) {
                         is_there = e.what != kind::deleted;
                         if (is_there)
                             u.apply(e);
                     });
                     return adding(id, is_there, std::move(u));
                 });
             },
             3}
        );
    compare(how, c);

    // An append is checked as a whole: who loads one event of it reads the other 999.
    c.operation = "the same, appended 1,000 at once for many";
    c.aspects = {{.what = "median", .unit = "us"}, {.what = "99th percentile", .unit = "us"}};
    c.peers.clear();
    auto by_thousands = open_log(1000);
    c.ours.run = [&] { return load_typed(by_thousands); };
    compare(how, c);
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
