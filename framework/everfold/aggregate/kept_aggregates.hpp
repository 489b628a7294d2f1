// SPDX-License-Identifier: MIT
#pragma once
// What a repository keeps in memory, by stream, and the lease under which one of them is worked
// with.

#include <everfold/aggregate/aggregate_access.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace everfold::detail {

struct text_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};

/// Aggregates by stream, at most `count_max` of them.
template <class A>
class kept_aggregates {
    struct kept {
        A value{};
        std::optional<A> spare{}; // as the stream was a while ago, without anything uncommitted
        std::uint64_t used{};     // when it was put back, in turns
        unsigned contended{};     // for so many decisions more a race is likely
    };

    static constexpr unsigned contended_max = 64;
    // Below, folding again costs no more than the copy. Above, a spare that lags reads so much.
    static constexpr std::uint64_t few_events = 32;

    using map = std::unordered_map<std::string, kept, text_hash, std::equal_to<>>;

public:
    /// One aggregate, taken out of the others while user code may run, so that a call of the
    /// repository from inside a decision finds nothing half done. It goes back at the end of the
    /// lease if it is what the store says, and is forgotten otherwise.
    class lease {
    public:
        lease(kept_aggregates& home, std::string_view stream)
            : home_{home} {
            if (const auto found = home.map_.find(stream); found != home.map_.end()) {
                node_ = home.map_.extract(found);
                return;
            }
            map fresh;
            auto& made = fresh.try_emplace(std::string{stream}).first->second;
            aggregate_access::name(made.value, stream, home_.clock_);
            node_ = fresh.extract(fresh.begin());
        }

        lease(const lease&) = delete;
        lease& operator=(const lease&) = delete;

        ~lease() {
            try {
                auto& mine = node_.mapped();
                if (!is_sound(mine.value))
                    take_spare(mine);
                if (is_sound(mine.value))
                    home_.put_back(std::move(node_));
            } catch (...) { // no memory to keep it
            }
        }

        [[nodiscard]] A& value() noexcept { return node_.mapped().value; }

        /// Others append to the stream, or may.
        void expect_races() noexcept { node_.mapped().contended = contended_max; }

        /// Before a decision: sees to something to decide again from, where a race is likely. Its
        /// copy is made once; from then on it follows by `catch_up`, well behind.
        template <class F>
        void prepare_spare(F&& catch_up) {
            auto& mine = node_.mapped();
            if (mine.contended == 0 || (mine.spare && !is_sound(*mine.spare)))
                mine.spare.reset();
            if (mine.contended == 0)
                return;
            --mine.contended;
            const auto at = aggregate_access::events_folded(mine.value);
            if (!mine.spare) {
                if (at >= few_events)
                    mine.spare = mine.value;
            } else if (at >= aggregate_access::events_folded(*mine.spare) + few_events) {
                std::invoke(std::forward<F>(catch_up), *mine.spare);
            }
        }

        /// Back to before the decision: to the spare, or to nothing.
        void lost_race() {
            auto& mine = node_.mapped();
            mine.contended = contended_max;
            if (take_spare(mine))
                return;
            mine.value = A{};
            aggregate_access::name(mine.value, node_.key(), home_.clock_);
        }

    private:
        [[nodiscard]] static bool is_sound(const A& a) noexcept {
            return a.uncommitted().empty() && !aggregate_access::is_torn(a);
        }

        // What is known of snapshots is newer in the value than in its spare.
        static bool take_spare(kept& mine) {
            if (!mine.spare || !is_sound(*mine.spare))
                return false;
            aggregate_access::snapshot_at(*mine.spare) = aggregate_access::snapshot_at(mine.value);
            mine.value = std::move(*mine.spare);
            mine.spare.reset();
            return true;
        }

        kept_aggregates& home_;
        typename map::node_type node_{};
    };

    /// `time` is what each of them stamps its events by.
    kept_aggregates(std::size_t count_max, std::shared_ptr<io::clock> time) noexcept
        : count_max_{count_max}
        , clock_{std::move(time)} {}

    [[nodiscard]] A* find(std::string_view stream) {
        const auto found = map_.find(stream);
        return found != map_.end() ? &found->second.value : nullptr;
    }

    void forget(std::string_view stream) {
        if (const auto found = map_.find(stream); found != map_.end())
            map_.erase(found);
    }

private:
    void put_back(typename map::node_type node) {
        node.mapped().used = ++turn_;
        auto result = map_.insert(std::move(node));
        // A decision that used the same stream has left its own, which is not older: both are good.
        if (result.inserted && map_.size() > count_max_)
            forget_half();
    }

    // Half at a time, so that the search for the oldest costs a constant per aggregate.
    void forget_half() {
        std::vector<std::uint64_t> turns;
        turns.reserve(map_.size());
        for (const auto& [stream, each] : map_)
            turns.push_back(each.used);
        const auto middle = turns.begin() + static_cast<std::ptrdiff_t>(turns.size() / 2);
        std::nth_element(turns.begin(), middle, turns.end());
        std::erase_if(map_, [limit = *middle](const auto& entry) {
            return entry.second.used < limit;
        });
    }

    std::size_t count_max_;
    std::shared_ptr<io::clock> clock_;
    std::uint64_t turn_{};
    map map_{};
};

} // namespace everfold::detail
