// SPDX-License-Identifier: MIT
#pragma once
// Whether this build has sanitizers, as its compiler says it.

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__)
#define EVERFOLD_TEST_ADDRESS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EVERFOLD_TEST_ADDRESS_SANITIZED 1
#endif
#endif
#ifndef EVERFOLD_TEST_ADDRESS_SANITIZED
#define EVERFOLD_TEST_ADDRESS_SANITIZED 0
#endif

#if defined(__SANITIZE_THREAD__)
#define EVERFOLD_TEST_THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define EVERFOLD_TEST_THREAD_SANITIZED 1
#endif
#endif
#ifndef EVERFOLD_TEST_THREAD_SANITIZED
#define EVERFOLD_TEST_THREAD_SANITIZED 0
#endif

namespace everfold::testing {

inline constexpr bool is_sanitized =
    EVERFOLD_TEST_ADDRESS_SANITIZED == 1 || EVERFOLD_TEST_THREAD_SANITIZED == 1;

/// From one step of a test of all steps to the next: 1, or `n` with sanitizers, where each step
/// takes ten times as long. What the steps left out would find in an answer, the same test finds
/// without them.
constexpr std::uint64_t one_in(std::uint64_t n) noexcept {
    return is_sanitized ? n : 1;
}

} // namespace everfold::testing
