// SPDX-License-Identifier: MIT
// An append that is repeated under its id is made once.

#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <atomic>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

namespace {

uuid id_of(std::uint8_t n) {
    uuid out;
    out.octets.fill(std::byte{n});
    return out;
}

append_request with_id(append_request request, uuid id) {
    request.append_id = id;
    return request;
}

errc code_of(const auto& act) {
    try {
        act();
    } catch (const error& e) {
        return e.code();
    }
    FAIL("nothing was thrown");
    return errc::io;
}

} // namespace

TEST_CASE_TEMPLATE("P21: a repeated append gets its first answer", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    s.append(to_stream("other", {numbered(0)})).value();
    append_request both = with_id(to_stream("a", {numbered(1), numbered(2)}), id_of(1));
    both.streams.push_back({"b", expected_revision::any(), {numbered(3)}});
    const auto once = s.append(both).value();
    CHECK(once == appended{position{1}, position{3}, {revision{1}, revision{0}}});
    const auto exact =
        with_id(to_stream("a", {numbered(4)}, expected_revision::exactly(revision{1})), id_of(2));
    const auto first_exact = s.append(exact).value();
    const auto fresh =
        with_id(to_stream("c", {numbered(5)}, expected_revision::no_stream()), id_of(3));
    const auto first_fresh = s.append(fresh).value();
    const auto check_all = [&] {
        const auto end = s.end();
        CHECK(s.append(both).value() == once);
        CHECK(s.append(exact).value() == first_exact);
        CHECK(s.append(fresh).value() == first_fresh);
        CHECK(s.append_async(both).get().value() == once);
        CHECK(s.append_async(exact).get().value() == first_exact);
        CHECK(s.end() == end);
    };
    check_all();
    s.append(to_stream("a", {numbered(6)})).value();
    check_all();
    s = stores.reopen(s);
    check_all();
    // Somebody else with the same expectation loses as ever.
    auto mine = exact;
    mine.append_id = id_of(9);
    CHECK_FALSE(s.append(mine).is_appended());
    CHECK_FALSE(s.append_async(mine).get().is_appended());
}

TEST_CASE_TEMPLATE("P21: an id that is used for something else is an error", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    s.append(with_id(to_stream("a", {numbered(1, "t", {"k:1"})}), id_of(1))).value();
    const auto refused = [&](const append_request& other) {
        const auto end = s.end();
        const auto code = code_of([&] { s.append(with_id(other, id_of(1))).value(); });
        CHECK(code == errc::invalid);
        CHECK(s.end() == end);
    };
    refused(to_stream("a", {numbered(2, "t", {"k:1"})}));
    refused(to_stream("b", {numbered(1, "t", {"k:1"})}));
    refused(to_stream("a", {numbered(1, "u", {"k:1"})}));
    refused(to_stream("a", {numbered(1, "t", {"k:2"})}));
    refused(to_stream("a", {numbered(1, "t")}));
    refused(to_stream("a", {numbered(1, "t", {"k:1"}), numbered(1, "t", {"k:1"})}));
}

TEST_CASE("P21: with an exact expectation an append is known again however long ago it was") {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto options = quiet({.segment_bytes_max = 4096 + 900});
    auto s = open("/log", options, io::simulated_machine(disk));
    const auto exact =
        with_id(to_stream("a", {numbered(1)}, expected_revision::no_stream()), id_of(1));
    const auto any = with_id(to_stream("b", {numbered(2)}), id_of(2));
    const auto first = s.append(exact).value();
    const auto first_any = s.append(any).value();
    while (s.stats().segments < 9)
        s.append(to_stream("c", {numbered(7)})).value();
    CHECK(s.append(any).value() == first_any); // the documented window
    while (s.stats().segments < 30)
        s.append(to_stream("c", {numbered(7)})).value();
    CHECK(s.append(exact).value() == first);
    s.close();
    s = open("/log", options, io::simulated_machine(disk, 2));
    CHECK(s.append(exact).value() == first);
    CHECK(s.append(any).value() != first_any); // out of the window: appended again
}

TEST_CASE_TEMPLATE(
    "P21: of many threads with one id, one appends and all are told where",
    Stores,
    memory_stores,
    directory_stores
) {
    Stores stores;
    auto s = stores.open_store();
    constexpr std::size_t thread_count = 4;
    for (std::uint8_t round = 1; round <= 40; ++round) {
        const auto request =
            with_id(to_stream("a" + std::to_string(round % 3), {numbered(round)}), id_of(round));
        const auto end = s.end();
        std::vector<appended> answers(thread_count);
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < thread_count; ++i)
                threads.emplace_back([&, i] { answers[i] = s.append(request).value(); });
        }
        for (const auto& answer : answers)
            CHECK(answer == answers.front());
        CHECK(s.end() == end.advanced(1));
    }
}
