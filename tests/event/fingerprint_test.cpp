// SPDX-License-Identifier: MIT
#include <everfold/event/fingerprint.hpp>
#include <everfold/json.hpp>

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <unordered_map>

namespace {

struct user {
    std::int64_t user_id{};
    std::string name{};
    std::optional<std::string> email{};
};

struct same_as_user {
    std::int64_t user_id = 7;
    std::string name = "default values do not count";
    std::optional<std::string> email{};
    static constexpr int constant = 1;
};

struct other_order {
    std::string name{};
    std::int64_t user_id{};
    std::optional<std::string> email{};
};

struct other_width {
    std::int32_t user_id{};
    std::string name{};
    std::optional<std::string> email{};
};

struct other_name {
    std::int64_t id{};
    std::string name{};
    std::optional<std::string> email{};
};

struct tree {
    int value{};
    std::vector<tree> children{};
};

struct two_trees {
    tree left{};
    tree right{};
};

enum class colour { red, green };

struct of_all_kinds {
    bool flag{};
    std::uint8_t small{};
    float narrow{};
    double wide{};
    everfold::byte_buffer bytes{};
    std::array<std::byte, 4> four{};
    everfold::uuid id{};
    everfold::timestamp at{};
    std::chrono::sys_days day{};
    std::chrono::milliseconds pause{};
    everfold::position where{};
    everfold::patch<int> change{};
    std::vector<bool> bits{};
    std::array<int, 3> three{};
    std::tuple<int, std::string> both{};
    std::set<int> set{};
    std::map<int, user> users{};
    std::unordered_map<std::string, colour> colours{};
    nlohmann::json any{};
    everfold::unknown_fields rest{};
};

} // namespace

using everfold::layout_fingerprint;
static_assert(same_as_user::constant == 1);

// These numbers are on disk: they must be the same with every compiler, today and later.
static_assert(layout_fingerprint<user>() == 0x943D5A44C0463B34U);
static_assert(layout_fingerprint<of_all_kinds>() == 0x37F185F594BC8E10U);
static_assert(layout_fingerprint<two_trees>() == 0xB3E63720C8E600B0U);

static_assert(layout_fingerprint<user>() == layout_fingerprint<same_as_user>());
static_assert(layout_fingerprint<user>() != layout_fingerprint<other_order>());
static_assert(layout_fingerprint<user>() != layout_fingerprint<other_width>());
static_assert(layout_fingerprint<user>() != layout_fingerprint<other_name>());
static_assert(layout_fingerprint<std::vector<int>>() != layout_fingerprint<std::set<int>>());
static_assert(layout_fingerprint<std::vector<int>>() == layout_fingerprint<std::vector<int>>());
static_assert(
    layout_fingerprint<std::chrono::seconds>() != layout_fingerprint<std::chrono::milliseconds>()
);
static_assert(
    layout_fingerprint<std::map<int, int>>() == layout_fingerprint<std::unordered_map<int, int>>()
);

TEST_CASE("the fingerprint of each layout is its own") {
    const std::set<std::uint64_t> all{
        layout_fingerprint<bool>(),
        layout_fingerprint<int>(),
        layout_fingerprint<unsigned>(),
        layout_fingerprint<std::int64_t>(),
        layout_fingerprint<float>(),
        layout_fingerprint<double>(),
        layout_fingerprint<std::string>(),
        layout_fingerprint<everfold::byte_buffer>(),
        layout_fingerprint<std::optional<int>>(),
        layout_fingerprint<everfold::patch<int>>(),
        layout_fingerprint<colour>(),
        layout_fingerprint<tree>(),
        layout_fingerprint<two_trees>(),
        layout_fingerprint<std::array<int, 2>>(),
        layout_fingerprint<std::array<int, 3>>(),
        layout_fingerprint<std::tuple<int, int>>(),
        layout_fingerprint<everfold::uuid>(),
        layout_fingerprint<everfold::timestamp>(),
        layout_fingerprint<everfold::position>()};
    CHECK(all.size() == 19);
}
