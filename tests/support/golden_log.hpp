// SPDX-License-Identifier: MIT
#pragma once
// A log with everything in it that the format has, always of the same bytes: the time and the
// random numbers are made up. tests/golden holds what each released version made of it.

#include <everfold/io/simulated.hpp>
#include <everfold/store/open.hpp>

#include <support/stores.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace everfold::testing {

inline new_event golden_event(std::uint32_t n) {
    auto e = numbered(n, n % 3 == 0 ? "opened" : "seen", {"k:" + std::to_string(n % 4)});
    const auto id = [&](std::uint8_t kind) {
        uuid out;
        out.octets.fill(std::byte{kind});
        out.octets[15] = static_cast<std::byte>(n);
        return out;
    };
    if (n % 5 == 0)
        e.id = id(1);
    if (n % 7 == 0) {
        e.correlation_id = id(2);
        e.causation_id = id(3);
    }
    if (n % 4 == 1)
        e.metadata = number_payload(n + 1000);
    if (n % 6 == 2)
        e.occurred_at = timestamp::from_milliseconds(1'600'000'000'000 + n);
    if (n % 11 == 3)
        e.occurred_at = timestamp{-100'000'000'000, 7}; // more than nanoseconds can hold
    if (n % 9 == 4)
        e.version = 2;
    return e;
}

/// Closed cleanly, or as a process leaves it that is killed.
inline std::shared_ptr<io::simulated_disk> golden_log(bool is_closed) {
    auto disk = std::make_shared<io::simulated_disk>();
    const auto clock = std::make_shared<io::simulated_clock>();
    std::uint64_t lives = 0;
    const auto reopen = [&] {
        auto machine = io::simulated_machine(disk, ++lives);
        machine.time = clock;
        auto options = quiet({.segment_bytes_max = 4096 + 2200});
        options.event_bytes_max = 16U << 10U;
        options.batch_bytes_max = 64U << 10U;
        return open("/log", options, machine);
    };
    auto s = reopen();
    std::uint32_t n = 0;
    const auto append = [&](const std::string& stream, std::uint32_t count) {
        append_request request = to_stream(stream, {});
        for (std::uint32_t i = 0; i < count; ++i)
            request.streams.front().events.push_back(golden_event(n++));
        if (n % 2 == 0)
            request.append_id.octets.fill(static_cast<std::byte>(n));
        s.append(request).value();
    };
    for (std::uint32_t i = 0; i < 8; ++i) {
        append("user-1", 1 + i % 3);
        append("zürich-" + std::to_string(i % 3), 2);
        append("closed-1", 1);
    }
    append_request several = to_stream("user-1", {golden_event(n++)});
    several.streams.push_back({"user-2", expected_revision::no_stream(), {golden_event(n++)}});
    s.append(several).value();
    s.truncate("user-1", revision{6}).value();
    s.tombstone("closed-1").value();
    s.retain("zürich-1", {.max_count = 3, .max_age = std::chrono::hours{24 * 365 * 100}}).value();
    static_cast<void>(s.scavenge({.why = "golden"}));
    for (std::uint32_t i = 0; i < 10; ++i)
        append("later", 2);
    s.engine().save_snapshot({
        .stream = "later",
        .fold = "counter",
        .at = revision{5},
        .log_position =
            position{
                s.read(query{}.stream("later").from_revision(revision{5})).begin()->log_position},
        .layout = 42,
        .fold_version = 1,
        .state = number_payload(6),
    });
    static_cast<void>(s.engine().archive("user-2", revision{0}, ""));
    append("user-2", 2);
    s.close();
    // A write that was torn, and put aside: a mark, and another epoch.
    std::string active;
    for (const auto& name : disk->list("/log")) {
        if (name.ends_with(".evl"))
            active = "/log/" + name; // the last one
    }
    {
        const auto file = disk->open(active, io::open_mode::write);
        file->write_at(byte_offset{file->size()}, as_bytes("torn"));
    }
    s = reopen();
    append("user-2", 1);
    append("later", 1);
    if (is_closed) {
        s.close();
        return disk;
    }
    return disk->after_kill();
}

} // namespace everfold::testing
