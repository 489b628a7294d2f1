// SPDX-License-Identifier: MIT
#include "fuzz.hpp"

#include <cstdio>
#include <cstdlib>

namespace everfold::fuzz {

void require(bool holds, const char* sentence) noexcept {
    if (holds)
        return;
    std::fprintf(stderr, "not so: %s\n", sentence);
    std::abort();
}

} // namespace everfold::fuzz
