// SPDX-License-Identifier: MIT
// T04, T05: every operation of a log's life fails, alone, for good, and in pairs; every sync fails
// in each way that a file system has. A client that goes on whatever it is told loses nothing that
// was acknowledged, and nothing that was refused for want of room comes back.

#include <everfold/base/error.hpp>

#include <proof/proof.hpp>
#include <proof/recovery.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

namespace everfold::proof {

namespace {

using namespace testing;

enum class fate : std::uint8_t { acknowledged, refused, unknown };

struct submission {
    std::vector<std::string> texts{};
    fate became{fate::unknown};
};

struct fault {
    std::uint64_t at{};
    int error_number{};
    bool is_sticky{};
};

std::string in_words(const fault& f) {
    return "op=" + std::to_string(f.at) + " fails with errno " + std::to_string(f.error_number) +
           (f.is_sticky ? " and so does each later one" : "");
}

/// Two processes, one after the other, that go on after each error; the first rotates.
class stubborn_life {
public:
    explicit stubborn_life(bool takes_failure_for_success)
        : takes_failure_for_success_{takes_failure_for_success} {}

    void live(const io::machine& machine) {
        for (const int batches : {7, 4}) {
            const auto to = open(machine);
            if (!to)
                continue;
            for (int i = 0; i < batches; ++i)
                submit(*to);
            try {
                to->close();
            } catch (const error&) { // NOLINT(bugprone-empty-catch)
            }
        }
    }

    /// Nothing, or what is wrong with what was found.
    [[nodiscard]] std::string fault_in(const std::vector<std::string>& found) const {
        auto next = found.begin();
        for (const auto& s : submitted_) {
            const auto size = static_cast<std::ptrdiff_t>(s.texts.size());
            const bool is_there =
                found.end() - next >= size && std::equal(s.texts.begin(), s.texts.end(), next);
            if (is_there)
                next += size;
            if (!is_there && s.became == fate::acknowledged)
                return "lost: '" + s.texts.front() + "'";
            if (is_there && s.became == fate::refused)
                return "refused, and there: '" + s.texts.front() + "'";
        }
        return next == found.end() ? "" : "something is there that was not submitted";
    }

private:
    static std::unique_ptr<log::event_log> open(const io::machine& machine) {
        for (int attempt = 0; attempt < 3; ++attempt) {
            try {
                return log::event_log::open(
                    machine, "/log", small_log(log::access::create, tiny_segment)
                );
            } catch (const error&) { // NOLINT(bugprone-empty-catch)
            }
        }
        return nullptr;
    }

    void submit(log::event_log& to) {
        const auto name = "batch " + std::to_string(submitted_.size());
        auto& s = submitted_.emplace_back(submission{
            {name + std::string(90, '.'), name + ", second" + std::string(90, '.')}});
        try {
            append_texts(to, "s", s.texts);
            s.became = fate::acknowledged;
        } catch (const io_error& e) {
            s.became = e.is_disk_full() ? fate::refused : fate::unknown;
        } catch (const error&) { // NOLINT(bugprone-empty-catch)
        }
        if (takes_failure_for_success_)
            s.became = fate::acknowledged;
    }

