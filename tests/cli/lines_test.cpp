// SPDX-License-Identifier: MIT
// Lines in: what append takes, names out of templates, and events of the tutorial's form.

#include <everfold/cli/append_line.hpp>
#include <everfold/cli/event_text.hpp>
#include <everfold/cli/failure.hpp>
#include <everfold/cli/line_reader.hpp>
#include <everfold/cli/name_template.hpp>
#include <everfold/cli/stored_json.hpp>
#include <everfold/cli/tutorial_format.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace {

using everfold::expected_revision;
using everfold::cli::malformed_line;
using everfold::cli::name_template;

std::string refusal_of(const std::string& line, const std::optional<std::string>& stream = "s") {
    try {
        static_cast<void>(everfold::cli::request_from_line(line, {.stream = stream}));
    } catch (const malformed_line& e) {
        return e.what();
    }
    return "";
}

expected_revision expected_in(const std::string& json) {
    return everfold::cli::request_from_line(
               R"({"type":"t","data":{},"expected":)" + json + "}", {.stream = "s"}
    )
        .streams.front()
        .expected;
}

std::string named(const char* text, const char* data) {
    return name_template{text}.name_for(nlohmann::ordered_json::parse(data));
}

bool is_unnameable(const char* text, const char* data) {
    try {
        static_cast<void>(named(text, data));
    } catch (const malformed_line&) {
        return true;
    }
    return false;
}

} // namespace

TEST_CASE("a line of append is one event of one stream") {
    const auto request = everfold::cli::request_from_line(
        R"({"stream":"own","type":"t","tags":["a:1","b:"],"metadata":{"by":"ada"},"data":{"x":null}})",
        {.stream = "given"}
    );
    REQUIRE(request.streams.size() == 1);
    const auto& to = request.streams.front();
    CHECK(to.stream == "own");
    CHECK(to.expected == expected_revision::any());
    REQUIRE(to.events.size() == 1);
    const auto& event = to.events.front();
    CHECK(event.type == "t");
    CHECK(event.tags == std::vector<std::string>{"a:1", "b:"});
    CHECK(everfold::json_from_cbor(event.payload).dump() == R"({"x":null})");
    CHECK(everfold::json_from_cbor(event.metadata).dump() == R"({"by":"ada"})");
    CHECK_FALSE(event.occurred_at);
}

TEST_CASE("a line without a stream goes to the one that was given") {
    CHECK(
        everfold::cli::request_from_line(R"({"type":"t","data":{}})", {.stream = "given"})
            .streams.front()
            .stream == "given"
    );
    CHECK(refusal_of(R"({"type":"t","data":{}})", {}).find("--stream") != std::string::npos);
}

TEST_CASE("expected is a word or a revision") {
    CHECK(expected_in(R"("any")") == expected_revision::any());
    CHECK(expected_in(R"("no_stream")") == expected_revision::no_stream());
    CHECK(expected_in(R"("exists")") == expected_revision::exists());
    CHECK(expected_in("0") == expected_revision::exactly(everfold::revision{0}));
    CHECK(
        expected_in("18446744073709551615") ==
        expected_revision::exactly(everfold::revision{18446744073709551615U})
    );
    for (const std::string wrong : {"-1", "1.0", R"("1")", R"("none")", "null", "true", "[]"}) {
        CAPTURE(wrong);
        CHECK(
            refusal_of(R"({"type":"t","data":{},"expected":)" + wrong + "}").find("expected") !=
            std::string::npos
        );
    }
}

TEST_CASE("a line that is no event to append is refused with a reason") {
    for (const std::string wrong :
         {"",
          "nonsense",
          "[]",
          "1",
          R"({"type":"t"})",
          R"({"data":{}})",
          R"({"type":"","data":{}})",
          R"({"type":1,"data":{}})",
          R"({"type":"t","data":[]})",
          R"({"type":"t","data":null})",
          R"({"type":"t","data":{},"tags":"a:1"})",
          R"({"type":"t","data":{},"tags":["a"]})",
          R"({"type":"t","data":{},"tags":[":1"]})",
          R"({"type":"t","data":{},"tags":[1]})",
          R"({"type":"t","data":{},"metadata":[]})",
          R"({"type":"t","data":{},"stream":""})",
          R"({"type":"t","data":{},"stream":7})",
          R"({"type":"t","data":{},"version":2})",
          R"({"type":"t","type":"t","data":{}})",
          R"({"type":"t","data":{"a":1,"a":2}})",
          R"({"type":"t","data":{"a":18446744073709551616}})",
          R"({"type":"t","data":{}} x)"}) {
        CAPTURE(wrong);
        CHECK_FALSE(refusal_of(wrong).empty());
    }
    const std::string with_a_nul{"{\"type\":\"t\",\"data\":{}}\0", 23};
    CHECK(refusal_of(with_a_nul).find("NUL") != std::string::npos);
}

