// SPDX-License-Identifier: MIT
#pragma once
// Time as a test wants it, and a store in memory that goes by it.

#include <everfold/base/timestamp.hpp>
#include <everfold/io/file_system.hpp>
#include <everfold/store/open.hpp>
#include <everfold/store/store.hpp>

#include <chrono>
#include <memory>

namespace everfold::testing {

/// Wall time that moves only when told. A handle: copies mean the same clock. What waits with a
/// timeout goes by the real time that passes, so that a test never hangs on a clock that stands.
///
/// Threads: any.
class fake_clock {
public:
    /// 2024-01-01T00:00:00Z
    static constexpr timestamp first = timestamp::from_milliseconds(1'704'067'200'000);

    explicit fake_clock(timestamp start = first);

    [[nodiscard]] timestamp now() const;

    /// Forwards or backwards.
    void set(timestamp t);
    void advance(std::chrono::nanoseconds by);

    /// For an io::machine.
    [[nodiscard]] std::shared_ptr<io::clock> clock() const;

private:
    class standing;

    std::shared_ptr<standing> time_;
};

/// A new store in memory, as open("memory:") opens it, by this clock.
[[nodiscard]] store open_in_memory(const fake_clock& time, const store_options& options = {});

} // namespace everfold::testing
