// SPDX-License-Identifier: MIT
// The canonical text of values; digests.py compares it with Python's.

#include <canonical.hpp>
#include <doctest/doctest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace {

std::string text_of(double value) {
    return users::canonical_json(nlohmann::json(value));
}

std::string in_style(const nlohmann::ordered_json& value, const users::json_style& style) {
    std::string out;
    users::append_json(out, value, style);
    return out;
}

} // namespace

TEST_CASE("a float is spelled as Python spells it") {
    const std::vector<std::pair<double, std::string>> spelled{
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {100.0, "100.0"},
        {123456.789, "123456.789"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-05"},
        {0.000012345, "1.2345e-05"},
        {1e15, "1000000000000000.0"},
        {9999999999999998.0, "9999999999999998.0"},
        {1e16, "1e+16"},
        {1.5e16, "1.5e+16"},
        {1e22, "1e+22"},
        {1e100, "1e+100"},
        {1e-100, "1e-100"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    for (const auto& [value, text] : spelled) {
        CAPTURE(text);
        CHECK(text_of(value) == text);
    }
}

TEST_CASE("a float's text reads back as the same float") {
    std::uint64_t seed = 20240101;
    CAPTURE(seed);
    auto bits = seed;
    for (int i = 0; i < 20'000; ++i) {
        bits = bits * 6364136223846793005U + 1442695040888963407U;
        const auto value = std::bit_cast<double>(bits ^ (bits >> 29U));
        if (!std::isfinite(value))
            continue;
        const auto text = text_of(value);
        CAPTURE(text);
        double back{};
        std::from_chars(text.data(), text.data() + text.size(), back);
        REQUIRE(std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(value));
    }
}

TEST_CASE("integers keep all of their 64 bits") {
    CHECK(
        users::canonical_json(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808"
    );
    CHECK(
        users::canonical_json(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615"
    );
}

TEST_CASE("text is escaped where JSON must and nowhere else") {
    CHECK(
        users::canonical_json(std::string("\"\\/\b\f\n\r\t\0\x1f\x7f", 11)) ==
        "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\""
    );
    CHECK(users::canonical_json("Zo\u00eb \u5c71 \U0001F600") == "\"Zo\u00eb \u5c71 \U0001F600\"");
    CHECK(
        in_style("Zo\u00eb \U0001F600\x7f", users::tutorial_style) ==
        "\"Zo\\u00eb \\ud83d\\ude00\\u007f\""
    );
}

TEST_CASE("the canonical form sorts keys by code point and has no blanks") {
    const auto value = nlohmann::json::parse(
        "{\"b\": [1, {}, []], \"\U0001F600\": null, \"\uffff\": true, \"B\": {\"z\": 1, \"a\": 2}}"
    );
    CHECK(
        users::canonical_json(value) ==
        "{\"B\":{\"a\":2,\"z\":1},\"b\":[1,{},[]],\"\uffff\":true,\"\U0001F600\":null}"
    );
}

TEST_CASE("the tutorial's form keeps the order of the fields") {
    const auto value = nlohmann::ordered_json::parse(R"({"b":1,"a":[1,2]})");
    CHECK(in_style(value, users::tutorial_style) == R"({"b": 1, "a": [1, 2]})");
}

TEST_CASE("a user has the canonical fields, and an absent phone is none of them") {
    users::user u{.user_id = 7, .name = "Ada", .created_at = 1704067200000};
    CHECK(
        users::canonical_json(u) ==
        R"({"created_at":1704067200000,"email":null,"name":"Ada","user_id":7})"
    );
    u.phone = nullptr;
    u.name.reset();
    everfold::cbor_from_json(nlohmann::json(1.0), u.other["created_at"]);
    CHECK(
        users::canonical_json(u) ==
        R"({"created_at":1.0,"email":null,"name":null,"phone":null,"user_id":7})"
    );
}

TEST_CASE("sha256 is that of the standard, however the bytes come") {
    users::sha256 whole;
    whole.update("abc");
    users::sha256 pieces;
    for (const auto* piece : {"a", "", "bc"})
        pieces.update(piece);
    const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    CHECK(whole.finish() == abc);
    CHECK(pieces.finish() == abc);
    CHECK(
        users::state_digest({}) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

TEST_CASE("a change of the users is told by user and field, and 1 differs from 1.0") {
    const auto state_of = [](std::int64_t id, std::string_view other) {
        users::user u{.user_id = id, .name = "Ada"};
        const auto fields = nlohmann::ordered_json::parse(other);
        for (const auto& [name, value] : fields.items())
            everfold::cbor_from_json(value, u.other[name]);
        users::user_directory out;
        out.users[id] = u;
        return out;
    };
    const auto before = state_of(1, R"({"a":1,"b":2,"c":[1]})");
    const auto after = state_of(1, R"({"a":1.0,"c":[1],"d":null})");
    CHECK(
        users::changes_between(before, after) ==
        std::vector<everfold::state_change>{
            {"/1/a", "1", "1.0"}, {"/1/b", "2", ""}, {"/1/d", "", "null"}}
    );
    CHECK(users::changes_between(after, after).empty());
    const auto come = users::changes_between({}, state_of(2, "{}"));
    REQUIRE(come.size() == 1);
    CHECK(come[0].path == "/2");
    CHECK(come[0].after == R"({"created_at":0,"email":null,"name":"Ada","user_id":2})");
    CHECK(users::changes_between(state_of(2, "{}"), {})[0].before == come[0].after);
    CHECK(users::object_of(after, 7) == nlohmann::json::object());

    // As deep as an event may be.
    std::string deep(60, '[');
    deep += std::string(60, ']');
    const auto nested = users::changes_between(before, state_of(1, R"({"deep":)" + deep + "}"));
    CHECK(nested.back().path == "/1/deep");
}
