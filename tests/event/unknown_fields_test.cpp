// SPDX-License-Identifier: MIT
#include <everfold/event/codec.hpp>
#include <everfold/event/json_text.hpp>
#include <everfold/event/unknown_fields.hpp>
#include <everfold/json.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

struct older {
    int id{};
    everfold::unknown_fields other{};
    std::string name{};

    friend bool operator==(const older&, const older&) = default;
};

struct oldest {
    int id{};
};

struct keeper {
    everfold::unknown_fields all{};
};

everfold::byte_buffer cbor(std::string_view json) {
    everfold::byte_buffer bytes;
    everfold::cbor_from_json(everfold::parse_json(json), bytes);
    return bytes;
}

template <class T>
std::string read_and_written(std::string_view json) {
    everfold::byte_buffer bytes;
    everfold::encode(everfold::decode_as<T>(cbor(json)), bytes);
    everfold::validate(bytes);
    return everfold::json_text_from_cbor(bytes);
}

} // namespace

TEST_CASE("fields that the struct does not know come back in order, after the known ones") {
    CHECK(
        read_and_written<older>(R"({"x":1,"id":2,"y":{"deep":[null]},"name":"n","z":"t"})") ==
        R"({"id":2,"name":"n","x":1,"y":{"deep":[null]},"z":"t"})"
    );
    CHECK(read_and_written<keeper>(R"({"b":1,"a":2})") == R"({"b":1,"a":2})");
}

TEST_CASE("the name of the member that keeps them is not on disk") {
    CHECK(read_and_written<older>(R"({"id":1,"other":5})") == R"({"id":1,"name":"","other":5})");
}

TEST_CASE("without such a member they are ignored, but not unchecked") {
    CHECK(read_and_written<oldest>(R"({"x":[1,2],"id":2,"y":3})") == R"({"id":2})");

    everfold::byte_buffer bytes;
    everfold::cbor_writer writer{bytes};
    writer.begin_map(3);
    for (const auto* name : {"x", "id", "x"}) {
        writer.write_text(name);
        writer.write_integer(1);
    }
    writer.finish();
    CHECK_THROWS_AS(
        static_cast<void>(everfold::decode_as<oldest>(bytes)), everfold::encoding_error
    );
    CHECK_THROWS_AS(static_cast<void>(everfold::decode_as<older>(bytes)), everfold::encoding_error);
    CHECK_THROWS_AS(
        static_cast<void>(everfold::decode_as<keeper>(bytes)), everfold::encoding_error
    );
}

TEST_CASE("a reused struct keeps none of the unknown fields it held") {
    auto reused = everfold::decode_as<older>(cbor(R"({"id":1,"x":1})"));
    everfold::decode(cbor(R"({"id":2,"name":"n"})"), reused);
    CHECK(reused == older{.id = 2, .name = "n"});
}

TEST_CASE("set, find, erase and merge keep each name once and its place") {
    everfold::unknown_fields fields;
    fields.set("a", cbor("1"));
    fields.set("b", cbor("[true]"));
    fields.set("a", cbor("2"));
    CHECK(fields.size() == 2);
    CHECK(fields.begin()->name == "a");
    REQUIRE(fields.find("a"));
    CHECK(everfold::json_text_from_cbor(*fields.find("a")) == "2");
    CHECK_FALSE(fields.find("c"));

    everfold::unknown_fields newer;
    newer.set("c", cbor("3"));
    newer.set("b", cbor("null"));
    fields.merge(newer);
    fields.merge(fields);
    CHECK(fields.size() == 3);
    CHECK(everfold::json_text_from_cbor(*fields.find("b")) == "null");
    CHECK(fields.erase("a"));
    CHECK_FALSE(fields.erase("a"));
    CHECK(fields.begin()->name == "b");
}

TEST_CASE("what is not exactly one item is refused") {
    everfold::unknown_fields fields;
    CHECK_THROWS_AS(fields.set("a", {}), everfold::encoding_error);
    auto two = cbor("1");
    two.push_back(std::byte{0x01});
    CHECK_THROWS_AS(fields.set("a", two), everfold::encoding_error);
    CHECK_THROWS_AS(fields.set("\xC3", cbor("1")), everfold::encoding_error);
    CHECK(fields.empty());
}

TEST_CASE("an unknown field with the name of a known one is not written twice but refused") {
    older e{};
    e.other.set("name", cbor("1"));
    everfold::byte_buffer bytes(3);
    CHECK_THROWS_WITH_AS(
        everfold::encode(e, bytes),
        doctest::Contains("has the name of a field of the struct"),
        everfold::encoding_error
    );
    CHECK(bytes.size() == 3);
}

TEST_CASE("a value that was just shallow enough where it was read can't be written deeper") {
    std::string deep = "1";
    for (int i = 0; i < 63; ++i)
        deep = '[' + deep + ']';
    const auto e = everfold::decode_as<older>(cbor(R"({"x":)" + deep + '}'));
    everfold::byte_buffer bytes;
    everfold::encode(e, bytes);
    CHECK_NOTHROW(everfold::validate(bytes));
    CHECK_THROWS_AS(everfold::encode(std::vector<older>{e}, bytes), everfold::encoding_error);
}
