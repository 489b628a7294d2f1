// SPDX-License-Identifier: MIT
#pragma once
// A vector whose elements never move, so that readers need no lock below a count they were told.

#include <everfold/base/check.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>

namespace everfold::log {

/// Grows by chunks of doubling size.
///
/// Threads: one writer. Any number of readers, each of an index below a size() that it has seen, or
///          learned through a lock shared with the writer.
template <class T>
class stable_vector {
public:
    stable_vector() = default;
    stable_vector(const stable_vector&) = delete;
    stable_vector& operator=(const stable_vector&) = delete;
    ~stable_vector() = default;

    // While nobody reads.
    stable_vector(stable_vector&& other) noexcept
        : chunks_{std::move(other.chunks_)}
        , size_{other.size_.exchange(0)} {}
    stable_vector& operator=(stable_vector&& other) noexcept {
        chunks_ = std::move(other.chunks_);
        size_ = other.size_.exchange(0);
        return *this;
    }

    [[nodiscard]] std::size_t size() const noexcept {
        return size_.load(std::memory_order_acquire);
    }

    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    void push_back(T value) {
        const auto index = size_.load(std::memory_order_relaxed); // nobody else changes it
        const auto [chunk, at] = place_of(index);
        if (chunks_[chunk] == nullptr)
            chunks_[chunk] = std::make_unique<T[]>(first_chunk << chunk);
        chunks_[chunk][at] = std::move(value);
        size_.store(index + 1, std::memory_order_release);
    }

    [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
        const auto [chunk, at] = place_of(index);
        return chunks_[chunk][at];
    }

    [[nodiscard]] T& operator[](std::size_t index) noexcept {
        const auto [chunk, at] = place_of(index);
        return chunks_[chunk][at];
    }

    [[nodiscard]] const T& back() const noexcept { return (*this)[size() - 1]; }

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
    std::atomic<std::size_t> size_{};
};

} // namespace everfold::log
