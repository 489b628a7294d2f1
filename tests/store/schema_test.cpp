// SPDX-License-Identifier: MIT
#include "support/scratch_dir.hpp"

#include <everfold/base/error.hpp>
#include <everfold/json.hpp>
#include <everfold/store/open.hpp>
#include <everfold/store/schema_report.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

using namespace everfold;

namespace {

void put(store& to, std::string type, std::uint32_t version, std::string_view json) {
    new_event e;
    e.type = std::move(type);
    e.version = version;
    cbor_from_json(nlohmann::ordered_json::parse(json), e.payload);
    append_request request;
    request.streams.push_back({.stream = "s", .events = {std::move(e)}});
    static_cast<void>(to.append(request).value());
}

std::string fields_of(const seen_type& type) {
    std::string out;
    for (const auto& f : type.fields())
        out += f.path + ": " + to_text(f.value->kinds()) + (f.is_optional() ? ", optional" : "") +
               "\n";
    return out;
}

std::string with_newlines(std::initializer_list<std::string_view> lines) {
    std::string out;
    for (const auto line : lines)
        out.append(line).append("\n");
    return out;
}

// What the program of today knows.

struct opened_v1 {
    static constexpr std::string_view event_type = "opened";
    std::string name{};
};

struct opened {
    static constexpr std::string_view event_type = "opened";
    static constexpr std::uint32_t event_version = 2;
    using previous = opened_v1;
    std::string owner{};
    std::int64_t limit{};

    static opened from(const opened_v1& old) { return {.owner = old.name}; }
};

struct paid {
    static constexpr std::string_view event_type = "paid";
    static constexpr std::array<std::string_view, 1> former_names{"payed"};
    static constexpr std::uint32_t event_version = 3;
    static constexpr std::uint32_t oldest_version = 2;
    std::int64_t cents{};

    static void upcast(nlohmann::ordered_json& fields, std::uint32_t) { fields["cents"] = 0; }
};

struct viewed {
    static constexpr std::string_view event_type = "viewed";
    static constexpr bool newer_is_additive = true;
    std::string page{};
};

struct closed {
    static constexpr std::string_view event_type = "closed";
};

using known = events<opened, paid, viewed, closed>;

// Every form that a field may have.

enum class size { small, large };
enum class shade { light };

struct money {
    std::int64_t cents{};
    std::optional<std::string> currency{};
};

struct branch {
    std::string name{};
    std::vector<branch> branches{};
};

struct everything {
    static constexpr std::string_view event_type = "everything";
    bool boolean{true};
    std::uint8_t byte{7};
    std::int64_t negative{-7};
    float single{0.5F};
    double precise{1};
    size plain{size::large};
    shade named{shade::light};
    std::string text{"x"};
    byte_buffer bytes{std::byte{1}};
    std::array<std::byte, 2> fixed_bytes{};
    uuid id{};
    timestamp at{};
    std::chrono::system_clock::time_point point{};
    std::chrono::milliseconds lasting{5};
    std::chrono::duration<double> exact{0.25};
    revision number{3};
    std::optional<std::int64_t> none{};
    std::optional<std::int64_t> some{1};
    patch<std::string> changed{"y"};
    std::vector<money> prices{{1, {}}, {2, "NOK"}};
    std::deque<std::string> words{"a"};
    std::vector<bool> bits{true};
    std::array<std::int64_t, 2> pair{1, 2};
    std::tuple<std::int64_t, std::string> mixed{1, "z"};
    std::set<std::string> names{"n"};
    std::map<std::int64_t, money> by_number{{4, {}}};
    std::unordered_map<std::string, std::vector<std::int64_t>> lists{{"l", {1}}};
    branch tree{"root", {{"leaf", {}}}};
    money inner{};
    nlohmann::ordered_json anything = nlohmann::ordered_json::parse(R"({"a":[1,"b"]})");
    unknown_fields others{};
};

} // namespace

