// SPDX-License-Identifier: MIT
// How many events a second are framed and appended in batches, and replayed into a state? In
// memory, so that the disk is not what is measured.

#include <everfold/everfold.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace {

struct moved {
    static constexpr std::string_view event_type = "moved";
    std::int64_t item{};
    std::string place{};
    static constexpr auto event_tags = everfold::tagged("item", &moved::item);
};

struct inventory {
    using events = everfold::events<moved>;
    std::map<std::int64_t, std::string> places{};

    void apply(const moved& e) { places[e.item] = e.place; }
};

struct warehouse : everfold::aggregate<inventory> {};

constexpr std::int64_t items = 1000;

void append_batches(everfold::store& to, std::int64_t events, std::int64_t batch) {
    for (std::int64_t done = 0; done < events; done += batch) {
        everfold::append_request request;
        auto& stream = request.streams.emplace_back();
        stream.stream = "warehouse";
        for (std::int64_t i = 0; i < batch; ++i)
            stream.events.push_back(everfold::encoded(moved{
                .item = (done + i) * 7 % items, .place = "shelf " + std::to_string(i % 90)}));
        to.append(request).value();
    }
}

void append_events(benchmark::State& state) {
    const auto batch = state.range(0);
    constexpr std::int64_t events = 100'000;
    for (auto _ : state) {
        auto store = everfold::open("memory:");
        append_batches(store, events, batch);
    }
    state.SetItemsProcessed(state.iterations() * events);
}

void replay_events(benchmark::State& state) {
    const auto events = state.range(0);
    auto store = everfold::open("memory:");
    append_batches(store, events, 1000);
    for (auto _ : state) {
        auto warehouses = everfold::repository<warehouse>{store};
        benchmark::DoNotOptimize(warehouses.load("warehouse").state().places.size());
    }
    state.SetItemsProcessed(state.iterations() * events);
}

void read_one_tag(benchmark::State& state) {
    const auto events = state.range(0);
    auto store = everfold::open("memory:");
    append_batches(store, events, 1000);
    for (auto _ : state) {
        std::uint64_t found = 0;
        for (const auto& e : store.read(everfold::query{}.tag("item", 7)))
            found += e.payload.size();
        benchmark::DoNotOptimize(found);
    }
}

} // namespace

BENCHMARK(append_events)->Arg(1)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(replay_events)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(read_one_tag)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMicrosecond);
BENCHMARK_MAIN();
