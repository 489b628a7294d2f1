// SPDX-License-Identifier: MIT
#pragma once
// A life of a log for crash tests, what it was promised, and whether that was kept.

#include <everfold/base/error.hpp>

#include <support/log_verbs.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace everfold::testing {

/// What a run of the workload has submitted and been promised.
struct ledger {
    std::vector<std::vector<std::string>> batches{}; // in the order they were submitted
    std::size_t acknowledged{};                      // how many of them were
    std::uint64_t durable{}; // events, as durable_position() said after the last append
};

inline constexpr std::uint64_t tiny_segment = 4096 + 900; // a few batches

/// Create, append, rotate, archive, close, open again, archive what was left, append and rotate,
/// archiving each full segment: until something stops it. At a level that is not commit, one append
/// in five asks for that, and one in four is read. With a mirror, where one is named.
inline void run_workload(
    const io::machine& machine,
    ledger& book,
    durability level = durability::commit(),
    const std::string& mirror = {}
) {
    const auto append = [&](log::event_log& to, std::vector<std::string> texts) {
        const auto stream = "s-" + std::to_string(book.batches.size() % 3);
        book.batches.push_back(texts);
        std::optional<durability> wanted;
        if (book.batches.size() % 5 == 0)
            wanted = durability::commit();
        append_texts(to, stream, texts, {"tag:" + std::to_string(book.batches.size() % 2)}, wanted);
        ++book.acknowledged;
        if (level != durability::commit() && book.batches.size() % 4 == 0)
            static_cast<void>(to.index());
        book.durable = to.durable_position().value();
    };
    {
        auto options = small_log(log::access::create, tiny_segment);
        options.level = level;
        options.mirror = mirror;
        const auto to = log::event_log::open(machine, "/log", options);
        for (int i = 0; i < 8; ++i)
            append(*to, {"first life, batch " + std::to_string(i), "and its second event"});
        to->archive([](const log::segment_index& s) { return s.first() == position{0}; });
        append(*to, {std::string(700, 'x')});
        to->close();
    }
    auto compressing = small_log(log::access::existing);
    compressing.compress_sealed = true;
    compressing.level = level;
    compressing.mirror = mirror;
    const auto again = log::event_log::open(machine, "/log", compressing);
    for (int i = 0; i < 6; ++i)
        append(*again, {"second life, batch " + std::to_string(i)});
    again->close();
    book.durable = again->durable_position().value();
}

inline std::vector<std::string> texts_of(const std::vector<seen_event>& events) {
    std::vector<std::string> out;
    for (const auto& e : events)
        out.push_back(e.payload);
    return out;
}

/// How many events of the first batches there are.
inline std::size_t events_in(const ledger& book, std::size_t batches) {
    std::size_t out = 0;
    for (std::size_t i = 0; i < batches; ++i)
        out += book.batches[i].size();
    return out;
}

/// Nothing, or what is wrong with the log that was found: not a prefix by whole batches of what was
/// submitted, or shorter than what was promised.
inline std::string
fault_in(const std::vector<std::string>& found, const ledger& book, std::size_t promised) {
    std::vector<std::string> submitted;
    bool ends_with_a_batch = found.empty();
    for (const auto& batch : book.batches) {
        submitted.insert(submitted.end(), batch.begin(), batch.end());
        ends_with_a_batch = ends_with_a_batch || submitted.size() == found.size();
    }
    if (found.size() < promised)
        return "lost: " + std::to_string(found.size()) + " events found, " +
               std::to_string(promised) + " promised";
    if (found.size() > submitted.size() ||
        !std::equal(found.begin(), found.end(), submitted.begin()))
        return "what was found is not a prefix of what was submitted";
    return ends_with_a_batch ? "" : "half a batch was found";
}

inline std::string fault_in(const std::vector<std::string>& found, const ledger& book) {
    return fault_in(found, book, events_in(book, book.acknowledged));
}

/// The disk and the ledger of a run that is stopped at one operation.
inline std::shared_ptr<io::simulated_disk>
stopped_workload(std::uint64_t at, durability level, ledger& book) {
    auto disk = std::make_shared<io::simulated_disk>();
    disk->power_off_at(at);
    try {
        run_workload(io::simulated_machine(disk), book, level);
    } catch (const io::simulated_disk::powered_off&) { // NOLINT(bugprone-empty-catch)
    }
    return disk;
}

/// What the next process finds, and whether it can go on, at the same level. Nothing, or what is
/// wrong. A log that was never created is an empty one.
inline std::string recovery_fault(
    const io::machine& machine, const ledger& book, durability level, std::size_t promised
) {
    try {
        auto options = small_log(log::access::create, tiny_segment);
        options.level = level;
        const auto log = log::event_log::open(machine, "/log", options);
        auto found = texts_of(read_all(*log));
        if (log->durable_position() != position{found.size()})
            return "what was recovered is not durable";
        auto fault = fault_in(found, book, promised);
        append_texts(*log, "s-after", {"after recovery"});
        found.emplace_back("after recovery");
        if (fault.empty() && texts_of(read_all(*log)) != found)
            fault = "an append after recovery is not where it should be";
        return fault;
    } catch (const error& e) {
        return std::string{"recovery failed: "} + e.what();
    }
}

} // namespace everfold::testing