template <>
struct everfold::describe<shade> {
    static constexpr std::array names{named("light", shade::light)};
};

TEST_CASE("the schema of a log has each type with each field and kind of value that was seen") {
    auto s = open("memory:");
    put(s, "made", 1, R"({"id":1,"name":"a","at":{"city":"Oslo","zip":null},"tags":["x",1]})");
    put(s, "made", 1, R"({"id":-2,"name":7,"at":{"city":"Bergen"},"tags":[]})");
    put(s, "made", 2, R"({})");
    put(s,
        "made",
        1,
        R"({"id":3,"name":null,"odd.name":0.5,"items":[{"n":true},{"n":false,"m":1}]})");

    const auto types = read_schema(s);
    REQUIRE(types.size() == 2);
    CHECK(types[0].type == "made");
    CHECK(types[0].version == 1);
    CHECK(types[0].events == 3);
    CHECK(types[0].first == position{0});
    CHECK(types[0].last == position{3});
    CHECK(
        fields_of(types[0]) == with_newlines({
                                   "id: integer",
                                   "name: integer or text or null",
                                   "at: map, optional",
                                   "at.city: text",
                                   "at.zip: null, optional",
                                   "tags: array, optional",
                                   "tags[]: integer or text",
                                   "\"odd.name\": float, optional",
                                   "items: array, optional",
                                   "items[]: map",
                                   "items[].n: boolean",
                                   "items[].m: integer, optional",
                               })
    );
    const auto fields = types[0].fields();
    CHECK(fields[1].value->count(value_kind::text) == 1);
    CHECK(fields[4].possible == 2);
    CHECK(types[1].version == 2);
    CHECK(types[1].events == 1);
    CHECK(types[1].fields().empty());

    const auto some = read_schema(s, query{}.from(position{1}).to(position{1}));
    REQUIRE(some.size() == 1);
    CHECK(some[0].events == 1);
}

TEST_CASE("names that are data become one, and what a survey keeps does not grow with the log") {
    auto s = open("memory:");
    const auto prices = [](int from, int to) {
        auto out = nlohmann::ordered_json::object();
        for (int i = from; i < to; ++i)
            out["price-" + std::to_string(i)] = {{"cents", i}};
        return nlohmann::ordered_json{{"prices", out}}.dump();
    };
    SUBCASE("in one event or over many") {
        put(s, "priced", 1, prices(0, 64));
        auto types = read_schema(s);
        CHECK(types[0].fields().size() == 1 + 2 * 64);
        put(s, "priced", 1, prices(64, 65));
        put(s, "priced", 1, prices(65, 1000));
        types = read_schema(s);
        CHECK(
            fields_of(types[0]) ==
            with_newlines({"prices: map", "prices.*: map", "prices.*.cents: integer"})
        );
        CHECK(types[0].fields().back().value->count() == 1000);
        CHECK_FALSE(types[0].has_more);
    }
    SUBCASE("names within names") {
        for (int a = 0; a < 60; ++a) {
            auto inner = nlohmann::ordered_json::object();
            for (int b = 0; b < 60; ++b)
                inner["b" + std::to_string(b)] = b;
            put(s, "wide", 1, nlohmann::ordered_json{{"a" + std::to_string(a), inner}}.dump());
        }
        const auto types = read_schema(s);
        CHECK(types[0].fields().size() <= schema_survey::fields_max);
        CHECK(types[0].fields().size() > schema_survey::fields_max / 2);
        CHECK(types[0].has_more);
        CHECK(types[0].events == 60);
    }
    SUBCASE("a name that is too long") {
        put(s, "long", 1, nlohmann::ordered_json{{"a", 1}, {std::string(256, 'b'), "t"}}.dump());
        CHECK(fields_of(read_schema(s)[0]) == with_newlines({"*: integer or text"}));
    }
    SUBCASE("room that came back is used again") {
        for (int place = 0; place < 12; ++place) {
            auto names = nlohmann::ordered_json::parse(prices(0, 65));
            put(s, "priced", 1, nlohmann::ordered_json{{"at" + std::to_string(place), names}}.dump()
            );
        }
        const auto types = read_schema(s);
        CHECK(types[0].fields().size() == 12 * 4);
        CHECK_FALSE(types[0].has_more);
    }
}

