// SPDX-License-Identifier: MIT
// Compacting by key: the last event of each key stays, where the type says that this is enough.

#include <everfold/base/error.hpp>
#include <everfold/json.hpp>
#include <everfold/store/key_compaction.hpp>
#include <everfold/store/tools.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using lines = std::vector<std::string>;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

namespace {

struct price_set {
    static constexpr std::string_view event_type = "price_set";
    std::string symbol{};
    std::int64_t cents{};
    static constexpr auto last_wins = last_wins_by<&price_set::symbol>;
};

struct moved {
    static constexpr std::string_view event_type = "moved";
    std::int32_t board{};
    std::string piece{};
    std::string to{};
    static constexpr auto last_wins = last_wins_by<&moved::board, &moved::piece>;
};

struct theme_chosen {
    static constexpr std::string_view event_type = "theme_chosen";
    std::string name{};
    static constexpr auto last_wins = last_wins_by<>;
};

struct noted {
    static constexpr std::string_view event_type = "noted";
    std::string text{};
};

/// What `price_set` was: another name of the key, another unit.
struct old_price_set {
    static constexpr std::string_view event_type = "price_given";
    std::string ticker{};
    std::int64_t euros{};
};

struct price_set_v2 {
    static constexpr std::string_view event_type = "price_set";
    static constexpr std::uint32_t event_version = 2;
    using previous = old_price_set;
    std::string symbol{};
    std::int64_t cents{};
    static constexpr auto last_wins = last_wins_by<&price_set_v2::symbol>;

    static price_set_v2 from(const old_price_set& old) {
        return {.symbol = old.ticker, .cents = 100 * old.euros};
    }
};

/// One `quote_given` is two of these.
struct quote_given {
    static constexpr std::string_view event_type = "quote_given";
    std::string symbol{};
    std::int64_t bid{};
    std::int64_t ask{};
};

struct bid_set {
    static constexpr std::string_view event_type = "bid_set";
    using parts_of = events<quote_given>;
    std::string symbol{};
    std::int64_t bid{};
    static constexpr auto last_wins = last_wins_by<&bid_set::symbol>;

    static bid_set from(const quote_given& e) { return {e.symbol, e.bid}; }
};

errc code_of(const auto& act) {
    try {
        act();
    } catch (const error& e) {
        return e.code();
    }
    FAIL("nothing was thrown");
    return errc::io;
}

template <class... Es>
void put(store& s, std::string stream, const Es&... events) {
    static_cast<void>(s.append(std::move(stream), events...).value());
}

} // namespace

TEST_CASE_TEMPLATE("of each key in its stream the last event stays", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    put(s, "paris", price_set{"A", 1}, price_set{"B", 2}, noted{"open"});
    put(s, "paris", price_set{"A", 3});
    put(s, "tokyo", price_set{"A", 4});
    put(s, "paris", price_set{"A", 5}, noted{"shut"}, price_set{"B", 6});
    put(s, "paris", price_set{"C", 7});
    const lines left{
        R"(2 paris@2 noted {"text":"open"})",
        R"(4 tokyo@0 price_set {"symbol":"A","cents":4})",
        R"(5 paris@4 price_set {"symbol":"A","cents":5})",
        R"(6 paris@5 noted {"text":"shut"})",
        R"(7 paris@6 price_set {"symbol":"B","cents":6})",
        R"(8 paris@7 price_set {"symbol":"C","cents":7})"};

    const auto planned = compact_by_key<price_set>(s, {.is_dry_run = true});
    CHECK(planned.events == 7);
    CHECK(planned.keys == 4);
    CHECK(planned.removed == 3);
    CHECK(planned.segments == 1);
    CHECK(planned.removed_bytes == 3 * encoded(price_set{"A", 1}).payload.size());
    CHECK(lines_of(s.read()).size() == 9);
    CHECK(s.removals().empty());

    const auto done = compact_by_key<price_set>(s, {.why = "once a day"});
    CHECK(done.removed == 3);
    CHECK(done.removed_bytes == planned.removed_bytes);
    CHECK(done.bytes_after > 0);
    const auto check_all = [&] {
        CHECK(lines_of(s.read()) == left);
        CHECK(s.last_revision("paris") == revision{7});
        CHECK(s.end() == position{9});
        const auto removals = s.removals();
        REQUIRE(removals.size() == 1);
        CHECK(removals.front().events == 3);
        CHECK(removals.front().why == "compacted by key: price_set: once a day");
    };
    check_all();
    s = stores.reopen(s);
    check_all();
    const auto again = compact_by_key<price_set>(s);
    CHECK(again.removed == 0);
    CHECK(again.segments == 0);
    CHECK(again.keys == 4);
    check_all();
    put(s, "paris", price_set{"A", 9});
    CHECK(s.last_revision("paris") == revision{8});
    CHECK(compact_by_key<price_set>(s).removed == 1);
}

