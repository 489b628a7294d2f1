// SPDX-License-Identifier: MIT
#pragma once
// What the suites of the proof share: how much of them is run, what is counted, and how a case that
// failed is run again. See framework/docs/proof.md.

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace everfold::proof {

/// One case of a suite: the step that it is in, and its number in there.
struct place {
    std::uint64_t step{};
    std::uint64_t number{};

    friend bool operator==(const place&, const place&) = default;
};

struct settings {
    bool is_full{};              ///< the figures of the catalogue, not a few seconds
    bool is_planted{};           ///< with the bug that the suite must catch
    std::uint64_t seed{1};       ///< for what is random
    std::uint64_t from{};        ///< begin at this step
    double seconds_max{};        ///< end with the step in which they are over; 0: never
    std::optional<place> only{}; ///< this case alone
};

/// One line of the table.
struct tally {
    std::string id{}; ///< in the catalogue
    std::string technique{};
    std::uint64_t cases{};
    std::uint64_t violations{};
    double seconds{};
};

/// One run of one suite.
class run {
public:
    run(std::string suite, const settings& wanted);

    [[nodiscard]] bool is_full() const noexcept { return wanted_.is_full; }

    [[nodiscard]] bool is_planted() const noexcept { return wanted_.is_planted; }

    [[nodiscard]] std::uint64_t seed() const noexcept { return wanted_.seed; }

    /// For a quick share or the full figure.
    template <class T>
    [[nodiscard]] T share(T quick, T full) const noexcept {
        return wanted_.is_full ? full : quick;
    }

    [[nodiscard]] tally& line(std::string id, std::string technique);

    /// Steps depend on nothing but their number. Of a quick share only each `stride`-th is run.
    void steps(
        std::uint64_t count, std::uint64_t stride, const std::function<void(std::uint64_t)>& step
    );

    /// `fault` says what is wrong, or nothing; `what` describes the case for whoever reads.
    void judge(
        tally& in,
        const std::function<std::string()>& fault,
        const std::function<std::string()>& what
    );

    /// Whether the bug that was planted has been caught: no more is to be done.
    [[nodiscard]] bool is_done() const noexcept { return is_planted() && violations() > 0; }

    [[nodiscard]] std::uint64_t violations() const noexcept;
    [[nodiscard]] std::uint64_t cases() const noexcept;

    /// The lines, as tests/proof/report.py reads them.
    void print() const;

private:
    std::string suite_;
    settings wanted_;
    place at_{};
    std::list<tally> lines_{}; // handed out by reference
    std::chrono::steady_clock::time_point begun_{std::chrono::steady_clock::now()};
    std::uint64_t next_step_{};
    bool is_out_of_time_{};
};

struct suite {
    std::string_view name;
    std::string_view about;
    std::string_view planted; ///< the bug that it must catch
    void (*prove)(run&);
};

[[nodiscard]] const std::vector<suite>& suites();

void prove_crash_states(run& r);
void prove_repeated_crashes(run& r);
void prove_damage(run& r);
void prove_io_errors(run& r);
void prove_failed_syncs(run& r);
void prove_failed_allocations(run& r);
void prove_clocks(run& r);
void prove_simulation(run& r);
void prove_cross_file(run& r);
void prove_histories(run& r);
void prove_round_trips(run& r);
void prove_schedules(run& r);

} // namespace everfold::proof
