// SPDX-License-Identifier: MIT
#pragma once
// Memory that runs out when it is told to: the operator new of the programs that link this, and a
// disk that is not affected by it.

#include <everfold/io/file_system.hpp>

#include <cstdint>
#include <memory>

namespace everfold::proof::memory {

/// Whether operator new is ours. The thread sanitizer keeps its own.
[[nodiscard]] bool is_replaced() noexcept;

/// Whose allocations are counted, and can fail.
enum class watched : std::uint8_t { nobody, this_thread, all_threads };

void watch(watched whose) noexcept;

/// What is alive of what was allocated since watch(), without what was freed since then.
struct alive {
    std::int64_t blocks{};
    std::int64_t bytes{};

    friend bool operator==(const alive&, const alive&) = default;
};

[[nodiscard]] alive now_alive() noexcept;

/// Allocation number `at` from now on fails, the first is 1; each later one too where `sticky`.
void fail_at(std::uint64_t at, bool sticky) noexcept;

/// There is memory again. How many allocations have failed since fail_at().
std::uint64_t heal() noexcept;

/// While one of these is alive, its thread has memory.
class plenty {
public:
    plenty() noexcept;
    plenty(const plenty&) = delete;
    plenty& operator=(const plenty&) = delete;
    plenty(plenty&&) = delete;
    plenty& operator=(plenty&&) = delete;
    ~plenty();
};

/// The same files, by code that always has memory: a kernel's own. What a call returns is wrapped
/// without that.
[[nodiscard]] std::shared_ptr<io::file_system>
with_memory_of_its_own(std::shared_ptr<io::file_system> files);

} // namespace everfold::proof::memory