TEST_CASE("each type of the log is said to be read as what it is, or why it is not") {
    auto s = open("memory:");
    put(s, "opened", 1, R"({"name":"Ada"})");
    put(s, "opened", 2, R"({"owner":"Bob","limit":5})");
    put(s, "opened", 3, R"({"owner":"Eve"})");
    put(s, "payed", 3, R"({"cents":1})");
    put(s, "paid", 2, R"({"amount":1})");
    put(s, "paid", 1, R"({})");
    put(s, "viewed", 9, R"({"page":"home","from":"tea"})");
    put(s, "lost", 4, R"({})");

    const auto report = compare_schema<known>(s);
    CHECK_FALSE(report.fits());
    CHECK(
        report.to_string() ==
        with_newlines({
            "opened version 1, 1 event: read as opened version 2, through 1 upcaster",
            "opened version 2, 1 event: as the program has it",
            "opened version 3, 1 event: newer than the program, which reads it up to version 2",
            "payed version 3, 1 event: read as paid version 3, its name today",
            "paid version 2, 1 event: read as paid version 3, through 1 upcaster",
            "paid version 1, 1 event: the program reads it in other versions, and has no upcaster "
            "from this one",
            "viewed version 9, 1 event: newer than the program, which reads it as viewed version 1",
            "  from: is not read by the program",
            "lost version 4, 1 event: the program does not know this type",
            "closed: not in the log",
        })
    );
}

TEST_CASE("a type is said to be read where a program reads it, and only there") {
    auto s = open("memory:");
    const std::pair<const char*, std::uint32_t> stored[] = {
        {"opened", 1},
        {"opened", 2},
        {"opened", 3},
        {"payed", 3},
        {"payed", 2},
        {"paid", 2},
        {"paid", 1},
        {"viewed", 9},
        {"lost", 1}};
    for (const auto& [type, version] : stored)
        put(s, type, version, "{}");
    const auto report = compare_schema<known>(s);
    std::size_t i = 0;
    for (const auto& e : s.read()) {
        CAPTURE(e.type);
        CAPTURE(e.version);
        const bool can_be = detail::form_for<opened>(e.type, e.version) != nullptr ||
                            detail::form_for<paid>(e.type, e.version) != nullptr ||
                            detail::form_for<viewed>(e.type, e.version) != nullptr;
        CHECK(is_read(report.entries.at(i++).match) == can_be);
    }
    CHECK(i == 9);
}

TEST_CASE("a value of a kind that the program does not read is a mismatch, with counts") {
    auto s = open("memory:");
    put(s, "opened", 2, R"({"owner":"Ada","limit":5})");
    put(s, "opened", 2, R"({"owner":null,"limit":"much"})");
    put(s, "opened", 2, R"({"owner":["Ada"],"limit":1.5})");
    put(s, "opened", 1, R"({"name":1})");
    put(s, "viewed", 1, R"({})");
    const auto report = compare_schema<known>(s);
    CHECK_FALSE(report.fits());
    CHECK(
        report.entries[0].mismatches ==
        std::vector<std::string>{
            "owner: array in 1 of 3, the program reads text",
            "owner: null in 1 of 3, the program reads text",
            "limit: float in 1 of 3, the program reads integer",
            "limit: text in 1 of 3, the program reads integer"}
    );
    CHECK(
        report.entries[1].mismatches ==
        std::vector<std::string>{"name: integer in 1 of 1, the program reads text"}
    );
    CHECK(report.entries[2].mismatches.empty());
    CHECK(
        report.entries[2].notes ==
        std::vector<std::string>{"page: was never written; the program takes its default"}
    );
    CHECK(report.to_string().find("  does not fit: owner: array in 1 of 3") != std::string::npos);
}

