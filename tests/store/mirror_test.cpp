// SPDX-License-Identifier: MIT
// A store with a mirror, as its user sees it.

#include <everfold/base/error.hpp>
#include <everfold/everfold.hpp>
#include <everfold/store/tools.hpp>

#include <doctest/doctest.h>
#include <support/scratch_dir.hpp>

#include <optional>
#include <string>

using namespace everfold;

namespace {

struct counted {
    static constexpr std::string_view event_type = "counted";
    int n{};
};

} // namespace

TEST_CASE("a mirror is a store of its own, with all that was appended, and verifies") {
    const testing::scratch_dir here;
    {
        auto both =
            open(here / "log", {.segment_bytes_max = 16U << 10U, .mirror = here / "mirror"});
        for (int i = 0; i < 300; ++i)
            both.append("s", counted{i}).value();
        auto beside = open(here / "mirror", {.mode = open_mode::read_only});
        CHECK(beside.end() == position{300});
    }
    CHECK(verify(here / "mirror").is_intact());
    auto taken = open(here / "mirror", {.mode = open_mode::existing});
    CHECK(taken.report().notes.empty());
    taken.append("s", counted{300}).value();
    CHECK(taken.end() == position{301});
}

TEST_CASE("a store that is read only, or in memory, has no mirror") {
    const testing::scratch_dir here;
    open(here / "log").close();
    const auto code_of = [&](const std::string& path, open_mode mode) -> std::optional<errc> {
        try {
            open(path, {.mode = mode, .mirror = here / "mirror"}).close();
        } catch (const error& e) {
            return e.code();
        }
        return {};
    };
    CHECK(code_of(here / "log", open_mode::read_only) == errc::invalid);
    CHECK(code_of("memory:", open_mode::create) == errc::invalid);
}
