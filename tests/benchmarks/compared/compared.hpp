// SPDX-License-Identifier: MIT
#pragma once
// Everfold, the limit of the machine and other stores, doing the same work in turn.
//
// The limit is a plain loop in the same program that does what can't be done without. A shared
// machine slows down and recovers while a benchmark runs: so the loop has its turn beside each of
// Everfold's, and what is told is the median of the ratios of these pairs. Peers have fewer turns,
// in between.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace everfold::benchmarks {

class stopwatch {
public:
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(clock::now() - began_).count();
    }

    [[nodiscard]] double microseconds() const { return seconds() * 1e6; }

private:
    using clock = std::chrono::steady_clock;
    clock::time_point began_{clock::now()};
};

/// What was measured, one value for each aspect, and the digest of the state it led to.
struct measured {
    std::vector<double> values{};
    std::string digest{};
};

using turn = std::function<measured()>;

struct contestant {
    std::string name{};
    turn run{};
    /// 0: as many as there are pairs.
    unsigned turns{};
};

/// A bound that the ratio to the limit is to keep, or, where there is no limit, the value.
struct aim {
    enum class direction : std::uint8_t { at_least, at_most };
    direction way{};
    double bound{};
};

[[nodiscard]] constexpr aim at_least(double bound) noexcept {
    return {aim::direction::at_least, bound};
}

[[nodiscard]] constexpr aim at_most(double bound) noexcept {
    return {aim::direction::at_most, bound};
}

struct aspect {
    std::string what{}; ///< "median", "99th percentile"; empty where there is one only
    std::string unit{};
    std::optional<aim> target{};
    /// The target is one for the value, also where there is a limit.
    bool is_of_value{};
};

struct contest {
    std::string operation{};
    std::uint64_t events{};
    /// Payload, fold and durability: what is the same for all.
    std::string work{};
    std::vector<aspect> aspects{};
    contestant ours{};
    std::optional<contestant> limit{};
    std::vector<contestant> peers{};
    /// What every digest must be; empty where the work leads to no state.
    std::string digest{};
    /// A pair before the first that counts.
    bool warms_up{};
};

struct options {
    std::uint64_t events{1'000'000};
    unsigned pairs{7};
    /// After so long no new pair of a row is begun, so that what is very slow has fewer.
    double seconds{45};
    bool with_peers{true};
    /// Where the data of stores is kept for the next program.
    std::string data{};
    /// A line for each row is appended there; empty: nowhere.
    std::string json{};
};

/// Runs what `questions` asks, with options from the command line; for main().
///
///   PROGRAM [EVENTS] [--pairs N] [--seconds N] [--no-peers] [--data DIRECTORY] [--json FILE]
[[nodiscard]] int
answer(int argc, char** argv, const std::function<void(const options&)>& questions);

/// Prints a row for each aspect. Throws where a digest is not what it must be.
void compare(const options& how, const contest& c);

/// Of what was measured many times in one turn; `of` is not empty.
[[nodiscard]] double percentile(std::vector<double>& of, double part);

} // namespace everfold::benchmarks
