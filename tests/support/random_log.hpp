// SPDX-License-Identifier: MIT
#pragma once
// Logs with something of everything in them.

#include <everfold/io/simulated.hpp>
#include <everfold/log/event_log.hpp>

#include <support/log_verbs.hpp>

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace everfold::testing {

inline constexpr std::uint64_t small_segment = 4096 + 2500;

/// A log of many small segments with events of few streams, types and tags, at times out of order.
inline std::shared_ptr<io::simulated_disk> random_log(std::uint64_t seed, int batches) {
    auto disk = std::make_shared<io::simulated_disk>();
    const auto log = log::event_log::open(
        io::simulated_machine(disk, seed), "/log", small_log(log::access::create, small_segment)
    );
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t n) { return static_cast<std::size_t>(random() % n); };
    const std::vector<std::string> streams{"a", "a-1", "a-2", "ab-1", "b-1", "b-11", "zürich-1"};
    const std::vector<std::string> types{"opened", "closed", "seen"};
    const std::vector<std::string> labels{"k:1", "k:2", "k:22", "lang:é"};
    for (int i = 0; i < batches; ++i) {
        std::vector<std::vector<std::string>> tags(1 + below(4));
        std::vector<std::string> payloads(tags.size());
        std::vector<log::draft> drafts(tags.size());
        for (std::size_t k = 0; k < drafts.size(); ++k) {
            for (const auto& label : labels) {
                if (below(3) == 0)
                    tags[k].push_back(label);
            }
            payloads[k] = std::string(below(60), 'x');
            drafts[k] = {
                .stream = streams[below(streams.size())],
                .type = types[below(types.size())],
                .version = 1 + static_cast<std::uint32_t>(below(2)),
                .tags = tags[k],
                .occurred_at = timestamp::from_milliseconds(static_cast<std::int64_t>(below(1000))),
                .payload = as_bytes(payloads[k])};
        }
        static_cast<void>(log->append(drafts, {}, [](const log::stream_heads&) { return true; }));
    }
    log->close();
    return disk;
}

/// Removes the events at these positions.
inline log::removal_plan plan_for(const std::set<std::uint64_t>& positions) {
    return [&positions](const log::readable_segment& in) {
        log::removal out;
        for (std::uint32_t i = 0; i < in.event_count; ++i) {
            if (positions.contains(in.index->position_of(i).value()))
                out.events.push_back(i);
        }
        return out;
    };
}

} // namespace everfold::testing
