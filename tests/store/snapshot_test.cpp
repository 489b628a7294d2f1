// SPDX-License-Identifier: MIT
// P14: a snapshot is of one past, and is not used in another one.

#include <everfold/store/log_store.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

using namespace everfold;
using namespace everfold::testing;

namespace {

constexpr revision newest{1000};

/// Each is the event of its position and of its revision.
void append_numbers(store& s, std::uint32_t from, std::uint32_t to) {
    for (auto n = from; n < to; ++n)
        s.append(to_stream("a", {numbered(n)})).value();
}

std::optional<snapshot> loaded(store& s) {
    return s.engine().load_snapshot("a", "state", newest);
}

bool is_reported(store& s) {
    const auto notes = s.report().notes;
    return std::ranges::any_of(notes, [](const std::string& note) {
        return note.find("the log does not confirm it") != std::string::npos;
    });
}

} // namespace

TEST_CASE("P14: a snapshot of what the log no longer holds is ignored, and the report says so") {
    const scratch_dir here;
    auto s = open(here / "log", quiet({}));
    append_numbers(s, 0, 10);
    s.close();
    std::filesystem::copy(here / "log", here / "old", std::filesystem::copy_options::recursive);
    s = open(here / "log", quiet({}));
    append_numbers(s, 10, 20);
    const snapshot kept{
        .stream = "a", .fold = "state", .at = revision{15}, .log_position = position{15}};
    s.engine().save_snapshot(kept);
    CHECK(loaded(s) == kept);
    s.close();

    // The log was put back to an older copy, and its snapshots were not.
    for (const auto& entry : std::filesystem::directory_iterator(here / "log")) {
        if (entry.path().extension() == ".evs")
            std::filesystem::copy(entry.path(), here / "old");
    }
    auto old = open(here / "old", quiet({}));
    CHECK(old.stats().snapshots == 1);
    CHECK(!loaded(old)); // ahead of the log
    CHECK(is_reported(old));
    old.close();
    old = open(here / "old", quiet({}));
    append_numbers(old, 30, 50);
    CHECK(!loaded(old)); // of other events at the same positions
    CHECK(is_reported(old));
}
