// SPDX-License-Identifier: MIT
// What appends of a thread carry from the scopes that it is in.

#include <everfold/json.hpp>
#include <everfold/store/context.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <string>
#include <thread>

using namespace everfold;
using namespace everfold::testing;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

namespace {

struct carried {
    std::string metadata{};
    uuid correlation_id{};
    uuid causation_id{};
    uuid id{};
};

carried last_of(store& s) {
    const auto cursor = s.engine().read(query{}.backwards().limit(1));
    const auto* e = cursor->next();
    return {
        e->metadata.empty() ? "" : json_text_from_cbor(e->metadata),
        e->correlation_id,
        e->causation_id,
        e->id};
}

uuid id_of(std::uint8_t n) {
    uuid out;
    out.octets.fill(std::byte{n});
    return out;
}

} // namespace

TEST_CASE_TEMPLATE("events carry the metadata of the scopes around them", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    const std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    {
        const with_metadata outer{{"user", "ada"}, {"host", "a"}};
        {
            const with_metadata inner{{"host", "b"}, {"traceparent", parent}};
            auto own = numbered(1);
            cbor_from_json(parse_json(R"({"user":"eve","n":1})"), own.metadata);
            s.append(to_stream("a", {own})).value();
            CHECK(
                last_of(s).metadata ==
                R"({"user":"eve","n":1,"host":"b","traceparent":")" + parent + R"("})"
            );
        }
        s.append_async(to_stream("a", {numbered(2)})).get().value();
        CHECK(last_of(s).metadata == R"({"user":"ada","host":"a"})");
        std::jthread{[&] { s.append(to_stream("a", {numbered(3)})).value(); }}.join();
        CHECK(last_of(s).metadata.empty()); // another thread is in no scope
    }
    s.append(to_stream("a", {numbered(4)})).value();
    CHECK(last_of(s).metadata.empty());
}

TEST_CASE_TEMPLATE(
    "what is appended while an event is handled is caused by it", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    s.append(to_stream("a", {numbered(0)})).value();
    const auto append_handling_last = [&](new_event e) {
        const auto cursor = s.engine().read(query{}.backwards().limit(1));
        const handling cause{*cursor->next()};
        s.append(to_stream("a", {std::move(e)})).value();
        return last_of(s);
    };
    const auto origin = last_of(s);
    CHECK(origin.correlation_id.is_nil());
    const auto second = append_handling_last(numbered(1));
    CHECK(second.causation_id == origin.id);
    CHECK(second.correlation_id == origin.id);
    const auto third = append_handling_last(numbered(2));
    CHECK(third.causation_id == second.id);
    CHECK(third.correlation_id == origin.id);
    auto own = numbered(3);
    own.correlation_id = id_of(5);
    const auto fourth = append_handling_last(own);
    CHECK(fourth.correlation_id == id_of(5));
    CHECK(fourth.causation_id.is_nil());
    s.append(to_stream("a", {numbered(4)})).value();
    CHECK(last_of(s).causation_id.is_nil());
}

TEST_CASE("P21: an append that is repeated in the same scopes gets its first answer") {
    auto s = open("memory:");
    const with_metadata who{{"user", "ada"}};
    auto request = to_stream("a", {numbered(1)});
    request.append_id = id_of(1);
    const auto first = s.append(request).value();
    CHECK(s.append(request).value() == first);
    auto again = s.append_async(request);
    const with_metadata other{{"host", "b"}}; // around get(), which is not the append
    CHECK(again.get().value() == first);
}
