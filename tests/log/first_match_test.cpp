// SPDX-License-Identifier: MIT
// What a condition of an append costs: the events behind it, not the log.

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

TEST_CASE("what a condition looks at is what lies behind it in its shortest list") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto machine = io::simulated_machine(disk);
    auto options = small_log();
    options.level = durability::os();
    const auto l = log::event_log::open(machine, "/log", options);
    constexpr std::uint64_t count = 20'000;
    for (std::uint64_t i = 0; i < count; ++i)
        append_texts(
            *l, "s" + std::to_string(i % 10), {"x"}, {"all:1", "one:" + std::to_string(i)}
        );
    const auto& index = l->index();
    REQUIRE(index.segments().size() > 2);
    const auto ask = [&](log::selection_item item, std::uint64_t from) {
        std::uint64_t looked_at = 0;
        const auto found =
            index.first_match({std::move(item)}, position{from}, index.end(), &looked_at);
        return std::pair{found, looked_at};
    };
    log::selection_item rare{.tags = {"all:1", "one:7"}};
    const auto all = ask(rare, 0);
    CHECK(all.first == position{7});
    CHECK(all.second == 1);
    const auto none_behind = ask(rare, 8);
    CHECK_FALSE(none_behind.first.has_value());
    CHECK(none_behind.second == 0);
    const auto near_the_end = ask({.types = {"noted"}, .tags = {"all:1"}}, count - 5);
    CHECK(near_the_end.first == position{count - 5});
    CHECK(near_the_end.second <= 5);
    const auto never_together =
        ask({.tags = {"all:1", "one:3", "one:" + std::to_string(count - 1)}}, 0);
    CHECK_FALSE(never_together.first.has_value());
    CHECK(never_together.second <= 1);
    const auto of_stream =
        ask({.streams = log::selection_item::stream_names{.exact = {"s3"}}, .types = {"noted"}},
            count - 20);
    CHECK(of_stream.first == position{count - 17});
    CHECK(of_stream.second <= 2);
}

TEST_CASE("the first match is the one that a walk finds first") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto machine = io::simulated_machine(disk);
    const auto l =
        log::event_log::open(machine, "/log", small_log(log::access::create, 4096 + 2000));
    for (std::uint64_t i = 0; i < 300; ++i)
        append_texts(
            *l,
            (i % 3 == 0 ? "user-" : "order-") + std::to_string(i % 7),
            {"x"},
            {"a:" + std::to_string(i % 11), "b:" + std::to_string(i % 13)}
        );
    const auto& index = l->index();
    for (std::uint64_t from = 0; from < 300; from += 7) {
        for (std::uint64_t k = 0; k < 13; ++k) {
            std::vector<log::selection_item> items(1);
            items[0].tags.push_back("b:" + std::to_string(k));
            if (k % 2 == 0)
                items[0].streams = log::selection_item::stream_names{{}, {"user-"}};
            if (k % 3 == 0)
                items.push_back({.tags = {"a:" + std::to_string(k % 11), "b:4"}});
            const position to{from + 5 * k};
            log::selection wanted{.items = items, .from = position{from}};
            if (to > wanted.from)
                wanted.to = position{to.value() - 1};
            log::log_cursor cursor{index, wanted};
            const auto* event = to > wanted.from ? cursor.next() : nullptr;
            const auto expected = event == nullptr ? std::nullopt : std::optional{event->at};
            const auto found = index.first_match(items, position{from}, to);
            CAPTURE(from);
            CAPTURE(k);
            CHECK(found == expected);
        }
    }
}
