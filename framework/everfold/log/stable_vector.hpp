// SPDX-License-Identifier: MIT
#pragma once
// A vector whose elements never move, so that readers need no lock below a count they were told.

#include <everfold/base/check.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

namespace everfold::log {

/// Grows by chunks of doubling size.
///
/// Threads: one writer. Any number of readers, each of an index below a size() that it learned
///          through a lock (or any other happens-before edge) shared with the writer.
template <class T>
class stable_vector {
public:
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    void push_back(T value) {
        const auto [chunk, at] = place_of(size_);
        if (chunks_[chunk] == nullptr)
            chunks_[chunk] = std::make_unique<T[]>(first_chunk << chunk);
        chunks_[chunk][at] = std::move(value);
        ++size_;
    }

    [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
        const auto [chunk, at] = place_of(index);
        return chunks_[chunk][at];
    }

    [[nodiscard]] T& operator[](std::size_t index) noexcept {
        const auto [chunk, at] = place_of(index);
        return chunks_[chunk][at];
    }

    [[nodiscard]] const T& back() const noexcept { return (*this)[size_ - 1]; }

private:
    static constexpr std::size_t first_chunk = 64;

    struct place {
        std::size_t chunk;
        std::size_t at;
    };

    // Chunk k holds 64 * 2^k elements and starts at 64 * (2^k - 1).
    static constexpr place place_of(std::size_t index) noexcept {
        const auto chunk = static_cast<std::size_t>(std::bit_width(index / first_chunk + 1)) - 1;
        // NOLINTNEXTLINE(clang-analyzer-core.BitwiseShift): bit_width of a number above 0 is not 0
        return {chunk, index - first_chunk * ((std::size_t{1} << chunk) - 1)};
    }

    std::array<std::unique_ptr<T[]>, 40> chunks_{};
    std::size_t size_{};
};

} // namespace everfold::log
