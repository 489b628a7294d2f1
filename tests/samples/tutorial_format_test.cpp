// SPDX-License-Identifier: MIT

#include <everfold/event/codec.hpp>

#include <canonical.hpp>
#include <doctest/doctest.h>
#include <events.hpp>
#include <tutorial_format.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::string line(std::string_view type, std::string_view data) {
    return R"({"timestamp": 1704067200000, "datetime": "x", "event_type": ")" + std::string{type} +
           R"(", "data": )" + std::string{data} + "}";
}

std::string reason_of(std::string_view text) {
    try {
        static_cast<void>(users::event_from_line(text));
    } catch (const users::malformed_line& e) {
        return e.what();
    }
    return "";
}

// Reads `text` in pieces of `piece` bytes.
std::vector<std::string> lines_of(std::string_view text, std::size_t piece) {
    users::line_reader reader{[&](char* to, std::size_t size) {
        const auto count = std::min({size, piece, text.size()});
        text.copy(to, count);
        text.remove_prefix(count);
        return count;
    }};
    std::vector<std::string> out;
    std::string_view next;
    while (reader.next(next)) {
        out.emplace_back(next);
        CHECK(reader.number() == out.size());
    }
    return out;
}

} // namespace

TEST_CASE("a line becomes an event with its time, its data as given and its tag") {
    const auto event = users::event_from_line(
        line("user_updated", R"({"phone": null, "user_id": 7, "nick": [1.0]})")
    );
    CHECK(event.type == "user_updated");
    CHECK(event.occurred_at == everfold::timestamp::from_milliseconds(1704067200000));
    CHECK(event.originally_recorded_at == event.occurred_at);
    CHECK(event.tags == std::vector<std::string>{"user:7"});
    CHECK(
        everfold::json_from_cbor(event.payload).dump() ==
        R"({"phone":null,"user_id":7,"nick":[1.0]})"
    );
    CHECK(event.metadata.empty());

    users::user_updated decoded;
    everfold::decode(event.payload, decoded);
    CHECK(decoded.phone.is_null());
    CHECK(decoded.name.is_absent());
    CHECK(decoded.unknown.contains("nick"));
}

TEST_CASE("an event type that nobody knows takes any object, and is tagged if it names a user") {
    CHECK(
        users::event_from_line(line("user_seen", R"({"user_id": -3})")).tags.front() == "user:-3"
    );
    CHECK(users::event_from_line(line("user_seen", R"({"user_id": "x"})")).tags.empty());
    CHECK(users::event_from_line(line("user_seen", "{}")).tags.empty());
}

TEST_CASE("what could not be folded is refused with a reason that names the field") {
    CHECK(reason_of(line("user_created", R"({"user_id": 1})")) == "user_created: name is missing");
    CHECK(
        reason_of(line("user_updated", R"({"user_id": 1, "phone": 5})")) ==
        "user_updated: phone must be text or null, and is 5"
    );
    CHECK(
        reason_of(line("user_deleted", R"({"user_id": true})")) ==
        "user_deleted: user_id must be a whole number of 64 bits, and is true"
    );
    CHECK(reason_of(R"({"event_type": "a", "data": {}})") == "timestamp is missing");
    CHECK_FALSE(reason_of("nonsense").empty());
}

TEST_CASE("whatever passes the rules for a type is decodable as that type") {
    const std::vector<std::string> values{
        "null", "true", "1", "-1", "1.0", "18446744073709551615", R"("text")", "[]", "{}"};
    for (const std::string type : {"user_created", "user_updated", "user_deleted"})
        for (const std::string field : {"user_id", "name", "email", "phone"})
            for (const auto& value : values) {
                auto data = nlohmann::ordered_json::parse(R"({"user_id":1,"name":"a"})");
                data[field] = nlohmann::ordered_json::parse(value);
                CAPTURE(type);
                CAPTURE(data.dump());
                everfold::byte_buffer payload;
                everfold::cbor_from_json(data, payload);
                bool is_decodable = true;
                try {
                    if (type == users::user_created::event_type)
                        static_cast<void>(everfold::decode_as<users::user_created>(payload));
                    else if (type == users::user_updated::event_type)
                        static_cast<void>(everfold::decode_as<users::user_updated>(payload));
                    else
                        static_cast<void>(everfold::decode_as<users::user_deleted>(payload));
                } catch (const everfold::error&) {
                    is_decodable = false;
                }
                CHECK(users::misfit(type, data).empty() == is_decodable);
            }
}

TEST_CASE("datetimes are the tutorial's inside its years and say so outside") {
    constexpr auto max = std::numeric_limits<std::int64_t>::max();
    constexpr auto min = std::numeric_limits<std::int64_t>::min();
    CHECK(users::tutorial_datetime(1704067200000) == "2024-01-01T00:00:00.000");
    CHECK(users::tutorial_datetime(-1) == "1969-12-31T23:59:59.999");
    CHECK(users::tutorial_datetime(253402300799999) == "9999-12-31T23:59:59.999");
    CHECK(users::tutorial_datetime(253402300800000) == "@253402300800000");
    CHECK(users::tutorial_datetime(-62135596800000) == "0001-01-01T00:00:00.000");
    CHECK(users::tutorial_datetime(-62135596800001) == "@-62135596800001");
    CHECK(users::tutorial_datetime(max) == "@9223372036854775807");
    CHECK(users::tutorial_datetime(min) == "@-9223372036854775808");
}

TEST_CASE("lines are the same however the bytes come") {
    const std::string text = "one\n\r\ntwo\r\n" + std::string(700'000, 'x') + "\nlast";
    const std::vector<std::string> wanted{"one", "", "two", std::string(700'000, 'x'), "last"};
    for (const std::size_t piece : {1U, 7U, 4096U, 1U << 20U}) {
        CAPTURE(piece);
        CHECK(lines_of(text, piece) == wanted);
        CHECK(lines_of(text + '\n', piece) == wanted);
    }
    CHECK(lines_of("", 5).empty());
}

TEST_CASE("a line that does not end costs bounded memory and is an error") {
    std::size_t given = 0;
    users::line_reader reader{[&](char* to, std::size_t size) {
        std::fill_n(to, size, 'x');
        given += size;
        return size;
    }};
    std::string_view next;
    CHECK_THROWS_AS(static_cast<void>(reader.next(next)), users::malformed_line);
    CHECK(given < 2 * users::line_reader::line_bytes_max);
}