TEST_CASE("a template takes fields of the data") {
    constexpr const char* data =
        R"({"user_id":7,"name":"Ada","ok":true,"f":1.5,"a b":"x","address":{"city":"Paris"},"l":["z"]})";
    CHECK(named("users", data) == "users");
    CHECK(named("user-{user_id}", data) == "user-7");
    CHECK(named("{name}{name}", data) == "AdaAda");
    CHECK(named("{ok}:{f}", data) == "true:1.5");
    CHECK(named("{a b}", data) == "x");
    CHECK(named("c-{/address/city}-{/l/0}", data) == "c-Paris-z");
    CHECK(named("{{{name}}}", data) == "{Ada}");
    CHECK(named("", data).empty());
}

TEST_CASE("a template that nothing can be meant by is a usage error") {
    for (const auto* wrong : {"{", "}", "{}", "a{b", "a}b", "{a}}", "{{a}", "{/a~2}"}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS(name_template{wrong}, everfold::cli::usage_error);
    }
}

TEST_CASE("a field that is missing or is no name is an error of the line") {
    for (const auto* field :
         {"{missing}", "{none}", "{list}", "{object}", "{/list/1}", "{/none/x}"}) {
        CAPTURE(field);
        CHECK(is_unnameable(field, R"({"none":null,"list":[1],"object":{}})"));
    }
}

TEST_CASE("a tutorial line keeps its data and gives it back") {
    const std::string line =
        R"({"timestamp": 5, "datetime": "1970-01-01T00:00:00.005", "event_type": "t", )"
        R"("data": {"b": 1.0, "a": null}, "source": "caf\u00e9"})";
    const auto read = everfold::cli::event_from_tutorial_line(line);
    CHECK(read.data.dump() == R"({"b":1.0,"a":null})");
    CHECK(read.event.tags.empty());
    const everfold::recorded_event recorded{
        .type = read.event.type,
        .occurred_at = *read.event.occurred_at,
        .metadata = read.event.metadata,
        .payload = read.event.payload};
    CHECK(everfold::cli::tutorial_line_of(recorded) == line);
}

TEST_CASE("an event's line of JSON has every field in order") {
    everfold::byte_buffer data;
    everfold::cbor_from_json(nlohmann::ordered_json::parse(R"({"z":"\u001b","a":[1.0]})"), data);
    const std::vector<std::string_view> tags{"a:1", "quote\":2"};
    everfold::recorded_event event{
        .log_position = everfold::position{4},
        .stream = "s\n",
        .stream_revision = everfold::revision{3},
        .type = "t",
        .version = 2,
        .recorded_at = everfold::timestamp::from_milliseconds(1),
        .occurred_at = everfold::timestamp::from_milliseconds(0),
        .tags = tags,
        .payload = data};
    CHECK(
        everfold::cli::json_line_of(event) ==
        R"({"position":4,"revision":3,"stream":"s\n","type":"t","version":2,)"
        R"("id":"00000000-0000-0000-0000-000000000000","recorded_at":"1970-01-01T00:00:00.001Z",)"
        R"("occurred_at":"1970-01-01T00:00:00.000Z","tags":["a:1","quote\":2"],"metadata":{},)"
        R"("data":{"z":"\u001b","a":[1.0]}})"
    );
    event.causation_id.octets[15] = std::byte{1};
    const auto caused = nlohmann::json::parse(everfold::cli::json_line_of(event));
    CHECK(caused["causation_id"] == "00000000-0000-0000-0000-000000000001");
    CHECK_FALSE(caused.contains("correlation_id"));
}

TEST_CASE("a payload that is not well-formed is damage, and named by its position") {
    const everfold::byte_buffer half{std::byte{0xA1}};
    const everfold::recorded_event event{.log_position = everfold::position{9}, .payload = half};
    try {
        static_cast<void>(everfold::cli::data_of(event));
        FAIL("it was read");
    } catch (const everfold::error& e) {
        CHECK(e.code() == everfold::errc::damaged);
        CHECK(std::string{e.what()}.find("position 9") != std::string::npos);
    }
}
