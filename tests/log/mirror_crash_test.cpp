// SPDX-License-Identifier: MIT
// Whatever the moment at which the power goes, either directory of a log with a mirror holds what
// was acknowledged, and the two together go on.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/log_workload.hpp>
#include <support/sanitized.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

constexpr const char* here = "/log";
constexpr const char* mirror = "/mirror";

struct named_level {
    const char* name;
    durability level;
};

constexpr std::array levels{
    named_level{"commit", durability::commit()},
    named_level{"interval", durability::interval(std::chrono::milliseconds{40}, 600)},
    named_level{"os", durability::os()},
};

log::log_options options_of(
    durability level, const std::string& mirrored_in, log::access mode = log::access::create
) {
    auto out = small_log(mode, tiny_segment);
    out.level = level;
    out.mirror = mirrored_in;
    return out;
}

/// Both directories hold the same files, but for what only one of them needs.
std::string difference(const io::simulated_disk& disk) {
    const auto live = [&](const std::string& in) {
        std::vector<std::string> out;
        for (const auto& path : disk.files_below(in)) {
            const auto name = path.substr(in.size());
            if (!name.starts_with("/quarantine/") && name != "/LOCK")
                out.push_back(name);
        }
        return out;
    };
    const auto names = live(here);
    if (names != live(mirror))
        return "the two have not the same files";
    for (const auto& name : names) {
        if (disk.content(here + name) != disk.content(mirror + name))
            return "the two differ in " + name;
    }
    return {};
}

/// What the next process finds that opens `directory`, and whether it can go on.
std::string judge_one(
    const io::machine& machine,
    const std::string& directory,
    const ledger& book,
    durability level,
    std::size_t promised,
    const std::string& mirrored_in = {}
) {
    try {
        const auto log = log::event_log::open(machine, directory, options_of(level, mirrored_in));
        auto found = texts_of(read_all(*log));
        auto fault = fault_in(found, book, promised);
        append_texts(*log, "s-after", {"after recovery"});
        found.emplace_back("after recovery");
        if (fault.empty() && texts_of(read_all(*log)) != found)
            fault = "an append after recovery is not where it should be";
        log->close();
        if (mirrored_in.empty() || !fault.empty())
            return fault;
        const auto twin = log::event_log::open(
            machine, mirrored_in, options_of(level, {}, log::access::read_only)
        );
        return texts_of(read_all(*twin)) == found ? "" : "the mirror has other events";
    } catch (const error& e) {
        return std::string{"recovery failed: "} + e.what();
    }
}

/// Each directory alone, and both, after the same accident; `revive` makes the disk anew.
template <class Revive>
void judge_all(
    const Revive& revive,
    std::uint64_t boot,
    const ledger& book,
    durability level,
    std::size_t promised,
    std::uint64_t& states
) {
    const auto say = [&](const char* what, const std::string& fault) {
        CAPTURE(what);
        CHECK_MESSAGE(fault.empty(), fault);
        ++states;
    };
    const auto machine_of = [&](const std::shared_ptr<io::simulated_disk>& disk) {
        return io::simulated_machine(disk, 100 + states % 17, boot);
    };
    say("the log alone", judge_one(machine_of(revive()), here, book, level, promised));
    // Before the first append there need not be a mirror.
    if (promised > 0)
        say("the mirror alone", judge_one(machine_of(revive()), mirror, book, level, promised));
    const auto disk = revive();
    say("both", judge_one(machine_of(disk), here, book, level, promised, mirror));
    say("both, bytes", difference(*disk));
}

std::shared_ptr<io::simulated_disk> stopped_at(std::uint64_t at, durability level, ledger& book) {
    auto disk = std::make_shared<io::simulated_disk>();
    disk->power_off_at(at);
    try {
        run_workload(io::simulated_machine(disk), book, level, mirror);
    } catch (const io::simulated_disk::powered_off&) { // NOLINT(bugprone-empty-catch)
    }
    return disk;
}

std::uint64_t operations_of_whole_run(durability level) {
    const auto disk = std::make_shared<io::simulated_disk>();
    ledger book;
    run_workload(io::simulated_machine(disk), book, level, mirror);
    REQUIRE(book.acknowledged == book.batches.size());
    REQUIRE(difference(*disk).empty());
    return disk->operation_count();
}

