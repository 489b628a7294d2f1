// SPDX-License-Identifier: MIT
#include <everfold/event/codec.hpp>
#include <everfold/event/json_text.hpp>
#include <everfold/event/patch.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

struct user_updated {
    std::int64_t user_id{};
    everfold::patch<std::string> name{};
    everfold::patch<std::string> email{};
    everfold::patch<int> age{};

    friend bool operator==(const user_updated&, const user_updated&) = default;
};

std::string json(const user_updated& e) {
    everfold::byte_buffer bytes;
    everfold::encode(e, bytes);
    CHECK(everfold::decode_as<user_updated>(bytes) == e);
    return everfold::json_text_from_cbor(bytes);
}

} // namespace

TEST_CASE("a patch is absent, null or a value, and these three differ") {
    const everfold::patch<int> absent{};
    const everfold::patch<int> null = nullptr;
    const everfold::patch<int> zero = 0;
    CHECK(absent.is_absent());
    CHECK_FALSE(absent.is_null());
    CHECK(null.is_null());
    CHECK_FALSE(null.is_absent());
    CHECK(zero.has_value());
    CHECK(*zero == 0);
    CHECK(absent != null);
    CHECK(null != zero);
    CHECK(zero == everfold::patch<int>{0});
}

TEST_CASE("assigning changes between the three") {
    everfold::patch<std::string> p;
    p = "text";
    CHECK(p.value() == "text");
    CHECK(p->size() == 4);
    p = nullptr;
    CHECK(p.is_null());
    CHECK_FALSE(p.has_value());
    p = std::string{"again"};
    CHECK_FALSE(p.is_null());
    p.reset();
    CHECK(p.is_absent());
}

TEST_CASE("applying leaves, clears or sets") {
    std::optional<std::string> email = "old";
    everfold::patch<std::string>{}.apply_to(email);
    CHECK(email == "old");
    everfold::patch<std::string>{"new"}.apply_to(email);
    CHECK(email == "new");
    everfold::patch<std::string>{nullptr}.apply_to(email);
    CHECK_FALSE(email.has_value());

    int age = 4;
    everfold::patch<int>{}.apply_to(age);
    CHECK(age == 4);
    everfold::patch<int>{5}.apply_to(age);
    CHECK(age == 5);
    everfold::patch<int>{nullptr}.apply_to(age);
    CHECK(age == 0);
}

TEST_CASE("an absent patch is not written, a null one is") {
    CHECK(json({.user_id = 1}) == R"({"user_id":1})");
    CHECK(json({.user_id = 1, .email = nullptr}) == R"({"user_id":1,"email":null})");
    CHECK(json({.user_id = 1, .name = "A", .age = 3}) == R"({"user_id":1,"name":"A","age":3})");
}

TEST_CASE("a copy of a patch without a value takes along nothing of an old one") {
    everfold::patch<std::vector<int>> reused{std::vector<int>(1000)};
    reused.reset();
    auto copy = reused;
    CHECK(copy.make_value().empty());
    everfold::patch<std::vector<int>> assigned{std::vector<int>{1}};
    reused.set_null();
    assigned = reused;
    CHECK(assigned.is_null());
    CHECK(assigned == reused);
    CHECK(assigned != copy);
    reused = std::vector<int>{2};
    assigned = reused;
    CHECK(assigned.value() == std::vector<int>{2});
}

TEST_CASE("a reused patch forgets what it held") {
    user_updated reused{.user_id = 9, .name = "kept?", .email = nullptr, .age = 1};
    everfold::byte_buffer bytes;
    everfold::encode(user_updated{.user_id = 1, .age = nullptr}, bytes);
    everfold::decode(bytes, reused);
    CHECK(reused == user_updated{.user_id = 1, .age = nullptr});
}