TEST_CASE("what a program writes fits what it reads, whatever the fields") {
    auto s = open("memory:");
    everything full;
    everything bare;
    bare.changed = {};
    bare.prices.clear();
    bare.precise = 1.5;
    s.append("s", full, bare).value();
    const auto report = compare_schema<events<everything>>(s);
    CHECK(report.fits());
    CHECK(report.entries[0].mismatches.empty());
    CHECK(report.entries[0].notes.empty());

    // Each field with a value of another kind is noticed, but for those that take any.
    nlohmann::ordered_json fields;
    for (const auto& e : s.read(query{}.limit(1)))
        fields = nlohmann::ordered_json::parse(e.to_json());
    auto others = nlohmann::ordered_json::object();
    std::size_t checked = 0;
    for (const auto& [name, value] : fields.items()) {
        if (name == "anything")
            continue;
        auto wrong = value.is_boolean() ? nlohmann::ordered_json(1) : nlohmann::ordered_json(true);
        others[name] = wrong;
        ++checked;
    }
    auto other = open("memory:");
    put(other, "everything", 1, others.dump());
    const auto wrong = compare_schema<events<everything>>(other);
    CHECK(wrong.entries[0].mismatches.size() == checked);
}

TEST_CASE("a store is opened where the program knows every type and version in it") {
    testing::scratch_dir directory;
    const auto path = directory / "log";
    const auto error_of = [&](const program_schema& schema, open_mode mode = open_mode::existing) {
        try {
            open(path, {.mode = mode, .schema = schema}).close();
            return std::string{};
        } catch (const schema_error& e) {
            CHECK(e.event_type() == "lost");
            CHECK(e.event_version() == 1);
            return e.message();
        }
    };
    {
        // Each in a segment of its own.
        auto s = open(path, {.segment_bytes_max = 65'536, .schema = known{}});
        const auto filler = R"({"page":")" + std::string(40'000, 'x') + "\"}";
        for (int i = 0; i < 3; ++i)
            put(s, "viewed", 1, filler);
        put(s, "opened", 1, R"({"name":"Ada"})");
        s.close();
    }
    CHECK(error_of(known{}).empty());
    {
        auto s = open(path);
        put(s, "lost", 1, "{}");
        put(s, "paid", 1, "{}");
        put(s, "lost", 1, "{}");
        const auto filler = R"({"page":")" + std::string(40'000, 'x') + "\"}";
        for (int i = 0; i < 4; ++i)
            put(s, "viewed", 1, filler);
        CHECK(s.stats().segments > 2);
        auto by_reading = s.engine().store_engine::types();
        CHECK(s.engine().types() == by_reading);
        CHECK(by_reading.size() == 4);
        s.close();
    }
    const std::string both =
        "event type 'lost' version 1: the program does not know this type; event type 'paid' "
        "version 1: the program reads it in other versions, and has no upcaster from this one";
    CHECK(error_of(known{}) == both);
    CHECK(error_of(known{}, open_mode::read_only) == both);
    CHECK(error_of({}).empty());
    const auto skipping = [&] {
        open(path, {.schema = program_schema{known{}}.skip_unknown()}).close();
    };
    CHECK_THROWS_WITH_AS(
        skipping(),
        doctest::Contains("event type 'paid' version 1: the program reads it in other versions"),
        schema_error
    );
    CHECK_THROWS_AS(skipping(), schema_error); // and the log was let go
    {
        auto s = open(path);
        s.truncate("s", revision{7}).value();
        s.close();
    }
    CHECK(error_of(known{}).empty()); // what can't be reached is nobody's business
    auto other = open(path, {.schema = known{}});
    CHECK(compare_schema<known>(other).fits());
}
