// SPDX-License-Identifier: MIT
// Logs that three generations of a program have written are read by the newest and by the oldest.

#include "generations.hpp"

#include <everfold/aggregate/fold.hpp>
#include <everfold/store/open.hpp>

#include <doctest/doctest.h>
#include <support/scratch_dir.hpp>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using lines = std::vector<std::string>;

namespace {

/// Not a test of anything: writes the golden logs, once, into a folder that is not there yet.
bool wrote_golden_files() {
    const char* into = std::getenv("EVERFOLD_WRITE_GOLDEN");
    if (into == nullptr)
        return false;
    const auto write = [&](const char* name, const auto&... events) {
        const auto folder = std::filesystem::path{into} / name;
        REQUIRE(!std::filesystem::exists(folder));
        std::filesystem::create_directories(into);
        auto s = open(folder.string());
        s.append("users", events...).value();
        s.close();
    };
    write(
        "first",
        first::user_created{1, "Ada Lovelace", "ada@example.com"},
        first::user_updated{.user_id = 1, .phone = "555"},
        first::user_imported{2, "Bob", "556"},
        first::user_noted{.user_id = 2, .text = "hello"},
        first::user_deleted{2}
    );
    write(
        "second",
        second::user_created{1, "Ada", "Lovelace", {}},
        second::user_updated{.user_id = 1, .phone = nullptr, .language = "en"},
        second::user_removed{1}
    );
    write(
        "third",
        third::user_created{1, "Ada", "Lovelace", {"a@x", "b@x"}},
        third::telephone_set{1, "557"},
        third::user_noted{1, "hello", "Bob"},
        third::user_updated{.user_id = 1, .telephone = "558"},
        third::user_suspended{1},
        third::user_removed{1}
    );
    return true;
}

template <class State>
lines told(const char* log, std::uint64_t skipped) {
    const char* root = std::getenv("EVERFOLD_SOURCE_ROOT");
    REQUIRE(root != nullptr);
    const scratch_dir dir;
    const auto copy = std::filesystem::path{dir.path()} / log;
    std::filesystem::copy(
        std::filesystem::path{root} / "tests" / "golden" / "evolution" / log,
        copy,
        std::filesystem::copy_options::recursive
    );
    auto s = open(copy.string(), {.mode = open_mode::read_only});
    folder<State> fold{skipped == 0 ? unknown_events::refuse : unknown_events::skip};
    State state;
    for (const auto& e : s.read())
        fold.apply(state, e);
    CHECK(fold.skipped() == skipped);
    return state.said;
}

} // namespace

TEST_CASE("the newest program reads the logs of all three generations, and skips nothing") {
    if (wrote_golden_files())
        return;
    CHECK(
        told<third::users>("first", 0) ==
        lines{
            "created Ada|Lovelace ada@example.com",
            "updated 555",
            "created Bob|",
            "telephone 556",
            "noted hello by -",
            "removed"}
    );
    CHECK(
        told<third::users>("second", 0) == lines{"created Ada|Lovelace", "updated none", "removed"}
    );
    CHECK(
        told<third::users>("third", 0) ==
        lines{
            "created Ada|Lovelace a@x b@x",
            "telephone 557",
            "noted hello by Bob",
            "updated 558",
            "suspended",
            "removed"}
    );
}

TEST_CASE("the oldest program reads what it can of newer logs and keeps fields it does not know") {
    if (std::getenv("EVERFOLD_WRITE_GOLDEN") != nullptr)
        return;
    CHECK(
        told<first::users>("first", 0) ==
        lines{"created Ada Lovelace", "updated", "imported Bob", "noted hello", "deleted"}
    );
    // Skipped, because it was asked for: user_created v2, user_removed.
    CHECK(told<first::users>("second", 2) == lines{"updated unknown language"});
    // user_created v3, telephone_set, user_updated v2, user_suspended, user_removed.
    CHECK(told<first::users>("third", 5) == lines{"noted hello unknown author"});
}
