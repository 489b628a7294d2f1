// SPDX-License-Identifier: MIT
#include <everfold/event/codec.hpp>
#include <everfold/event/json_text.hpp>
#include <everfold/json.hpp>

#include <doctest/doctest.h>

#include <deque>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace {

using namespace std::chrono_literals;
using days_time = std::chrono::sys_days;
using millisecond_time = std::chrono::sys_time<std::chrono::milliseconds>;
using nanosecond_time = std::chrono::sys_time<std::chrono::nanoseconds>;

template <class T>
std::string json(const T& value) {
    everfold::byte_buffer bytes;
    everfold::encode(value, bytes);
    CHECK_NOTHROW(everfold::validate_item(bytes));
    CHECK(everfold::decode_as<T>(bytes) == value);
    return everfold::json_text_from_cbor(bytes);
}

everfold::byte_buffer cbor(std::string_view json_text) {
    everfold::byte_buffer bytes;
    everfold::cbor_from_json(everfold::parse_json(json_text), bytes);
    return bytes;
}

template <class T>
T read(std::string_view json_text) {
    return everfold::decode_as<T>(cbor(json_text));
}

template <class T>
doctest::String message(std::string_view json_text) {
    try {
        static_cast<void>(read<T>(json_text));
    } catch (const everfold::encoding_error& e) {
        return e.what();
    }
    return "was read";
}

struct user_created {
    static constexpr std::string_view event_type = "user_created";
    std::int64_t user_id{};
    std::string name{};
    std::optional<std::string> email{};

    friend bool operator==(const user_created&, const user_created&) = default;
};

struct address {
    std::string street = "none";
    std::uint8_t number = 1;

    friend bool operator==(const address&, const address&) = default;
};

struct customer {
    std::string name{};
    std::vector<address> addresses{};
    std::map<int, std::string> notes{};
    std::optional<address> home = address{};
    std::array<std::int16_t, 2> place{1, 2};

    friend bool operator==(const customer&, const customer&) = default;
};

struct tree {
    int value{};
    std::vector<tree> children{};

    friend bool operator==(const tree&, const tree&) = default;
};

struct money {
    std::int64_t cents{};

    friend bool operator==(money, money) = default;
};

struct careless {};

enum class level : std::int8_t { low = -1, high = 1 };
enum class colour { red, green, blue };

struct empty {
    friend bool operator==(empty, empty) = default;
};

} // namespace

template <>
struct everfold::codec<money> {
    static constexpr std::string_view wire = "money/text";

    static void encode(const money& value, cbor_writer& out) {
        out.write_text(std::to_string(value.cents) + "c");
    }

    static void decode(cbor_reader& in, money& into) {
        const auto at = in.at();
        const auto text = in.read_text();
        if (!text.ends_with('c'))
            in.fail_at(at, "not an amount of money");
        into.cents = std::stoll(std::string{text});
    }
};

template <>
struct everfold::codec<careless> {
    static constexpr std::string_view wire = "two items";

    static void encode(careless, cbor_writer& out) {
        out.write_null();
        out.write_null();
    }

    static void decode(cbor_reader&, careless&) {}
};

template <>
struct everfold::describe<colour> {
    static constexpr auto names =
        std::array{everfold::named("red", colour::red), everfold::named("green", colour::green)};
};

TEST_CASE("the worked example of the documentation is what is written") {
    everfold::byte_buffer bytes;
    everfold::encode(user_created{.user_id = 123, .name = "Alice"}, bytes);
    CHECK(everfold::to_hex(bytes) == "a367757365725f6964187b646e616d6565416c69636565656d61696cf6");
    CHECK(everfold::json_text_from_cbor(bytes) == R"({"user_id":123,"name":"Alice","email":null})");
}

