// SPDX-License-Identifier: MIT
// What the log says about what was moved into its archive.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

namespace {

void append_some(store& s, std::uint32_t from, std::uint32_t to) {
    for (auto i = from; i < to; ++i)
        s.append(to_stream(i % 2 == 0 ? "hall-1" : "hall-2", {numbered(i)})).value();
}

} // namespace

TEST_CASE_TEMPLATE(
    "what was moved into the archive is written down, with how much and why", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    append_some(s, 0, 100);
    CHECK(s.compactions().empty());
    const auto first = s.engine().archive("hall-1", revision{49}, "the year is over");
    append_some(s, 100, 110);
    const auto second = s.engine().archive("hall-2", revision{54}, "so is the next");
    s = stores.reopen(s);
    const auto said = s.compactions();
    REQUIRE(said.size() == 2);
    CHECK(said[0].stream == "hall-1");
    CHECK(said[0].up_to == revision{49});
    CHECK(said[0].segments == first.segments);
    CHECK(said[0].events == 100);
    CHECK(said[0].bytes_before == first.bytes_before);
    CHECK(said[0].bytes_after == first.bytes_after);
    CHECK(said[0].why == "the year is over");
    CHECK(said[0].recorded == position{100});
    CHECK(said[1].stream == "hall-2");
    CHECK(said[1].events == second.events);
    CHECK(said[0].at <= said[1].at);
}

TEST_CASE_TEMPLATE(
    "a compaction that moves nothing, or for no reason, leaves no record", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    append_some(s, 0, 10);
    CHECK(s.engine().archive("nobody", revision{0}, "").segments == 0);
    CHECK(s.engine().archive("nobody", revision{0}, "nothing").segments == 0);
    CHECK(s.engine().archive("hall-1", revision{4}, "").segments == 1);
    CHECK(s.compactions().empty());
    append_some(s, 10, 12);
    CHECK(s.engine().archive("hall-1", revision{5}, "once").segments == 1);
    CHECK(s.engine().archive("hall-1", revision{5}, "again").segments == 0);
    CHECK(s.compactions().size() == 1);
    const auto before = s.end();
    CHECK_THROWS_AS(
        s.engine().archive("hall-2", revision{4}, std::string(4097, 'w')), everfold::error
    );
    CHECK(s.end() == before);
}

TEST_CASE_TEMPLATE("nobody reads the record who does not ask for it", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    append_some(s, 0, 10);
    const auto all = lines_of(s.read());
    const auto of_all_types = lines_of(s.read(query{}.type("counted") | query{}.tag("no:1")));
    s.engine().archive("hall-1", revision{4}, "a reason");
    const auto look = [&] {
        CHECK(lines_of(s.read()) == all);
        CHECK(lines_of(s.read(query{}.backwards())) == decltype(all){all.rbegin(), all.rend()});
        CHECK(lines_of(s.read(query{}.type("counted") | query{}.tag("no:1"))) == of_all_types);
        CHECK(lines_of(s.read(query{}.type("$compacted"))).empty());
        CHECK(lines_of(s.read(query{}.category("$compactions"))).empty());
        CHECK(lines_of(s.read(query{}.stream("$compactions"))).size() == 1);
        CHECK(s.streams() == std::vector<std::string>{"hall-1", "hall-2"});
        std::size_t listed = 0;
        for (const auto& each : s.list_streams())
            listed += each.name.starts_with("$") ? 1000U : 1U;
        CHECK(listed == 2);
    };
    look();
    s = stores.reopen(s);
    look();
    // Nor does it stand in the way of a condition on everything that comes later.
    auto request = to_stream("hall-1", {numbered(10)});
    request.conditions.push_back(no_event_matching{.matching = query{}, .after = position{9}});
    CHECK(s.append(request).is_appended());
    CHECK_THROWS_AS(
        static_cast<void>(s.append(to_stream("$compactions", {numbered(1)}))), everfold::error
    );
}
