// SPDX-License-Identifier: MIT
// What the index of a growing segment is made of: names by number, and short lists of events.

#include <everfold/log/names.hpp>
#include <everfold/log/short_list.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace everfold::log;

namespace {

std::string name(std::uint32_t i) {
    // Longer than a chunk of the first ones now and then, and empty once.
    return i == 0 ? std::string{}
                  : "n" + std::to_string(i) + std::string(i % 97 == 0 ? i % 1024 : 0, 'x');
}

} // namespace

TEST_CASE("each name keeps its number and its text while a table grows and is moved") {
    constexpr std::uint32_t count = 20'000;
    name_table names;
    std::vector<std::string_view> seen;
    for (std::uint32_t i = 0; i < count; ++i) {
        REQUIRE(!names.find(name(i)));
        REQUIRE(names.intern(name(i)) == i);
        seen.push_back(names.text(i));
    }
    const auto moved = std::move(names);
    CHECK(moved.size() == count);
    for (std::uint32_t i = 0; i < count; ++i) {
        REQUIRE(moved.find(name(i)) == i);
        REQUIRE(moved.text(i) == name(i));
        REQUIRE(seen[i].data() == moved.text(i).data());
    }
    CHECK(!moved.find("n"));
}

TEST_CASE("numbers of one hash are told apart by what they stand for") {
    number_slots slots;
    for (std::uint32_t i = 0; i < 100; ++i)
        slots.add(7 + (std::uint64_t{i} << 40U), i);
    for (std::uint32_t i = 0; i < 100; ++i)
        CHECK(slots.find(7, [&](std::uint32_t n) { return n == i; }) == i);
    CHECK(!slots.find(7, [](std::uint32_t n) { return n == 100; }));
    CHECK(!slots.find(8, [](std::uint32_t) { return true; }));
}

TEST_CASE("a short list holds what was put into it, however long it becomes") {
    std::vector<short_list> lists(3);
    std::vector<std::uint32_t> expected;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        lists[1].push_back(i * 3);
        expected.push_back(i * 3);
        REQUIRE(lists[1].back() == i * 3);
        if (i % 100 == 0)
            lists.emplace_back(); // which moves them
    }
    const auto view = lists[1].view();
    CHECK(std::vector<std::uint32_t>(view.begin(), view.end()) == expected);
    CHECK(lists[0].empty());
    CHECK(lists[2].size() == 0);
}
