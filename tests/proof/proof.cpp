// SPDX-License-Identifier: MIT
#include <proof/failing_memory.hpp>
#include <proof/proof.hpp>

#include <cstdio>
#include <utility>

namespace everfold::proof {

namespace {

constexpr std::uint64_t violations_shown_max = 10;

double seconds_since(std::chrono::steady_clock::time_point t) {
    return std::chrono::duration<double>{std::chrono::steady_clock::now() - t}.count();
}

} // namespace

run::run(std::string suite, const settings& wanted)
    : suite_{std::move(suite)}
    , wanted_{wanted} {}

tally& run::line(std::string id, std::string technique) {
    return lines_.emplace_back(tally{std::move(id), std::move(technique)});
}

void run::steps(
    std::uint64_t count, std::uint64_t stride, const std::function<void(std::uint64_t)>& step
) {
    if (is_out_of_time_)
        return;
    const auto first = next_step_; // where a suite has several loops, they are numbered on
    next_step_ += count;
    for (std::uint64_t i = 0; i < count && !is_done(); i += is_full() ? 1 : stride) {
        at_ = {first + i, 0};
        if (wanted_.only ? at_.step != wanted_.only->step : at_.step < wanted_.from)
            continue;
        if (wanted_.seconds_max > 0 && seconds_since(begun_) > wanted_.seconds_max) {
            std::printf("proof-next: %llu\n", static_cast<unsigned long long>(at_.step));
            is_out_of_time_ = true;
            return;
        }
        step(i);
    }
}

void run::judge(
    tally& in, const std::function<std::string()>& fault, const std::function<std::string()>& what
) {
    const auto here = at_;
    ++at_.number;
    if (is_done() || (wanted_.only && here != *wanted_.only))
        return;
    const auto begun = std::chrono::steady_clock::now();
    const auto found = fault();
    in.seconds += seconds_since(begun);
    ++in.cases;
    if (found.empty())
        return;
    if (++in.violations > violations_shown_max || is_planted())
        return;
    std::printf(
        "%s violated: %s\n  seed=%llu, %s\n  again: proof %s%s --seed %llu --only %llu.%llu\n",
        in.id.c_str(),
        found.c_str(),
        static_cast<unsigned long long>(seed()),
        what().c_str(),
        suite_.c_str(),
        is_full() ? " --full" : "",
        static_cast<unsigned long long>(seed()),
        static_cast<unsigned long long>(here.step),
        static_cast<unsigned long long>(here.number)
    );
    std::fflush(stdout);
}

std::uint64_t run::violations() const noexcept {
    std::uint64_t out = 0;
    for (const auto& t : lines_)
        out += t.violations;
    return out;
}

std::uint64_t run::cases() const noexcept {
    std::uint64_t out = 0;
    for (const auto& t : lines_)
        out += t.cases;
    return out;
}

void run::print() const {
    for (const auto& t : lines_)
        std::printf(
            "proof: %s | %s | %llu | %llu | %.1f\n",
            t.id.c_str(),
            t.technique.c_str(),
            static_cast<unsigned long long>(t.cases),
            static_cast<unsigned long long>(t.violations),
            t.seconds
        );
}

const std::vector<suite>& suites() {
    static const auto all = [] {
        std::vector<suite> out{
            {"crash_states",
             "T01 T02: the power goes at every operation, and any subset of what was unsynced is "
             "left",
             "a disk whose syncs return and do nothing",
             prove_crash_states},
            {"repeated_crashes",
             "T03: the power goes again at every operation of recovery, and once more",
             "a disk whose syncs do nothing once the log is recovered",
             prove_repeated_crashes},
            {"damage",
             "T07 T08 T09: every bit, byte, sector and length of every file of a closed log",
             "a recovery that leaves out what it can't read",
             prove_damage},
            {"io_errors",
             "T04: every operation fails, with each error, once, for good, and in pairs",
             "a client that takes each failure for success",
             prove_io_errors},
            {"failed_syncs",
             "T05: every sync fails as four file systems have it",
             "a sync that lied, of which nothing is forgiven",
             prove_failed_syncs},
            {"clocks",
             "T15: clocks that jump, stand, run backwards, or are at an end",
             "a test that takes the clock at its word",
             prove_clocks},
            {"cross_file",
             "T10: files missing, empty, older, foreign, misnamed, doubled or directories, in "
             "pairs",
             "a recovery that leaves out what it can't read",
             prove_cross_file},
            {"histories",
             "T14: is there one order in which all that clients were told is true?",
             "a store whose reads leave out the last event",
             prove_histories},
            {"simulation",
             "T11: whole lives of a store, each with another choice of what goes wrong",
             "a disk whose syncs return and do nothing",
             prove_simulation},
            {"round_trips",
             "T16: what was written is what is read, with every number at the borders of its width",
             "a number that has been through a float",
             prove_round_trips},
            {"schedules",
             "T13: two or three threads on one log, in every order of what they do",
             "a reader that shows what is written and not yet durable",
             prove_schedules},
        };
        if (memory::is_replaced())
            out.push_back(
                {"failed_allocations",
                 "T06: memory runs out at every allocation of what is done with a store",
                 "a client that takes each failure for success",
                 prove_failed_allocations}
            );
        return out;
    }();
    return all;
}

} // namespace everfold::proof