TEST_CASE("every type of the table has its form and comes back equal") {
    CHECK(json(true) == "true");
    CHECK(json(std::int8_t{-128}) == "-128");
    CHECK(json(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(json(1.5F) == "1.5");
    CHECK(json(0.1) == "0.1");
    CHECK(json(5.0) == "5.0");
    CHECK(json(std::string{"\"ü\n\x01"}) == R"("\"ü\n\u0001")");
    CHECK(json(everfold::byte_buffer{std::byte{1}, std::byte{0xFF}}) == R"("0x01ff")");
    CHECK(json(std::array<std::byte, 2>{std::byte{2}}) == R"("0x0200")");
    CHECK(json(std::byte{200}) == "200");
    CHECK(json(level::low) == "-1");
    CHECK(json(colour::green) == R"("green")");
    CHECK(json(std::optional<int>{}) == "null");
    CHECK(json(std::optional<int>{4}) == "4");
    CHECK(json(std::vector<bool>{true, false}) == "[true,false]");
    CHECK(json(std::deque<int>{1, 2}) == "[1,2]");
    CHECK(json(std::list<std::string>{"a"}) == R"(["a"])");
    CHECK(json(std::array<int, 3>{1, 2, 3}) == "[1,2,3]");
    CHECK(json(std::pair{1, std::string{"x"}}) == R"([1,"x"])");
    CHECK(json(std::tuple{true, 2, std::string{"x"}}) == R"([true,2,"x"])");
    CHECK(json(std::set<int>{3, -1}) == "[-1,3]");
    CHECK(json(std::unordered_set<int>{9, 8, 7, 100, -5}) == "[-5,7,8,9,100]");
    CHECK(json(std::map<std::string, int>{{"b", 1}, {"a", 2}}) == R"({"a":2,"b":1})");
    CHECK(json(everfold::position{12}) == "12");
    CHECK(json(everfold::revision{0}) == "0");
    CHECK(
        json(*everfold::uuid::parse("01234567-89ab-cdef-0123-456789abcdef")) ==
        R"("01234567-89ab-cdef-0123-456789abcdef")"
    );
    CHECK(json(250ms) == "250");
    CHECK(json(std::chrono::duration<double>{0.5}) == "0.5");
    CHECK(json(empty{}) == "{}");
    CHECK(
        json(tree{1, {{2, {}}, {3, {{4, {}}}}}}) ==
        R"({"value":1,"children":[{"value":2,"children":[]},{"value":3,"children":[{"value":4,"children":[]}]}]})"
    );
    CHECK(json(money{250}) == R"("250c")");
    CHECK(json(nlohmann::ordered_json{{"b", 1}, {"a", nullptr}}) == R"({"b":1,"a":null})");
    CHECK(json(nlohmann::json{{"b", 1}, {"a", {1.5, "x"}}}) == R"({"a":[1.5,"x"],"b":1})");
}

TEST_CASE("keys that are not text are written as text, in the order of the keys") {
    CHECK(json(std::map<int, int>{{10, 1}, {9, 2}, {-1, 3}}) == R"({"-1":3,"9":2,"10":1})");
    CHECK(
        json(std::unordered_map<int, int>{{10, 1}, {9, 2}, {-1, 3}}) == R"({"-1":3,"9":2,"10":1})"
    );
    CHECK(json(std::map<level, int>{{level::low, 1}}) == R"({"-1":1})");
    CHECK(
        json(std::map<colour, int>{{colour::green, 1}, {colour::red, 2}}) ==
        R"({"red":2,"green":1})"
    );
    CHECK(
        json(std::map<everfold::position, bool>{{everfold::position{7}, true}}) == R"({"7":true})"
    );
    CHECK(json(std::map<days_time, int>{{days_time{}, 1}}) == R"({"1970-01-01T00:00:00.000Z":1})");
    CHECK(
        json(std::map<everfold::uuid, int>{{everfold::uuid{}, 1}}) ==
        R"({"00000000-0000-0000-0000-000000000000":1})"
    );

    using numbered = std::map<int, int>;
    CHECK(
        message<numbered>(R"({"07":1})") ==
        "the key \"07\" is not a number of the key's type (at byte 1)"
    );
    for (const std::string key : {"", "+1", "-0", "1 ", "0x1", "99999999999", "a"}) {
        CAPTURE(key);
        CHECK(
            message<numbered>(std::string{R"({")"} + key + R"(":1})") ==
            doctest::Contains("not a number")
        );
    }
    CHECK(
        message<std::map<everfold::uuid, int>>(R"({"00000000-0000-0000-0000-00000000000A":1})") ==
        doctest::Contains("not in the form")
    );
    CHECK(
        message<std::map<days_time, int>>(R"({"1970-01-01T00:00:00Z":1})") ==
        doctest::Contains("not in the form")
    );
}

TEST_CASE("times are exact, readable and say their unit") {
    CHECK(json(millisecond_time{1706693400250ms}) == R"("2024-01-31T09:30:00.250Z")");
    CHECK(json(nanosecond_time{1ns}) == R"("1970-01-01T00:00:00.000000001Z")");
    CHECK(json(nanosecond_time{-1ns}) == R"("1969-12-31T23:59:59.999999999Z")");
    CHECK(json(nanosecond_time::min()) == R"("1677-09-21T00:12:43.145224192Z")");
    CHECK(json(nanosecond_time::max()) == R"("2262-04-11T23:47:16.854775807Z")");
    CHECK(json(millisecond_time::max()) == R"("@9223372036854775807")");
    CHECK(json(millisecond_time::min()) == R"("@-9223372036854775808")");
    CHECK(json(std::chrono::sys_seconds{-1s}) == R"("1969-12-31T23:59:59.000Z")");
    CHECK(json(days_time{std::chrono::days{19000}}) == R"("2022-01-08T00:00:00.000Z")");
    CHECK(json(everfold::timestamp{1, 500}) == R"("1970-01-01T00:00:01.000000500Z")");

    using limit = std::numeric_limits<std::int64_t>;
    for (const auto seconds :
         {limit::min(),
          limit::min() + 1,
          limit::max(),
          std::int64_t{-62'167'219'201},
          std::int64_t{-62'167'219'200},
          std::int64_t{253'402'300'799},
          std::int64_t{253'402'300'800}})
        for (const auto nanoseconds : {0U, 1U, 999'999'999U, 250'000'000U}) {
            CAPTURE(seconds);
            CAPTURE(nanoseconds);
            static_cast<void>(json(everfold::timestamp{seconds, nanoseconds}));
        }

    CHECK(
        read<millisecond_time>(R"("2024-01-31T10:30:00.25+01:00")") ==
        millisecond_time{1706693400250ms}
    );
    CHECK(
        message<millisecond_time>(R"("2024-01-31T09:30:00.000001Z")") ==
        doctest::Contains("finer or further away")
    );
    CHECK(
        message<days_time>(R"("2024-01-31T09:30:00Z")") ==
        doctest::Contains("finer or further away")
    );
    CHECK(
        message<nanosecond_time>(R"("3000-01-01T00:00:00Z")") ==
        doctest::Contains("finer or further away")
    );
    CHECK(message<millisecond_time>("5") == "expected text, found an integer (at byte 0)");
    CHECK(message<everfold::timestamp>(R"("soon")") == "\"soon\" is not a time (at byte 0)");
    for (const std::string bad :
         {"@",
          "@-",
          "@1.5",
          "@1000.0000001",
          "@0999.000001",
          "@1000.",
          "@99999999999999999999999.000001"}) {
        CAPTURE(bad);
        CHECK(
            message<everfold::timestamp>('"' + std::string{bad} + '"') ==
            doctest::Contains("is not a time")
        );
    }
}

TEST_CASE("bytes are also read from the JSON view of them") {
    using pair = std::array<std::byte, 2>;
    CHECK(
        read<everfold::byte_buffer>(R"("0x01Ff")") ==
        everfold::byte_buffer{std::byte{1}, std::byte{0xFF}}
    );
    CHECK(read<everfold::byte_buffer>(R"("0x")").empty());
    CHECK(read<pair>(R"("0x0102")") == pair{std::byte{1}, std::byte{2}});
    CHECK(message<everfold::byte_buffer>(R"("01ff")") == doctest::Contains("expected bytes"));
    CHECK(message<everfold::byte_buffer>(R"("0x1")") == doctest::Contains("expected bytes"));
    CHECK(message<pair>(R"("0x01")") == "expected 2 bytes, found 1 (at byte 0)");
    CHECK(message<everfold::byte_buffer>("[1,2]") == "expected bytes, found an array (at byte 0)");
}

TEST_CASE("fields may come in any order, be missing or be null where they are optional") {
    const user_created expected{.user_id = 1, .name = "A", .email = "a@b"};
    CHECK(read<user_created>(R"({"email":"a@b","name":"A","user_id":1})") == expected);
    CHECK(read<user_created>(R"({"user_id":1,"email":"a@b","name":"A"})") == expected);
    CHECK(
        read<user_created>(R"({"x":0,"user_id":1,"y":{},"name":"A","z":[],"email":"a@b"})") ==
        expected
    );
    CHECK(read<user_created>("{}") == user_created{});
    CHECK(read<user_created>(R"({"email":null})") == user_created{});
    CHECK(read<address>("{}") == address{"none", 1});
    CHECK(read<address>(R"({"number":2})") == address{"none", 2});
    CHECK_FALSE(read<customer>("{}").home.has_value()); // absent and null read alike
    CHECK(read<customer>("{}").place == std::array<std::int16_t, 2>{1, 2});
}

TEST_CASE("a message names the path of the field") {
    CHECK(
        message<user_created>(R"({"user_id":1,"name":5})") ==
        "user_created.name: expected text, found an integer (at byte 15)"
    );
    CHECK(
        message<user_created>(R"({"user_id":null})") ==
        "user_created.user_id: expected an integer, found null (at byte 9)"
    );
    CHECK(
        message<user_created>("[]") == "user_created: expected a map, found an array (at byte 0)"
    );
    CHECK(
        message<customer>(R"({"name":"","addresses":[{},{"number":256}]})") ==
        doctest::Contains("addresses[1].number: the integer does not fit in 8 bits")
    );
    CHECK(
        message<customer>(R"({"place":[1]})") ==
        "place: expected an array of 2, found one of 1 (at byte 7)"
    );
    CHECK(
        message<customer>(R"({"notes":{"1":"","1 ":""}})") == doctest::Contains("notes: the key")
    );
    CHECK(
        message<std::pair<int, int>>("[1,2,3]") ==
        "expected an array of 2, found one of 3 (at byte 0)"
    );
    CHECK(message<std::set<int>>("[1,2,1]") == "[2]: an element of a set comes twice (at byte 3)");
    CHECK(
        message<colour>(R"("mauve")") ==
        "\"mauve\" is not the name of a value of this enumeration (at byte 0)"
    );
    CHECK(
        message<std::vector<money>>(R"(["1c","2"])") == "[1]: not an amount of money (at byte 4)"
    );
    CHECK(message<float>("1e300") == "the number is too large for a float (at byte 0)");
    CHECK(message<everfold::uuid>(R"("1")") == "\"1\" is not a uuid (at byte 0)");
}

TEST_CASE("what can't be written is refused with its path, and the buffer stays as it was") {
    everfold::byte_buffer bytes(1, std::byte{9});
    const auto refused = [&](const auto& value) -> doctest::String {
        try {
            everfold::encode(value, bytes);
        } catch (const everfold::encoding_error& e) {
            CHECK(bytes == everfold::byte_buffer(1, std::byte{9}));
            return e.what();
        }
        return "was written";
    };
    CHECK(
        refused(user_created{.name = "\xFF"}) ==
        "user_created.name: the text \"\\xff\" is not UTF-8 (at byte 15)"
    );
    CHECK(
        refused(std::vector<colour>{colour::red, colour::blue}) ==
        doctest::Contains("[1]: a value of an enumeration that has no name")
    );
    CHECK(
        refused(std::vector<careless>(1)) == doctest::Contains("did not write one well-formed item")
    );
    tree deep{};
    for (int i = 0; i < 32; ++i)
        deep = tree{0, {deep}};
    CHECK(refused(deep) == doctest::Contains("more than 64 levels"));
}

TEST_CASE("a field that comes twice is refused, wherever it stands") {
    for (const auto& names :
         {std::array{"user_id", "user_id"}, std::array{"name", "name"}, std::array{"x", "x"}}) {
        everfold::byte_buffer bytes;
        everfold::cbor_writer writer{bytes};
        writer.begin_map(3);
        for (const auto* name : {names[0], "email", names[1]}) {
            writer.write_text(name);
            if (name == std::string_view{"user_id"})
                writer.write_integer(1);
            else
                writer.write_text("t");
        }
        writer.finish();
        CHECK_THROWS_WITH_AS(
            static_cast<void>(everfold::decode_as<user_created>(bytes)),
            doctest::Contains("comes twice"),
            everfold::encoding_error
        );
    }
}

TEST_CASE("a reused object keeps memory but no value") {
    customer reused{
        "long name that is on the heap",
        {{"a", 1}, {"b", 2}, {"c", 3}},
        {{1, "x"}},
        address{"h", 4},
        {5, 6}};
    const auto* memory = reused.addresses.data();
    const customer next{"n", {{"d", 4}}, {{2, "y"}}, {}, {7, 8}};
    everfold::byte_buffer bytes;
    everfold::encode(next, bytes);
    everfold::decode(bytes, reused);
    CHECK(reused == next);
    CHECK(reused.addresses.data() == memory);

    reused = customer{"n", {{"a", 9}}, {{1, "x"}}, address{"h", 4}, {5, 6}};
    everfold::decode(cbor(R"({"addresses":[{}]})"), reused);
    CHECK(reused == customer{"", {{"none", 1}}, {}, {}, {1, 2}});
}

TEST_CASE("a length that promises more than there is allocates nothing") {
    // An array of 2^32-1 elements that is cut off, and a map of as many.
    for (const auto lead : {0x9A, 0xBA}) {
        everfold::byte_buffer bytes{
            static_cast<std::byte>(lead),
            std::byte{0xFF},
            std::byte{0xFF},
            std::byte{0xFF},
            std::byte{0xFF},
            std::byte{0}};
        CHECK_THROWS_AS(
            static_cast<void>(everfold::decode_as<std::vector<customer>>(bytes)),
            everfold::encoding_error
        );
        CHECK_THROWS_AS(
            static_cast<void>(everfold::decode_as<user_created>(bytes)), everfold::encoding_error
        );
    }
}
