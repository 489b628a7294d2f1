// SPDX-License-Identifier: MIT
// How long does a log take to open, closed cleanly before or after its writer was killed?
#include "child_answer.hpp"
#include "compared.hpp"
#include "peers/peer.hpp"
#include "raw_scan.hpp"
#include "users.hpp"
#include "workload.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

std::string active_segment(const std::string& directory) {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator{directory})
        if (entry.path().extension() == ".evl")
            files.push_back(entry.path().string());
    return *std::ranges::max_element(files);
}

measured open_log(const std::string& path, open_mode mode, std::uint64_t events) {
    const stopwatch watch;
    auto log = open(path, {.mode = mode, .compress_sealed = false});
    const auto took = watch.seconds() * 1e3;
    const bool is_whole = log.end().value() == events;
    log.close();
    return {{took}, is_whole ? "all" : "some"};
}

contest prepare(const options& how, std::string operation, std::string work) {
    contest c;
    c.operation = std::move(operation);
    c.events = how.events;
    c.work = std::move(work);
    c.aspects = {{.unit = "ms"}};
    c.digest = "all";
    c.warms_up = true;
    c.ours.name = "Everfold";
    return c;
}

void ask_clean(const options& how, const workload& w) {
    const auto path = how.data + "/open";
    std::filesystem::remove_all(path);
    std::filesystem::copy(log_of(w, how.data), path);
    auto c = prepare(how, "open for writing after a clean close", "");
    c.aspects[0].target = at_most(5);
    c.ours.run = [&] { return open_log(path, open_mode::existing, how.events); };
    for (const auto& kind : peers()) {
        const auto data = peer_data(kind, w, how.data);
        c.peers.push_back(
            {kind.name,
             [kind, data] {
                 const stopwatch watch;
                 const auto opened = kind.open(data, syncing::none);
                 return measured{{watch.seconds() * 1e3}, "all"};
             },
             3}
        );
    }
    compare(how, c);
    std::filesystem::remove_all(path);
}

/// The process that made it ends with the log open; all of it was synced.
void leave_open(const workload& w, const std::string& path) {
    const auto is_done = in_child([&] {
        static std::vector<store> left;
        left.push_back(open(path, {.compress_sealed = false, .level = durability::os()}));
        append_plan{w.events(), 1000, shape::a_stream_each}.run(left.back());
        return left.back().wait_durable(
            position{w.events().size() - 1}, std::chrono::milliseconds{120'000}
        );
    });
    if (!is_done)
        throw std::runtime_error{"the log was not synced"};
}

void ask_killed(const options& how, const workload& w) {
    const auto path = how.data + "/open";
    std::filesystem::remove_all(path);
    leave_open(w, path);
    // A reader repairs nothing, so that each turn finds the same.
    auto c = prepare(how, "open for reading after a kill", "the last segment is read and indexed");
    c.aspects[0].target = at_most(2);
    c.ours.run = [&] { return open_log(path, open_mode::read_only, how.events); };
    c.limit = {"each frame of that segment checked and indexed", [&] {
                   const auto segment = active_segment(path);
                   const stopwatch watch;
                   const auto count = testing::scan_raw(segment);
                   return measured{{watch.seconds() * 1e3}, count > 0 ? "all" : "none"};
               }};
    compare(how, c);
    std::filesystem::remove_all(path);
}

void questions(const options& how) {
    const workload w{how.events};
    ask_clean(how, w);
    ask_killed(how, w);
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
