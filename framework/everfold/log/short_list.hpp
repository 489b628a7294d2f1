// SPDX-License-Identifier: MIT
#pragma once
// A growing list of ordinals that needs no memory of its own while it is short, as most are.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace everfold::log {

class short_list {
public:
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    [[nodiscard]] std::span<const std::uint32_t> view() const noexcept {
        return {many_ == nullptr ? few_.data() : many_.get(), size_};
    }

    [[nodiscard]] std::uint32_t operator[](std::uint32_t i) const noexcept { return view()[i]; }

    [[nodiscard]] std::uint32_t back() const noexcept { return view()[size_ - 1]; }

    void push_back(std::uint32_t ordinal) {
        if (size_ == capacity_)
            grow();
        (many_ == nullptr ? few_.data() : many_.get())[size_] = ordinal;
        ++size_;
    }

private:
    static constexpr std::uint32_t inside = 2;

    void grow() {
        // Two less than a power of two: with what the allocator adds, it wastes nothing.
        const auto capacity = capacity_ * 2 + 2;
        // NOLINTNEXTLINE(modernize-avoid-c-arrays): a vector would be twice as large
        auto more = std::make_unique<std::uint32_t[]>(capacity);
        std::ranges::copy(view(), more.get());
        many_ = std::move(more);
        capacity_ = capacity;
    }

    std::array<std::uint32_t, inside> few_{};
    std::unique_ptr<std::uint32_t[]> many_{}; // NOLINT(modernize-avoid-c-arrays)
    std::uint32_t size_{};
    std::uint32_t capacity_{inside};
};

} // namespace everfold::log
