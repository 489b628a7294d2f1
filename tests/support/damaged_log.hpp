// SPDX-License-Identifier: MIT
#pragma once
// A small log that was closed, and what a program makes of it once its files are changed: an error,
// a report, the identical answers, or what must not be.

#include <everfold/base/error.hpp>

#include <support/stores.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace everfold::testing {

/// All that a program can see of a log, in lines.
inline std::vector<std::string> everything(store& s) {
    auto out = lines_of(s.read());
    for (const auto& e : s.read()) {
        out.push_back(
            e.id.to_string() + " " + e.recorded_at.to_string() + " " + e.occurred_at.to_string() +
            " " + std::to_string(e.version) + " " + to_hex(e.metadata)
        );
        for (const auto tag : e.tags)
            out.emplace_back(tag);
    }
    for (const auto& line : lines_of(s.read(query{}.tag("kind:even").backwards())))
        out.push_back(line);
    out.push_back(std::to_string(s.end().value()));
    for (const auto& stream : s.streams())
        out.push_back(stream);
    const auto kept = s.engine().load_snapshot("a", "state", revision{1000});
    out.push_back(kept ? "snapshot at " + std::to_string(kept->at.value()) : "no snapshot");
    return out;
}

/// In "/log": an archived segment, a sealed one, an active one, a snapshot. Those of other variants
/// are longer, and have other bytes.
inline std::shared_ptr<io::simulated_disk> closed_log(std::uint32_t variant = 0) {
    auto disk = std::make_shared<io::simulated_disk>();
    auto s = open(
        "/log",
        {.segment_bytes_max = 5000,
         .event_bytes_max = 512,
         .batch_bytes_max = 1024,
         .compress_sealed = false},
        io::simulated_machine(disk, 1 + variant)
    );
    for (std::uint32_t i = 0; i < 8 + variant % 5; ++i) {
        auto e = numbered(i + 1000 * variant, "counted", {i % 2 == 0 ? "kind:even" : "kind:odd"});
        if (variant != 0)
            e.tags.push_back("variant:" + std::to_string(variant + i));
        e.occurred_at = timestamp::from_milliseconds(i % 3 == 0 ? 5 : 1'000'000'000'000);
        s.append(to_stream(i % 4 == 3 ? "b" : "a", {e})).value();
        if (i == 3)
            s.engine().archive("a", revision{2}, "");
    }
    s.engine().save_snapshot({"a", "state", revision{5}, position{6}, 7, 1, number_payload(5)});
    s.append(to_stream("a", {numbered(8), numbered(9)})).value();
    s.close();
    return disk;
}

enum class outcome : std::uint8_t { error, reported, identical, wrong, silent };

/// What a program that opens the log and reads everything gets.
inline outcome outcome_of(
    const std::shared_ptr<io::simulated_disk>& disk,
    open_mode mode,
    const std::vector<std::string>& truth
) {
    try {
        auto s = open("/log", quiet({.mode = mode}), io::simulated_machine(disk, 2));
        auto found = everything(s);
        const bool is_reported = !s.report().notes.empty();
        if (found == truth)
            return is_reported ? outcome::reported : outcome::identical;
        // A snapshot is derived: without it the same answers take longer.
        found.back() = truth.back();
        if (found == truth)
            return is_reported ? outcome::reported : outcome::silent;
        return outcome::wrong;
    } catch (const error&) {
        return outcome::error;
    }
}

} // namespace everfold::testing
