// SPDX-License-Identifier: MIT
#pragma once
// Replaces operator new of the program whose one source includes this: counts what is allocated,
// and how much of it is alive. What libraries take by malloc is not in it.

#include <malloc.h>
#include <support/sanitized.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace everfold::testing {

/// Of this thread, so far.
inline thread_local std::uint64_t allocations = 0;

/// Of all threads, in bytes.
inline std::atomic<std::size_t> bytes_alive{0};
inline std::atomic<std::size_t> bytes_at_peak{0};

/// The most that is alive at once from now on is counted anew.
inline void begin_peak() {
    bytes_at_peak = bytes_alive.load();
}

// The thread sanitizer has its own operator new, which Clang does not let a program replace.
#if !EVERFOLD_TEST_THREAD_SANITIZED
inline void* counted(std::size_t size) {
    ++allocations;
    void* const room = std::malloc(size == 0 ? 1 : size);
    if (room == nullptr)
        throw std::bad_alloc{};
    const auto alive = bytes_alive += malloc_usable_size(room);
    auto peak = bytes_at_peak.load();
    while (alive > peak && !bytes_at_peak.compare_exchange_weak(peak, alive)) {
    }
    return room;
}

inline void give_back(void* room) noexcept {
    if (room != nullptr)
        bytes_alive -= malloc_usable_size(room);
    std::free(room);
}
#endif

} // namespace everfold::testing

#if !EVERFOLD_TEST_THREAD_SANITIZED
void* operator new(std::size_t size) {
    return everfold::testing::counted(size);
}
void* operator new[](std::size_t size) {
    return everfold::testing::counted(size);
}
void operator delete(void* room) noexcept {
    everfold::testing::give_back(room);
}
void operator delete[](void* room) noexcept {
    everfold::testing::give_back(room);
}
void operator delete(void* room, std::size_t) noexcept {
    everfold::testing::give_back(room);
}
void operator delete[](void* room, std::size_t) noexcept {
    everfold::testing::give_back(room);
}
#endif
