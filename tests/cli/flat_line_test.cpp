// SPDX-License-Identifier: MIT
// The short way from a line to an event leads to the same event as the long one, or nowhere.

#include <everfold/cli/flat_line.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/name_template.hpp>
#include <everfold/cli/tutorial_format.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace {

using everfold::cli::event_from_tutorial_line;
using everfold::cli::flat_line;
using everfold::cli::malformed_line;
using everfold::cli::name_template;

constexpr std::array<std::string_view, 30> values{
    "1",
    "0",
    "-1",
    "-0",
    "1.5",
    "1e3",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "1e400",
    "null",
    "true",
    "false",
    "\"\"",
    "\"Ada\"",
    "\"\\u00e9\"",
    "\"\xC3\xA9\"",
    "\"\xC3\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"a\\nb\"",
    "[]",
    "[1]",
    "{}",
    "{\"b\":1}",
    "01",
    ""};
constexpr std::array<std::string_view, 6> keys{
    "\"user_id\"", "\"name\"", "\"\"", "\"a/b\"", "\"\\u0061\"", "\"a\""};

class line_maker {
public:
    explicit line_maker(std::uint32_t seed)
        : random_{seed} {}

    std::string line() {
        std::string data = "{";
        const auto members = random_() % 4;
        for (std::uint32_t i = 0; i < members; ++i) {
            data += i == 0 ? "" : ",";
            data += one_of(keys);
            data += ':';
            data += often("1", one_of(values));
        }
        data += '}';
        std::string out = "{\"timestamp\": ";
        out += often("1704067200000", one_of(values));
        if (random_() % 2 == 0) {
            out += ", \"datetime\": ";
            out += often("\"2024-01-01T00:00:00.000\"", one_of(values));
        }
        out += ", \"event_type\": ";
        out += often("\"user_created\"", one_of(values));
        out += ", \"data\": ";
        out += often(data, one_of(values));
        if (random_() % 8 == 0) {
            out += ", ";
            out += one_of(keys);
            out += ": 1";
        }
        if (random_() % 16 == 0)
            out += ", \"data\": {}";
        out += '}';
        if (random_() % 4 == 0) // any byte is another one
            out[random_() % out.size()] = static_cast<char>(random_() % 256);
        return out;
    }

private:
    template <std::size_t Size>
    std::string_view one_of(const std::array<std::string_view, Size>& from) {
        return from[random_() % Size];
    }

    std::string_view often(std::string_view usual, std::string_view other) {
        return random_() % 8 == 0 ? other : usual;
    }

    std::mt19937 random_;
};

bool is_same(const everfold::new_event& a, const everfold::new_event& b) {
    return a.type == b.type && a.version == b.version && a.payload == b.payload &&
           a.tags == b.tags && a.occurred_at == b.occurred_at &&
           a.originally_recorded_at == b.originally_recorded_at && a.id == b.id &&
           a.correlation_id == b.correlation_id && a.causation_id == b.causation_id &&
           a.metadata == b.metadata;
}

std::optional<std::string> long_name(const name_template& of, const nlohmann::ordered_json& data) {
    try {
        return of.name_for(data);
    } catch (const malformed_line&) {
        return {};
    }
}

} // namespace

TEST_CASE("a line that is read flat makes the event and the names that it makes as a JSON value") {
    constexpr std::uint32_t seed = 20;
    CAPTURE(seed);
    line_maker make{seed};
    const std::array names{
        name_template{"user-{user_id}"},
        name_template{"{name}"},
        name_template{"{/a~1b}-{a}"},
        name_template{"all"}};
    flat_line flat; // one for all: nothing of a line is left in the next
    everfold::new_event event;
    int flat_lines = 0;
    int flat_names = 0;
    int others = 0;
    for (int i = 0; i < 60'000; ++i) {
        const auto line = make.line();
        if (!flat.parse(line)) {
            ++others;
            continue;
        }
        CAPTURE(line);
        ++flat_lines;
        flat.make_event(event);
        const auto expected = event_from_tutorial_line(line);
        REQUIRE(is_same(event, expected.event));
        for (const auto& name : names) {
            std::string found;
            if (!name.append_name_for(flat, found))
                continue;
            ++flat_names;
            REQUIRE(long_name(name, expected.data) == found);
        }
    }
    std::printf(
        "lines read flat: %d, names: %d, other lines: %d\n", flat_lines, flat_names, others
    );
    CHECK(flat_lines > 10'000);
    CHECK(flat_names > 10'000);
    CHECK(others > 10'000);
}

TEST_CASE("what has no place in a flat line is left to the long way") {
    flat_line flat;
    const auto is_flat = [&](std::string_view line) { return flat.parse(line); };
    CHECK(is_flat(R"({"timestamp":1,"event_type":"t","data":{"a":1}})"));
    CHECK(is_flat(R"({"data":{},"event_type":"t","timestamp":-1,"datetime":""})"));
    CHECK_FALSE(is_flat(R"({"timestamp":1,"event_type":"t","data":{"a":{}}})"));
    CHECK_FALSE(is_flat(R"({"timestamp":1,"event_type":"t","data":{"a":1,"a":2}})"));
    CHECK_FALSE(is_flat(R"({"timestamp":1,"event_type":"t","data":{},"by":"ada"})"));
    CHECK_FALSE(is_flat(R"({"timestamp":1,"event_type":"","data":{}})"));
    CHECK_FALSE(is_flat(R"({"timestamp":1.0,"event_type":"t","data":{}})"));
    CHECK_FALSE(is_flat(R"({"timestamp":1,"event_type":"t"})"));
    CHECK_FALSE(is_flat(R"({"timestamp":1,"event_type":"t","data":{}} {})"));
    CHECK_FALSE(is_flat(std::string_view{"{\"timestamp\":1,\"event_type\":\"t\",\"data\":{}}\0", 43}
    ));
    CHECK_FALSE(is_flat("[]"));
}
