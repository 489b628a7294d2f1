// SPDX-License-Identifier: MIT
#pragma once
// A word to the processor about what will be read soon.

namespace everfold {

/// Has the cache line at `at` fetched meanwhile, where the compiler knows how to ask for it. Any
/// address will do.
inline void prefetch([[maybe_unused]] const void* at) noexcept {
#if defined(__GNUC__)
    __builtin_prefetch(at);
#endif
}

} // namespace everfold
