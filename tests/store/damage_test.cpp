// SPDX-License-Identifier: MIT
// Every bit flipped, every length cut: an error, a report, or the identical answer. Never other
// data, never silence.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/damaged_log.hpp>
#include <support/sanitized.hpp>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

const std::string directory = "/log";

struct tally {
    std::map<outcome, std::uint64_t> counts{};
    std::vector<std::string> identical{};
};

std::string kind_of(const std::string& path) {
    auto name = path.substr(directory.size() + 1);
    return name.substr(0, name.find('-')) +
           (name.find('.') == std::string::npos ? "" : name.substr(name.rfind('.')));
}

void print(const char* what, const std::map<std::string, tally>& tallies) {
    for (const auto& [file, t] : tallies) {
        const auto count = [&](outcome o) {
            const auto found = t.counts.find(o);
            return static_cast<unsigned long long>(found == t.counts.end() ? 0 : found->second);
        };
        std::printf(
            "%s %-9s %7llu errors, %6llu reported, %6llu identical, %llu wrong, %llu silent\n",
            what,
            file.c_str(),
            count(outcome::error),
            count(outcome::reported),
            count(outcome::identical),
            count(outcome::wrong),
            count(outcome::silent)
        );
    }
}

/// Changes each byte of each file in each of the ways that `change` offers (until it says no more).
template <class Change>
std::map<std::string, tally> damage_every_file(open_mode mode, Change&& change) {
    const auto intact = closed_log();
    auto s = open(directory, {.mode = open_mode::read_only}, io::simulated_machine(intact));
    const auto truth = everything(s);
    REQUIRE(truth.size() > 30);
    REQUIRE(truth.back() == "snapshot at 5");
    REQUIRE(outcome_of(intact->after_kill(), mode, truth) == outcome::identical);
    std::map<std::string, tally> tallies;
    for (const auto& path : intact->files_below(directory)) {
        if (path.ends_with("/LOCK"))
            continue; // its text is for messages only
        const auto content = intact->content(path);
        auto& t = tallies[kind_of(path)];
        for (std::size_t step = 0;; step += one_in(9)) {
            auto changed = content;
            if (!change(changed, step))
                break;
            const auto disk = intact->after_kill();
            disk->set_content(path, std::move(changed));
            const auto result = outcome_of(disk, mode, truth);
            ++t.counts[result];
            CAPTURE(path);
            CAPTURE(step);
            CHECK(result != outcome::wrong);
            CHECK(result != outcome::silent);
        }
    }
    return tallies;
}

} // namespace

TEST_CASE("any flipped bit of a closed log is an error, a report, or changes no answer") {
    for (const auto mode : {open_mode::read_only, open_mode::existing}) {
        // A reader meets every bit; a writer, which takes the same way, one of each byte.
        const std::size_t bits_a_byte = mode == open_mode::read_only ? 8 : 1;
        auto tallies = damage_every_file(mode, [&](byte_buffer& content, std::size_t step) {
            const auto byte = step / bits_a_byte;
            if (byte >= content.size())
                return false;
            const auto bit = bits_a_byte == 8 ? step % 8 : byte % 8;
            content[byte] ^= static_cast<std::byte>(1U << bit);
            return true;
        });
        print(mode == open_mode::read_only ? "flips, read:   " : "flips, written:", tallies);
        // Segments have no bit to spare but an archive's padding; what is doubly stored or derived
        // may stay whole.
        CHECK(tallies["seg.evl"].counts[outcome::identical] == 0);
        CHECK(tallies["seg.evl"].counts[outcome::error] > 5'000 / one_in(9));
        CHECK(tallies["seg.evz"].counts[outcome::identical] < 8 * 8);
        CHECK(tallies["snap.evs"].counts[outcome::identical] == 0);
    }
}

TEST_CASE("a closed log cut at any length is an error, a report, or gives every answer") {
    for (const auto mode : {open_mode::read_only, open_mode::existing}) {
        auto tallies = damage_every_file(mode, [](byte_buffer& content, std::size_t length) {
            if (length >= content.size())
                return false;
            content.resize(length);
            return true;
        });
        print(mode == open_mode::read_only ? "cuts, read:    " : "cuts, written: ", tallies);
        CHECK(tallies["seg.evl"].counts[outcome::identical] == 0);
        CHECK(tallies["seg.evl"].counts[outcome::reported] == 0);
        CHECK(tallies["seg.evz"].counts[outcome::identical] == 0);
    }
}

TEST_CASE("bytes added to a closed log are an error, a report, or change no answer") {
    const auto tallies =
        damage_every_file(open_mode::existing, [](byte_buffer& content, std::size_t step) {
            if (step >= 64)
                return false;
            content.resize(content.size() + 1 + step * 7, std::byte{0x5A});
            return true;
        });
    print("additions:     ", tallies);
}

TEST_CASE("a file of a closed log that is missing is an error or changes no answer") {
    const auto intact = closed_log();
    auto s = open(directory, {.mode = open_mode::read_only}, io::simulated_machine(intact));
    const auto truth = everything(s);
    for (const auto& path : intact->files_below(directory)) {
        CAPTURE(path);
        const auto disk = intact->after_kill();
        disk->remove(path);
        const auto result = outcome_of(disk, open_mode::read_only, truth);
        if (path.ends_with(".evs"))
            CHECK(result == outcome::silent); // derived: nothing says that there was one
        else if (path.ends_with("/LOCK") || path.ends_with(".evi"))
            CHECK(result == outcome::identical);
        else
            CHECK(result == outcome::error);
    }
}
