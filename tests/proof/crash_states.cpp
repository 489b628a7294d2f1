// SPDX-License-Identifier: MIT
// T01, T02: the power goes at every operation of a log's life, and what no sync covers survives in
// every combination, where there are few enough, else in many.

#include <proof/proof.hpp>
#include <support/log_workload.hpp>

#include <array>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace everfold::proof {

namespace {

using namespace testing;

constexpr std::array levels{
    std::pair{"commit", durability::commit()},
    std::pair{"interval", durability::interval(std::chrono::milliseconds{40}, 600)},
    std::pair{"os", durability::os()},
    std::pair{"unsafe_none", durability::unsafe_none()},
};

/// Goes through all that can be chosen, one disk after the other.
class enumeration {
public:
    std::uint64_t operator()(std::uint64_t answers) {
        if (at_ == taken_.size())
            taken_.emplace_back(0, answers);
        return taken_[at_++].first;
    }

    /// To the next combination; whether there is one.
    bool advance() {
        at_ = 0;
        while (!taken_.empty() && taken_.back().first + 1 >= taken_.back().second)
            taken_.pop_back();
        if (taken_.empty())
            return false;
        ++taken_.back().first;
        return true;
    }

private:
    std::vector<std::pair<std::uint64_t, std::uint64_t>> taken_{}; // and of how many
    std::size_t at_{};
};

struct cut_point {
    std::uint64_t at{};
    const char* level{};
    durability of{};
    ledger book{};
    std::shared_ptr<io::simulated_disk> disk{};

    [[nodiscard]] std::string in_words(const std::string& what) const {
        return "op=" + std::to_string(at) + ", level " + level + ": " + what;
    }

    [[nodiscard]] std::string fault_of(const std::shared_ptr<io::simulated_disk>& left) const {
        return recovery_fault(
            io::simulated_machine(left, 100 + at, 2),
            book,
            of,
            static_cast<std::size_t>(book.durable)
        );
    }
};

/// How many choices this cut has.
std::uint64_t choices_of(const cut_point& p) {
    std::uint64_t out = 0;
    static_cast<void>(p.disk->after_chosen_cut(io::power_cut::random, [&](std::uint64_t) {
        ++out;
        return 1U;
    }));
    return out;
}

void judge_subset(
    run& r,
    tally& in,
    const cut_point& p,
    const std::string& what,
    const std::function<bool(std::uint64_t)>& is_kept
) {
    std::uint64_t at = 0;
    const auto choose = [&](std::uint64_t) { return is_kept(at++) ? 1U : 0U; };
    r.judge(
        in,
        [&] { return p.fault_of(p.disk->after_chosen_cut(io::power_cut::random, choose)); },
        [&] { return p.in_words(what); }
    );
}

void judge_subsets(run& r, tally& in, const cut_point& p) {
    const auto choices = choices_of(p);
    const auto all_bits_max = r.share<std::uint64_t>(3, 12);
    if (choices <= all_bits_max) {
        enumeration next;
        std::uint64_t number = 0;
        do {
            r.judge(
                in,
                [&] {
                    return p.fault_of(
                        p.disk->after_chosen_cut(io::power_cut::random, std::ref(next))
                    );
                },
                [&] { return p.in_words("subset " + std::to_string(number)); }
            );
            ++number;
        } while (next.advance() && !r.is_done());
        return;
    }
    const auto stride = r.share<std::uint64_t>(choices / 3, 1);
    for (std::uint64_t k = 0; k <= choices; k += stride) {
        const auto number = std::to_string(k);
        judge_subset(r, in, p, "the first " + number, [&](auto i) { return i < k; });
        judge_subset(r, in, p, "all but " + number, [&](auto i) { return i != k; });
        judge_subset(r, in, p, "only " + number, [&](auto i) { return i == k; });
    }
    std::mt19937_64 random{r.seed() * 1'000'003 + p.at};
    for (std::uint64_t k = 0; k < r.share<std::uint64_t>(2, 640); ++k)
        judge_subset(r, in, p, "random subset " + std::to_string(k), [&](auto) {
            return random() % 2 != 0;
        });
}

void judge_garbage(run& r, tally& in, const cut_point& p) {
    for (std::uint64_t k = 0; k < r.share<std::uint64_t>(2, 400); ++k)
        r.judge(
            in,
            [&] {
                return p.fault_of(
                    p.disk->after_power_cut(io::power_cut::garble, r.seed() * 1'000 + k)
                );
            },
            [&] { return p.in_words("garbled " + std::to_string(k)); }
        );
}

} // namespace

void prove_crash_states(run& r) {
    auto& subsets = r.line("T01", "power cut at every operation, subsets of what was unsynced");
    auto& garbled = r.line("T02", "the same with zeros, garbage, torn sizes and names");
    for (const auto& [name, level] : levels) {
        const auto whole = std::make_shared<io::simulated_disk>();
        ledger all;
        run_workload(io::simulated_machine(whole), all, level);
        r.steps(whole->operation_count(), 7, [&, called = name, of = level](std::uint64_t at) {
            cut_point p{.at = at, .level = called, .of = of};
            p.disk = std::make_shared<io::simulated_disk>();
            if (r.is_planted())
                p.disk->lie_from(0);
            p.disk->power_off_at(at);
            try {
                run_workload(io::simulated_machine(p.disk), p.book, of);
            } catch (const io::simulated_disk::powered_off&) { // NOLINT(bugprone-empty-catch)
            }
            judge_subsets(r, subsets, p);
            judge_garbage(r, garbled, p);
        });
    }
}

} // namespace everfold::proof
