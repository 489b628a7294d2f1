// SPDX-License-Identifier: MIT
#pragma once
// What a process of its own has measured, which ends without clean-up, as a killed one does.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <type_traits>

namespace everfold::benchmarks {

template <class Work>
auto in_child(const Work& work) {
    using answer = std::invoke_result_t<Work>;
    static_assert(std::is_trivially_copyable_v<answer>);
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0)
        throw std::runtime_error{"no pipe"};
    std::fflush(stdout);
    const auto child = ::fork();
    if (child == 0) {
        try {
            const answer said = work();
            ::_exit(::write(ends[1], &said, sizeof said) == sizeof said ? 0 : 1);
        } catch (const std::exception& e) {
            std::fprintf(stderr, "%s\n", e.what());
            ::_exit(1);
        }
    }
    ::close(ends[1]);
    answer said{};
    const auto n = ::read(ends[0], &said, sizeof said);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (n != static_cast<ssize_t>(sizeof said) || status != 0)
        throw std::runtime_error{"a child failed"};
    return said;
}

} // namespace everfold::benchmarks