TEST_CASE_TEMPLATE(
    "several members are one key, and none is one for the stream", Stores, EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    put(s, "game", moved{1, "king", "e1"}, moved{2, "king", "e8"}, moved{1, "king", "e2"});
    put(s, "game", moved{1, "ki", "a1"}, moved{11, "king", "a2"}, theme_chosen{"dark"});
    put(s, "game", theme_chosen{"light"}, moved{2, "rook", "h1"}, moved{2, "rook", "h2"});
    const auto done = compact_by_key<moved, theme_chosen>(s);
    CHECK(done.removed == 3);
    CHECK(done.keys == 6);
    CHECK(
        lines_of(s.read()) ==
        lines{
            R"(1 game@1 moved {"board":2,"piece":"king","to":"e8"})",
            R"(2 game@2 moved {"board":1,"piece":"king","to":"e2"})",
            R"(3 game@3 moved {"board":1,"piece":"ki","to":"a1"})",
            R"(4 game@4 moved {"board":11,"piece":"king","to":"a2"})",
            R"(6 game@6 theme_chosen {"name":"light"})",
            R"(8 game@8 moved {"board":2,"piece":"rook","to":"h2"})"}
    );
    CHECK(s.removals().front().why == "compacted by key: moved, theme_chosen");
}

TEST_CASE_TEMPLATE("only the stream or category that is named is compacted", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    for (const auto* stream : {"shop-1", "shop-2", "fair-1"})
        put(s, stream, price_set{"A", 1}, price_set{"A", 2});
    CHECK(compact_by_key<price_set>(s, {.category = "shop", .is_dry_run = true}).removed == 2);
    CHECK(compact_by_key<price_set>(s, {.stream = "shop-2"}).removed == 1);
    CHECK(lines_of(s.read(query{}.stream("shop-1"))).size() == 2);
    CHECK(compact_by_key<price_set>(s, {.category = "shop"}).removed == 1);
    CHECK(lines_of(s.read(query{}.stream("fair-1"))).size() == 2);
    const auto both = code_of([&] {
        static_cast<void>(compact_by_key<price_set>(s, {.stream = "shop-1", .category = "shop"}));
    });
    CHECK(both == errc::invalid);
}

TEST_CASE_TEMPLATE("an older version is read as today's, to find its key", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    put(s, "shop", old_price_set{"A", 1}, old_price_set{"B", 2}, old_price_set{"A", 3});
    put(s, "shop", price_set_v2{"A", 4});
    CHECK(compact_by_key<price_set_v2>(s).removed == 2);
    CHECK(
        lines_of(s.read()) ==
        lines{
            R"(1 shop@1 price_given {"ticker":"B","euros":2})",
            R"(3 shop@3 price_set {"symbol":"A","cents":4})"}
    );
}

TEST_CASE("an event of a version that nobody knows leaves everything as it is") {
    auto s = memory_stores::open_store();
    put(s, "shop", price_set{"A", 1}, price_set{"A", 2});
    auto newer = encoded(price_set{"A", 3});
    newer.version = 9;
    s.append(to_stream("shop", {newer})).value();
    const auto code = code_of([&] { static_cast<void>(compact_by_key<price_set>(s)); });
    CHECK(code == errc::schema);
    CHECK(lines_of(s.read()).size() == 3);
}

TEST_CASE_TEMPLATE("an event that was split supersedes, and stays", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    put(s, "shop", bid_set{"A", 1}, quote_given{"A", 2, 3}, bid_set{"A", 4}, quote_given{"A", 5, 6}
    );
    CHECK(compact_by_key<bid_set>(s).removed == 2);
    CHECK(
        lines_of(s.read()) ==
        lines{
            R"(1 shop@1 quote_given {"symbol":"A","bid":2,"ask":3})",
            R"(3 shop@3 quote_given {"symbol":"A","bid":5,"ask":6})"}
    );
}

TEST_CASE("what a rule puts out of reach supersedes nothing, and is not removed by key") {
    auto s = memory_stores::open_store();
    put(s, "shop", price_set{"A", 1}, price_set{"B", 2}, price_set{"A", 3}, price_set{"C", 4});
    s.truncate("shop", revision{2}).value();
    CHECK(compact_by_key<price_set>(s).removed == 0);
    CHECK(s.stats().events == 5);
    CHECK(s.scavenge().events == 2);
}

