// SPDX-License-Identifier: MIT
// Durability and appends in flight, as a program asks a store for them.

#include <everfold/base/error.hpp>
#include <everfold/io/simulated.hpp>
#include <everfold/store/open.hpp>

#include <doctest/doctest.h>
#include <support/scratch_dir.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

using namespace everfold;
using namespace std::chrono_literals;

namespace {

struct noted {
    static constexpr std::string_view event_type = "noted";
    std::string text{};
};

append_request
request_for(const std::string& stream, expected_revision expected, const std::string& text) {
    append_request out;
    out.streams.push_back({stream, expected, {encoded(noted{text})}});
    return out;
}

} // namespace

TEST_CASE(
    "a condition of an append in flight is checked when it is called, against what is in flight"
) {
    const testing::scratch_dir scratch;
    for (const auto& path : {std::string{"memory:"}, scratch.string() + "/log"}) {
        CAPTURE(path);
        auto store = open(path);
        auto first = store.append_async(request_for("s", expected_revision::no_stream(), "one"));
        auto loser = store.append_async(request_for("s", expected_revision::no_stream(), "two"));
        auto second =
            store.append_async(request_for("s", expected_revision::exactly(revision{0}), "two"));
        const auto lost = loser.get();
        REQUIRE(!lost.is_appended());
        CHECK(lost.conflict_or_null()->actual == revision{0});
        const auto two = second.get();
        CHECK(two.value().first == position{1});
        CHECK(two.value().last_revisions.back() == revision{1});
        const auto one = first.get();
        CHECK(one.value().first == position{0});
        CHECK(store.durable_position() == position{2});
        CHECK(store.end() == position{2});
        CHECK_THROWS_AS(static_cast<void>(store.append_async({})), error);
    }
}

TEST_CASE("what is appended in memory is as durable as it will be") {
    auto store = open("memory:", {.level = durability::unsafe_none()});
    store.append("s", noted{"one"}).value();
    CHECK(store.durable_position() == position{1});
    const auto is_durable = store.wait_durable(position{0}, 0ms);
    CHECK(is_durable);
}

TEST_CASE("a store of a weaker level answers with what it has appended, at once") {
    for (const auto level :
         {durability::interval(10ms), durability::os(), durability::unsafe_none()}) {
        CAPTURE(static_cast<int>(level.what()));
        const auto disk = std::make_shared<io::simulated_disk>();
        auto store = open("/log", {.level = level}, io::simulated_machine(disk));
        for (std::uint64_t i = 0; i < 20; ++i) {
            // As a repository's update does: read, decide, append where nothing came between.
            const auto last = store.last_revision("s");
            store.append("s", expected_revision::of(last), noted{std::to_string(i)}).value();
            std::uint64_t count = 0;
            for (const auto& e : store.read(query{}.stream("s")))
                count += e.as<noted>().text.empty() ? 0U : 1U;
            CHECK(count == i + 1);
            CHECK(store.end() == position{i + 1});
        }
        auto strong = request_for("s", expected_revision::any(), "durable");
        strong.level = durability::commit();
        store.append(strong).value();
        CHECK(store.durable_position() == position{21});
    }
}

TEST_CASE("a future may outlive the store's last handle") {
    const testing::scratch_dir scratch;
    const auto disk = std::make_shared<io::simulated_disk>();
    for (const bool is_simulated : {true, false}) {
        std::future<append_result> answer;
        {
            auto store = is_simulated ? open("/log", {}, io::simulated_machine(disk))
                                      : open(scratch.string() + "/log");
            answer = store.append_async(request_for("s", expected_revision::any(), "one"));
        }
        const auto result = answer.get();
        CHECK(result.is_appended());
    }
}
