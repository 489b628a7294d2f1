// SPDX-License-Identifier: MIT
#include <everfold/base/check.hpp>

#include <cstdio>
#include <cstdlib>

namespace everfold {

void fail_check(const char* sentence, const std::source_location& where) noexcept {
    std::fprintf(
        stderr,
        "everfold: a check failed: %s\n  at %s:%u in %s\n",
        sentence,
        where.file_name(),
        static_cast<unsigned>(where.line()),
        where.function_name()
    );
    std::abort();
}

} // namespace everfold