TEST_CASE_TEMPLATE(
    "P14: the snapshots of a stream that loses events go, and so do those of the whole log",
    Stores,
    EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    put(s, "shop", price_set{"A", 1}, price_set{"A", 2});
    put(s, "other", price_set{"A", 3});
    const auto save = [&](std::string stream, std::uint64_t at, std::uint64_t place) {
        s.engine().save_snapshot(
            {.stream = std::move(stream),
             .fold = "state",
             .at = revision{at},
             .log_position = position{place}}
        );
    };
    save("shop", 1, 1);
    save("other", 0, 2);
    save("", 2, 2);
    REQUIRE(s.stats().snapshots == 3);
    CHECK(compact_by_key<price_set>(s, {.is_dry_run = true}).snapshots == 2);
    CHECK(s.stats().snapshots == 3);
    CHECK(compact_by_key<price_set>(s).snapshots == 2);
    CHECK(s.stats().snapshots == 1);
    CHECK(compact_by_key<price_set>(s).snapshots == 0);
    CHECK(s.stats().snapshots == 1);
}

TEST_CASE("a log that was opened for reading is not compacted, and loses no snapshot") {
    const scratch_dir here;
    {
        auto s = open(here / "log", quiet({}));
        put(s, "shop", price_set{"A", 1}, price_set{"A", 2});
        s.engine().save_snapshot(
            {.stream = "shop", .fold = "state", .at = revision{1}, .log_position = position{1}}
        );
        s.close();
    }
    auto s = open(here / "log", {.mode = open_mode::read_only});
    CHECK(compact_by_key<price_set>(s, {.is_dry_run = true}).removed == 1);
    const auto code = code_of([&] { static_cast<void>(compact_by_key<price_set>(s)); });
    CHECK(code == errc::read_only);
    CHECK(s.stats().snapshots == 1);
    CHECK(lines_of(s.read()).size() == 2);
}

TEST_CASE("single events are removed by position, but not the log's own") {
    auto s = memory_stores::open_store();
    put(s, "a", noted{"0"}, noted{"1"}, noted{"2"});
    s.retain("a", {.max_count = 50}).value();
    const auto remove = [&](std::vector<position> at) { return s.engine().remove(at, {}); };
    const auto own = code_of([&] { remove({position{0}, position{3}}); });
    CHECK(own == errc::invalid);
    const auto order = code_of([&] { remove({position{1}, position{0}}); });
    CHECK(order == errc::invalid);
    CHECK(s.stats().events == 4);
    CHECK(remove({position{1}, position{77}}).events == 1);
    CHECK(remove({position{1}}).events == 0);
    CHECK(remove({}).events == 0);
    CHECK(
        lines_of(s.read()) == lines{R"(0 a@0 noted {"text":"0"})", R"(2 a@2 noted {"text":"2"})"}
    );
}

TEST_CASE("P15: whatever is compacted by key, the last event of each key is there, in its place") {
    for (std::uint32_t seed = 0; seed < 12; ++seed) {
        CAPTURE(seed);
        std::mt19937 random{seed};
        const scratch_dir here;
        auto options = quiet({});
        options.segment_bytes_max = 64 * 1024;
        options.event_bytes_max = 16 * 1024;
        options.batch_bytes_max = 32 * 1024;
        auto s = open(here / "log", options);
        std::map<std::pair<std::string, std::string>, std::string> wanted;
        std::uint64_t others = 0;
        for (int round = 0; round < 4; ++round) {
            for (int i = 0; i < 150; ++i) {
                const auto stream = "s-" + std::to_string(random() % 5);
                if (random() % 10 == 0) {
                    put(s, stream, noted{std::string(random() % 300, 'x')});
                    ++others;
                    continue;
                }
                const auto symbol = std::string(random() % 200, 'k') + std::to_string(random() % 7);
                const price_set e{symbol, static_cast<std::int64_t>(random() % 1000)};
                const auto at = s.append(stream, e).value();
                wanted[{stream, symbol}] = std::to_string(at.first.value()) + " " + stream + "@" +
                                           std::to_string(at.last_revisions.front().value()) +
                                           " price_set " + std::to_string(e.cents);
            }
            static_cast<void>(compact_by_key<price_set>(s));
            if (round == 1)
                s.engine().archive("s-1", revision{1000}, "");
            if (round == 2) {
                s.close();
                s = open(here / "log", options);
            }
        }
        std::map<std::pair<std::string, std::string>, std::string> found;
        std::uint64_t found_others = 0;
        for (const auto& e : s.read()) {
            if (!e.is<price_set>()) {
                ++found_others;
                continue;
            }
            const auto is = e.as<price_set>();
            auto& line = found[{std::string{e.stream}, is.symbol}];
            CHECK(line.empty());
            line = std::to_string(e.log_position.value()) + " " + std::string{e.stream} + "@" +
                   std::to_string(e.stream_revision.value()) + " price_set " +
                   std::to_string(is.cents);
        }
        CHECK(found == wanted);
        CHECK(found_others == others);
        s.close();
        const auto checked = verify(here / "log");
        CHECK(checked.damage.empty());
    }
}
