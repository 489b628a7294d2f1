// SPDX-License-Identifier: MIT
// T03: the process dies or the power goes at every operation of recovery, and again at those of the
// recovery from that. What a recovery has shown must stay.

#include <everfold/base/error.hpp>

#include <proof/proof.hpp>
#include <proof/recovery.hpp>

#include <functional>
#include <string>

namespace everfold::proof {

namespace {

using namespace testing;

std::string final_fault(const machine_state& on, const ledger& book) {
    try {
        const auto once = recover(on, 8);
        const machine_state next{on.disk->after_kill(), on.boot};
        if (once != recover(next, 9))
            return "recovering again shows something else";
        if (auto fault = fault_in(*once, book); !fault.empty())
            return fault;
        return recovery_fault(
            io::simulated_machine(next.disk->after_kill(), 10, on.boot),
            ledger{{*once}, 1},
            durability::commit(),
            once->size()
        );
    } catch (const error& e) {
        return std::string{"recovery failed: "} + e.what();
    }
}

class crashes {
public:
    explicit crashes(run& r)
        : run_{r} {}

    void at(std::uint64_t at) {
        ledger book;
        const auto disk = stopped_workload(at, durability::commit(), book);
        for (std::uint64_t k = 0; k < run_.share<std::uint64_t>(2, crash_kinds); ++k) {
            const auto first_kind = run_.share(k == 0 ? crash_kinds - 1 : at, k);
            bool is_interrupted = true;
            const auto stride = run_.share<std::uint64_t>(5, 1);
            for (std::uint64_t op = 0; is_interrupted && !run_.is_done(); op += stride) {
                const auto once = crash(*disk, 1, first_kind, seed(at + k));
                if (run_.is_planted())
                    once.disk->lie_from(0);
                const auto words = [=] {
                    return "op=" + std::to_string(at) + ", crash " + std::to_string(first_kind) +
                           ", then op=" + std::to_string(op) + " of recovery";
                };
                ledger left = book;
                is_interrupted = go_on(once, op, left, words);
                for (std::uint64_t c = 0; c < run_.share<std::uint64_t>(1, 4); ++c)
                    run_.judge(
                        doubled_,
                        [&] {
                            return final_fault(crash(*once.disk, once.boot, op + c, seed(c)), left);
                        },
                        words
                    );
                third(once, op, left, words);
            }
        }
    }

private:
    using in_words = std::function<std::string()>;

    [[nodiscard]] std::uint64_t seed(std::uint64_t k) const { return run_.seed() * 10'007 + k; }

    /// Recovers until operation `off_at`; whether that came to pass. What was shown must stay, and
    /// nothing come to it.
    bool go_on(const machine_state& on, std::uint64_t off_at, ledger& book, const in_words& words) {
        try {
            const auto shown = recover(on, 7 + off_at % 2, off_at);
            if (shown)
                book = {{*shown}, 1};
            return !shown;
        } catch (const error& e) {
            const std::string why = e.what();
            run_.judge(
                doubled_, [&] { return "recovery failed: " + why; }, words
            );
            return false;
        }
    }

    void third(
        const machine_state& once, std::uint64_t second, const ledger& left, const in_words& words
    ) {
        // Each time somewhere else, so that all of them have their turn.
        for (std::uint64_t t = 0; t < 2; ++t) {
            const auto op = (second * 7 + t * 11) % 40;
            const auto twice = crash(*once.disk, once.boot, second + t, seed(second + t));
            const auto all_words = [&] {
                return words() + ", then op=" + std::to_string(op) + " of the next";
            };
            ledger book = left;
            go_on(twice, op, book, all_words);
            run_.judge(
                tripled_,
                [&] { return final_fault(crash(*twice.disk, twice.boot, op + t, seed(op)), book); },
                all_words
            );
        }
    }

    run& run_;
    tally& doubled_{run_.line("T03", "crash again at every operation of recovery")};
    tally& tripled_{run_.line("T03", "crash three times")};
};

} // namespace

void prove_repeated_crashes(run& r) {
    const auto whole = std::make_shared<io::simulated_disk>();
    ledger all;
    run_workload(io::simulated_machine(whole), all);
    crashes c{r};
    r.steps(whole->operation_count(), 17, [&](std::uint64_t at) { c.at(at); });
}

} // namespace everfold::proof
