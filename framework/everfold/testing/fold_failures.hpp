// SPDX-License-Identifier: MIT
#pragma once
// What the checks of a state say where one does not hold. Compiled once.

#include <everfold/base/bytes.hpp>
#include <everfold/store/append.hpp>
#include <everfold/testing/failed.hpp>
#include <everfold/testing/histories.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace everfold::testing::detail {

/// Where the events of a check come from: a seed, or the caller.
struct origin_of_events {
    std::optional<std::uint64_t> seed{};
};

/// Of an apply(): what it threw itself.
[[nodiscard]] std::string words_of_replay(const std::exception& thrown);

/// Runs a check; what stops it, other than a failure that it found, is said as one.
template <class Check>
void explained(std::string_view doing, const Check& check) {
    try {
        check();
    } catch (const failed&) {
        throw;
    } catch (const std::exception& e) {
        throw failed{std::string{doing} + " failed: " + words_of_replay(e)};
    }
}

[[noreturn]] void
fail_copy(const history& h, bytes_view before, bytes_view after, const origin_of_events& origin);
[[noreturn]] void fail_twice(
    const history& h,
    std::size_t at,
    bytes_view first,
    bytes_view second,
    const origin_of_events& origin
);
[[noreturn]] void fail_snapshot(
    const history& h,
    std::size_t snapshot_at,
    std::size_t differs_at,
    bytes_view from_zero,
    bytes_view from_snapshot,
    const origin_of_events& origin
);
[[noreturn]] void fail_snapshot_loses(
    const history& h, std::size_t at, bytes_view state, const origin_of_events& origin
);
[[noreturn]] void
fail_apply(const history& fewest, const std::string& thrown, const origin_of_events& origin);
[[noreturn]] void fail_to_write(
    std::string_view type, bytes_view payload, std::string_view why, const origin_of_events& origin
);
[[noreturn]] void fail_round_trip(
    const new_event& written,
    const new_event& read,
    bool was_used_before,
    const origin_of_events& origin
);
[[noreturn]] void fail_to_hold(const new_event& written, const origin_of_events& origin);

/// Throws where the file does not say `layout`; or writes it there.
void compare_with_golden(const std::string& file, const std::string& layout);

} // namespace everfold::testing::detail
