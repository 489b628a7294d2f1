// SPDX-License-Identifier: MIT
#include <everfold/json.hpp>

#include <doctest/doctest.h>

#include <cmath>

namespace {

everfold::byte_buffer cbor(const nlohmann::ordered_json& value) {
    everfold::byte_buffer bytes;
    everfold::cbor_from_json(value, bytes);
    return bytes;
}

doctest::String refusal(std::string_view text) {
    try {
        static_cast<void>(everfold::parse_json(text));
    } catch (const everfold::encoding_error& e) {
        return e.what();
    }
    return "was accepted";
}

} // namespace

TEST_CASE("JSON that an event can hold is read as it is, in its order") {
    for (const std::string text :
         {"null",
          "true",
          "0",
          "-1",
          "1.5",
          "\"\"",
          "[]",
          "{}",
          R"({"b":1,"a":[true,null,{"c":"d"}]})",
          "18446744073709551615",
          "-9223372036854775808",
          R"("ü€😀")",
          R"({"":{"":1}})",
          "1e+300"}) {
        CAPTURE(text);
        const auto value = everfold::parse_json(text);
        CHECK(value.dump() == text);
        const auto bytes = cbor(value);
        CHECK(everfold::json_from_cbor(bytes) == value);
        CHECK(everfold::json_text_from_cbor(bytes) == text);
        CHECK(nlohmann::json::from_cbor(bytes) == nlohmann::json(value));
    }
    CHECK(everfold::parse_json(" \n[ 1 , 2 ]\t") == nlohmann::ordered_json{1, 2});
    CHECK(everfold::parse_json(R"("\u00e4\ud83d\ude00")") == "ä😀");
    CHECK(everfold::parse_json("1E2").is_number_float());
    CHECK(everfold::parse_json("-0").is_number_integer());
}

TEST_CASE("JSON that an event can't hold is refused with its place") {
    CHECK(refusal(R"({"a":1,"b":2,"a":3})") == "the key \"a\" comes twice (at byte 16)");
    CHECK(refusal(R"([{"x":{"a":1,"a":1}}])") == doctest::Contains("comes twice"));
    CHECK(refusal("18446744073709551616") == doctest::Contains("does not fit in 64 bits"));
    CHECK(refusal("[-9223372036854775809]") == doctest::Contains("does not fit in 64 bits"));
    CHECK(
        refusal("123456789012345678901234567890") == doctest::Contains("does not fit in 64 bits")
    );
    CHECK(refusal("1e400") == doctest::Contains("not JSON"));
    for (const std::string text :
         {"",       " ",           "nul",      "NaN",          "Infinity",
          "[1,]",   "{\"a\"}",     "{a:1}",    "01",           "+1",
          "1.",     ".5",          "[1",       "\"",           "\"\\x\"",
          "'a'",    "1 2",         "{} x",     "[]]",          "// c\n1",
          "\"\n\"", "\"\\ud800\"", "\"\xFF\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
          "\xFF"}) {
        CAPTURE(text);
        CHECK(refusal(text) == doctest::Contains("not JSON"));
    }
    CHECK(refusal(std::string(64, '[') + std::string(64, ']')) == "was accepted");
    CHECK(
        refusal(std::string(65, '[') + std::string(65, ']')) ==
        "more than 64 levels of arrays and objects (at byte 65)"
    );
    CHECK(refusal(std::string(1'000'000, '[')) == doctest::Contains("64 levels"));
}

TEST_CASE("the place of a syntax error is where it is") {
    try {
        static_cast<void>(everfold::parse_json("[1, x]"));
        FAIL_CHECK("was accepted");
    } catch (const everfold::encoding_error& e) {
        CHECK(e.at() == 4);
    }
}

TEST_CASE("bytes survive JSON values and are readable as JSON text") {
    const auto value = nlohmann::ordered_json{{"data", nlohmann::ordered_json::binary({1, 255})}};
    const auto bytes = cbor(value);
    CHECK(everfold::json_from_cbor(bytes) == value);
    CHECK(everfold::json_text_from_cbor(bytes) == R"({"data":"0x01ff"})");
    CHECK_THROWS_AS(
        static_cast<void>(cbor(nlohmann::ordered_json::binary({1}, 7))), everfold::encoding_error
    );
}

TEST_CASE("what is not a number in JSON is null in its text") {
    CHECK(
        everfold::json_text_from_cbor(cbor({{"x", std::nan("")}, {"y", -INFINITY}})) ==
        R"({"x":null,"y":null})"
    );
    CHECK(std::isnan(everfold::json_from_cbor(cbor(std::nan(""))).get<double>()));
}

TEST_CASE("malformed bytes become no JSON") {
    for (const std::string hex :
         {"", "a1", "a1616100ff", "a2616100616100", "61ff", "c000", "1817"}) {
        CAPTURE(hex);
        everfold::byte_buffer bytes;
        for (std::string_view digits{hex}; !digits.empty(); digits.remove_prefix(2))
            bytes.push_back(
                static_cast<std::byte>(std::stoi(std::string{digits.substr(0, 2)}, nullptr, 16))
            );
        CHECK_THROWS_AS(
            static_cast<void>(everfold::json_from_cbor(bytes)), everfold::encoding_error
        );
        CHECK_THROWS_AS(
            static_cast<void>(everfold::json_text_from_cbor(bytes)), everfold::encoding_error
        );
    }
}

TEST_CASE("text that is not UTF-8 leaves the buffer as it was") {
    everfold::byte_buffer bytes(2);
    CHECK_THROWS_AS(
        everfold::cbor_from_json(nlohmann::ordered_json{1, "\xFF"}, bytes), everfold::encoding_error
    );
    CHECK_THROWS_AS(
        everfold::cbor_from_json(nlohmann::ordered_json{{"\xFF", 1}}, bytes),
        everfold::encoding_error
    );
    CHECK(bytes.size() == 2);
}

TEST_CASE("a typed value and its JSON stand for each other") {
    struct opened {
        std::string owner{};
        nlohmann::ordered_json details{};

        bool operator==(const opened&) const = default;
    };
    const opened e{"ada", {{"z", 1}, {"a", {true, nullptr}}}};
    const auto json = everfold::json_of(e);
    CHECK(json.dump() == R"({"owner":"ada","details":{"z":1,"a":[true,null]}})");
    CHECK(everfold::value_from_json<opened>(json) == e);
    CHECK_THROWS_WITH_AS(
        static_cast<void>(everfold::value_from_json<opened>({{"owner", 1}})),
        doctest::Contains("owner: expected text"),
        everfold::encoding_error
    );
}

TEST_CASE("a large object is read in proportion to its size") {
    std::string text = "{";
    for (int i = 0; i < 50'000; ++i)
        text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + std::to_string(i);
    text += '}';
    const auto value = everfold::parse_json(text);
    CHECK(value.size() == 50'000);
    CHECK(everfold::json_text_from_cbor(cbor(value)) == text);
    CHECK(everfold::json_from_cbor(cbor(value)).size() == 50'000);
}