constexpr std::array cuts{
    std::pair{io::power_cut::lose_all, 0},
    std::pair{io::power_cut::keep_all, 0},
    std::pair{io::power_cut::random, 0},
    std::pair{io::power_cut::random, 1},
    std::pair{io::power_cut::random, 2},
    std::pair{io::power_cut::garble, 3},
    std::pair{io::power_cut::garble, 4},
};

} // namespace

TEST_CASE("power lost at any operation leaves all that was acknowledged in the log and its mirror"
) {
    for (const auto& [name, level] : levels) {
        const bool is_weaker = level != durability::commit();
        const auto operations = operations_of_whole_run(level);
        std::uint64_t states = 0;
        for (std::uint64_t at = 0; at < operations; at += one_in(7) * (is_weaker ? 3 : 1)) {
            ledger book;
            const auto disk = stopped_at(at, level, book);
            const auto promised = is_weaker ? static_cast<std::size_t>(book.durable)
                                            : events_in(book, book.acknowledged);
            for (const auto& [kind, seed] : cuts) {
                CAPTURE(name);
                CAPTURE(at);
                CAPTURE(static_cast<int>(kind));
                CAPTURE(seed);
                const auto revive = [&] {
                    return disk->after_power_cut(kind, static_cast<std::uint64_t>(seed));
                };
                judge_all(revive, 2, book, level, promised, states);
            }
        }
        std::printf(
            "crash states with a mirror at level %s: %llu over %llu operations\n",
            name,
            static_cast<unsigned long long>(states),
            static_cast<unsigned long long>(operations)
        );
    }
}

TEST_CASE("a process killed at any operation leaves all that was acknowledged in both directories"
) {
    for (const auto& [name, level] : levels) {
        const auto operations = operations_of_whole_run(level);
        std::uint64_t states = 0;
        for (std::uint64_t at = 0; at < operations; at += one_in(7)) {
            CAPTURE(name);
            CAPTURE(at);
            ledger book;
            const auto disk = stopped_at(at, level, book);
            const auto promised = events_in(book, book.acknowledged);
            judge_all([&] { return disk->after_kill(); }, 1, book, level, promised, states);
        }
        std::printf(
            "killed with a mirror at level %s: %llu states\n",
            name,
            static_cast<unsigned long long>(states)
        );
    }
}

TEST_CASE("whatever operation fails in either directory, both hold what was acknowledged") {
    std::uint64_t states = 0;
    for (const int failure : {EIO, ENOSPC}) {
        for (std::uint64_t at = 0;; at += one_in(7)) {
            CAPTURE(failure);
            CAPTURE(at);
            const auto disk = std::make_shared<io::simulated_disk>();
            disk->fail_at(at, failure);
            ledger book;
            bool has_failed = false;
            try {
                run_workload(io::simulated_machine(disk), book, durability::commit(), mirror);
            } catch (const error&) {
                has_failed = true;
            }
            const auto reached_end = disk->operation_count() <= at;
            const auto promised = events_in(book, book.acknowledged);
            const auto level = durability::commit();
            judge_all([&] { return disk->after_kill(); }, 1, book, level, promised, states);
            // Both opened on the same boot, and then the power goes: the cache was not believed.
            const auto revive = [&] {
                const auto once = disk->after_kill();
                try {
                    static_cast<void>(log::event_log::open(
                        io::simulated_machine(once, 5), here, options_of(level, mirror)
                    ));
                } catch (const error&) { // NOLINT(bugprone-empty-catch)
                }
                return once->after_power_cut(io::power_cut::lose_all, 0);
            };
            judge_all(revive, 2, book, level, promised, states);
            if (reached_end) {
                CHECK(!has_failed);
                break;
            }
        }
    }
    std::printf(
        "failed operations with a mirror: %llu states\n", static_cast<unsigned long long>(states)
    );
}

namespace {

/// A log that went on without its mirror: it grew, rotated, archived and lost some events.
struct stale_pair {
    std::shared_ptr<io::simulated_disk> disk = std::make_shared<io::simulated_disk>();
    std::vector<std::string> in_mirror{};
    std::vector<std::string> in_log{};
    std::vector<std::string> ever_in_log{};