    bool takes_failure_for_success_;
    std::vector<submission> submitted_{};
};

/// After the process died, and after the power went.
void judge_faults(run& r, tally& in, const std::vector<fault>& faults) {
    const auto words = [&] {
        std::string out;
        for (const auto& f : faults)
            out += (out.empty() ? "" : ", ") + in_words(f);
        return out;
    };
    r.judge(
        in,
        [&]() -> std::string {
            const auto disk = std::make_shared<io::simulated_disk>();
            for (const auto& f : faults)
                disk->fail_at(f.at, f.error_number, f.is_sticky);
            stubborn_life life{r.is_planted()};
            life.live(io::simulated_machine(disk));
            try {
                const auto killed = recover({disk->after_kill(), 1}, 20);
                if (auto found = life.fault_in(*killed); !found.empty())
                    return found + ", after the process died";
                const auto cut =
                    recover({disk->after_power_cut(io::power_cut::lose_all, 0), 2}, 21);
                if (auto found = life.fault_in(*cut); !found.empty())
                    return found + ", after a power cut";
                return {};
            } catch (const error& e) {
                return std::string{"recovery failed: "} + e.what();
            }
        },
        words
    );
}

void prove_faults(run& r) {
    auto& alone = r.line("T04", "every operation fails, once or for good, with each error");
    auto& pairs = r.line("T04", "each two of the first 80 operations fail, with each two errors");
    const auto whole = std::make_shared<io::simulated_disk>();
    stubborn_life{false}.live(io::simulated_machine(whole));
    constexpr std::array errors{EIO, ENOSPC, EDQUOT, EROFS, EMFILE, EACCES, ENOMEM};
    r.steps(whole->operation_count(), 2, [&](std::uint64_t at) {
        for (const int error_number : errors)
            for (const bool is_sticky : {false, true})
                judge_faults(r, alone, {{at, error_number, is_sticky}});
    });
    constexpr std::array of_pairs{EIO, ENOSPC, EMFILE, EROFS};
    constexpr std::uint64_t first = 80;
    r.steps(first, 9, [&](std::uint64_t at) {
        for (auto other = at + 1; other < first; other += r.share<std::uint64_t>(6, 1))
            for (const int one : of_pairs)
                for (const int two : of_pairs)
                    judge_faults(r, pairs, {{at, one}, {other, two}});
    });
}

/// What is there must be what was promised, now and after the power went once more.
std::string fault_after_sync(
    const machine_state& on,
    const ledger& book,
    std::size_t promised,
    bool may_refuse,
    bool was_told = false
) {
    try {
        const auto shown = recover(on, 30);
        if (auto found = fault_in(*shown, book, promised); !found.empty())
            return found;
        const auto again =
            recover({on.disk->after_power_cut(io::power_cut::lose_all, 0), on.boot + 1}, 31);
        return *again == *shown ? "" : "what was shown after the failure is gone";
    } catch (const error& e) {
        if (may_refuse && e.code() == errc::damaged)
            return "";
        // The failure that was owed is told to recovery, once.
        if (may_refuse && e.code() == errc::io && !was_told)
            return fault_after_sync(on, book, promised, may_refuse, true);
        return std::string{"recovery failed: "} + e.what();
    }
}

void prove_syncs(run& r) {
    auto& in =
        r.line("T05", "every sync fails as in four file systems, then a kill or a power cut");
    std::vector<std::uint64_t> syncs;
    {
        const auto whole = std::make_shared<io::simulated_disk>();
        whole->observe([&](std::uint64_t number, io::operation op, const std::string&) {
            if (op == io::operation::sync_data || op == io::operation::sync_all ||
                op == io::operation::sync_directory)
                syncs.push_back(number);
        });
        ledger book;
        run_workload(io::simulated_machine(whole), book);
        whole->observe({});
    }
    struct way_to_fail {
        const char* name;
        io::failed_sync how;
        bool is_killed; // before it can say so anywhere
    };
    constexpr std::array ways{
        way_to_fail{"forget", io::failed_sync::forget, false},
        way_to_fail{"forget, and the process dies", io::failed_sync::forget, true},
        way_to_fail{"late", io::failed_sync::late, false},
        way_to_fail{"revert", io::failed_sync::revert, false},
        way_to_fail{"revert, and the process dies", io::failed_sync::revert, true},
        way_to_fail{"shut down", io::failed_sync::shut_down, false}};
    r.steps(syncs.size(), 9, [&](std::uint64_t i) {
        for (const auto& [name, how, is_killed] : ways) {
            const auto disk = std::make_shared<io::simulated_disk>();
            disk->syncs_fail_as(how);
            disk->fail_at(syncs[i], EIO);
            if (is_killed)
                disk->power_off_at(syncs[i] + 1);
            ledger book;
            std::size_t acknowledged = 0; // when it failed
            disk->observe([&](std::uint64_t number, io::operation, const std::string&) {
                if (number == syncs[i])
                    acknowledged = book.acknowledged;
            });
            try {
                run_workload(io::simulated_machine(disk), book);
            } catch (const io::simulated_disk::powered_off&) { // NOLINT(bugprone-empty-catch)
            } catch (const error&) {                           // NOLINT(bugprone-empty-catch)
            }
            disk->observe({});
            // Nobody can keep what a sync that lied has acknowledged.
            const bool is_late = how == io::failed_sync::late && !r.is_planted();
            const auto promised = events_in(book, is_late ? acknowledged : book.acknowledged);
            for (std::uint64_t kind = 0; kind < crash_kinds; ++kind)
                for (std::uint64_t seed = 0; seed < r.share<std::uint64_t>(1, 4); ++seed)
                    r.judge(
                        in,
                        [&] {
                            return fault_after_sync(
                                crash(*disk, 1, kind, seed), book, promised, is_late
                            );
                        },
                        [&, way = name] {
                            return "op=" + std::to_string(syncs[i]) + ", " + way + ", crash " +
                                   std::to_string(kind);
                        }
                    );
        }
    });
}

} // namespace

void prove_io_errors(run& r) {
    prove_faults(r);
}

void prove_failed_syncs(run& r) {
    prove_syncs(r);
}

} // namespace everfold::proof
