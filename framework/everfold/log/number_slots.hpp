// SPDX-License-Identifier: MIT
#pragma once
// Numbers by the hash of what they stand for.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace everfold::log {

/// A flat table: what a number stands for is the owner's, and only looked at where hashes are the
/// same. Numbers are never taken out.
class number_slots {
public:
    /// The number with this hash for which `is` holds.
    template <class Is>
    [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t hash, const Is& is) const {
        if (slots_.empty())
            return {};
        const auto mark = static_cast<std::uint32_t>(hash);
        for (auto i = mark & mask();; i = (i + 1) & mask()) {
            const auto& s = slots_[i];
            if (!s.is_used())
                return {};
            if (s.hash == mark && is(s.number()))
                return s.number();
        }
    }

    /// So that the next add() needs no memory, and can't fail.
    void make_room() {
        if ((count_ + 1) * 4 > slots_.size() * 3)
            grow();
    }

    /// `number`, below 2^32 - 1, which is not in the table.
    void add(std::uint64_t hash, std::uint32_t number) {
        make_room();
        put({static_cast<std::uint32_t>(hash), number + 1});
        ++count_;
    }

    /// Keeps its memory, as far as that is soon cleared.
    void clear() {
        if (count_ == 0)
            return;
        if (slots_.size() > kept_max)
            slots_ = {};
        std::ranges::fill(slots_, slot{});
        count_ = 0;
    }

private:
    static constexpr std::size_t kept_max = 4096;
    static constexpr std::size_t first_size = 16; // sizes are powers of two

    struct slot {
        std::uint32_t hash{};
        std::uint32_t number_and_1{}; // 0: free

        [[nodiscard]] bool is_used() const noexcept { return number_and_1 != 0; }

        [[nodiscard]] std::uint32_t number() const noexcept { return number_and_1 - 1; }
    };

    [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }

    void put(slot s) noexcept {
        auto i = s.hash & mask();
        while (slots_[i].is_used())
            i = (i + 1) & mask();
        slots_[i] = s;
    }

    void grow() {
        std::vector<slot> old(slots_.empty() ? first_size : slots_.size() * 2);
        old.swap(slots_);
        for (const auto& s : old) {
            if (s.is_used())
                put(s);
        }
    }

    std::vector<slot> slots_{};
    std::size_t count_{};
};

} // namespace everfold::log