    stale_pair(bool is_closed, bool is_scavenged) {
        const auto machine = io::simulated_machine(disk);
        {
            const auto log =
                log::event_log::open(machine, here, options_of(durability::commit(), mirror));
            for (int i = 0; i < 5; ++i)
                append_texts(*log, "s", {"both " + std::to_string(i), "and more"});
            in_mirror = texts_of(read_all(*log));
            if (!is_closed)
                disk = disk->after_kill();
        }
        const auto alone = io::simulated_machine(disk, 2);
        const auto log = log::event_log::open(alone, here, options_of(durability::commit(), {}));
        for (int i = 0; i < 9; ++i)
            append_texts(*log, "t", {"alone " + std::to_string(i), "and more"});
        log->archive([](const log::segment_index& s) { return s.first() == position{0}; });
        append_texts(*log, "t", {"the last"});
        ever_in_log = texts_of(read_all(*log));
        if (is_scavenged)
            static_cast<void>(log->scavenge(
                [](const log::readable_segment& in) {
                    log::removal out;
                    if (in.entry->first.value() > 0 && in.event_count > 4)
                        out.events = {1, 2};
                    return out;
                },
                "a test"
            ));
        in_log = texts_of(read_all(*log));
        log->close();
    }
};

bool starts_with(const std::vector<std::string>& all, const std::vector<std::string>& with) {
    return all.size() >= with.size() && std::equal(with.begin(), with.end(), all.begin());
}

} // namespace

TEST_CASE("power lost while a mirror is brought up to date harms neither directory") {
    std::uint64_t states = 0;
    std::uint64_t without_mirror = 0;
    for (const bool is_closed : {true, false}) {
        for (const bool is_scavenged : {false, true}) {
            const stale_pair before{is_closed, is_scavenged};
            for (std::uint64_t at = 0;; at += one_in(7)) {
                const auto disk = before.disk->after_kill();
                disk->power_off_at(at);
                bool is_done = false;
                try {
                    const auto log = log::event_log::open(
                        io::simulated_machine(disk, 3, 2), here, options_of({}, mirror)
                    );
                    log->close();
                    is_done = true;
                } catch (const io::simulated_disk::powered_off&) { // NOLINT(bugprone-empty-catch)
                }
                for (const auto& [kind, seed] : cuts) {
                    CAPTURE(is_closed);
                    CAPTURE(is_scavenged);
                    CAPTURE(at);
                    CAPTURE(static_cast<int>(kind));
                    CAPTURE(seed);
                    const auto left = disk->after_power_cut(kind, static_cast<std::uint64_t>(seed));
                    const auto machine = io::simulated_machine(left, 4, 3);
                    const auto texts_in = [&](const char* directory) {
                        return texts_of(read_all(*log::event_log::open(
                            machine, directory, small_log(log::access::read_only)
                        )));
                    };
                    const auto alone = texts_in(here);
                    CHECK(alone == before.in_log);
                    if (left->kind(std::string{mirror} + "/LOG") == io::path_kind::missing) {
                        ++without_mirror;
                        CHECK(!is_done);
                    } else {
                        const auto found = texts_in(mirror);
                        const bool is_on_the_way = !is_done &&
                                                   starts_with(found, before.in_mirror) &&
                                                   starts_with(before.ever_in_log, found);
                        CHECK((found == before.in_log || is_on_the_way));
                    }
                    {
                        const auto log =
                            log::event_log::open(machine, here, options_of({}, mirror));
                        const auto together = texts_of(read_all(*log));
                        CHECK(together == before.in_log);
                        log->close();
                    }
                    const auto differs = difference(*left);
                    CHECK(differs == "");
                    const auto twin = texts_in(mirror);
                    CHECK(twin == before.in_log);
                    ++states;
                }
                if (is_done)
                    break;
            }
        }
    }
    std::printf(
        "crash states while a mirror is brought up to date: %llu, in %llu of them it is no log\n",
        static_cast<unsigned long long>(states),
        static_cast<unsigned long long>(without_mirror)
    );
}
