// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include <everfold/aggregate/repository.hpp>
#include <everfold/store/context.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using everfold::expected_revision;
using everfold::position;
using everfold::repository;
using everfold::revision;
using everfold::unknown_events;

namespace {

using entries = std::map<std::string, std::int64_t>;

struct transfer_refused {};

/// A state that counts how often it is copied.
struct heavy {
    using events = everfold::events<entry_set>;
    std::int64_t sum{};

    struct copy_counter {
        copy_counter() = default;
        copy_counter(const copy_counter&) { ++copies(); }
        copy_counter(copy_counter&&) noexcept = default;
        copy_counter& operator=(const copy_counter&) {
            ++copies();
            return *this;
        }
        copy_counter& operator=(copy_counter&&) noexcept = default;

        static int& copies() {
            static int count = 0;
            return count;
        }
    };

    copy_counter counter{};

    void apply(const entry_set& e) { sum += e.value; }
};

/// Runs out of luck once, in the middle of an event.
struct unlucky {
    using events = everfold::events<entry_set>;
    std::int64_t sum{};

    static int& misfortunes() {
        static int count = 0;
        return count;
    }

    void apply(const entry_set& e) {
        sum += e.value;
        if (e.value == 13 && misfortunes()-- > 0)
            throw std::runtime_error{"thirteen"};
    }
};

class unlucky_book : public everfold::aggregate<unlucky> {
public:
    void add(std::int64_t value) { record(entry_set{"", value}); }
};

class heavy_book : public everfold::aggregate<heavy> {
public:
    void add(std::int64_t value) { record(entry_set{"", value}); }
};

} // namespace

template <>
struct everfold::codec<heavy::copy_counter> {
    static constexpr std::string_view wire = "nothing";
    static void encode(const heavy::copy_counter&, cbor_writer& out) { out.write_null(); }
    static void decode(cbor_reader& in, heavy::copy_counter&) { static_cast<void>(in.skip()); }
};

TEST_CASE_TEMPLATE(
    "load folds all events of the stream and of no other", Place, in_memory, in_a_directory
) {
    Place here;
    auto& store = here.store();
    put(store, "one", entry_set{"a", 1}, entry_set{"b", 2});
    put(store, "two", entry_set{"c", 3});
    put(store, "one", entry_removed{"a"}, entry_set{"d", 4});

    auto books = repository<ledger_book>{store};
    const auto one = books.load("one");
    CHECK(one.state().entries == entries{{"b", 2}, {"d", 4}});
    CHECK(one.state().changes == 4);
    CHECK(one.last_revision() == revision{3});
    CHECK(one.stream() == "one");
    CHECK(one.uncommitted().empty());
    CHECK(books.load("two").state().entries == entries{{"c", 3}});
    CHECK(books.stats().events_replayed == 5);
}

TEST_CASE_TEMPLATE(
    "a stream without events is an aggregate without events", Place, in_memory, in_a_directory
) {
    Place here;
    auto books = repository<ledger_book>{here.store()};
    const auto none = books.load("nobody");
    CHECK(none.state() == ledger{});
    CHECK_FALSE(none.last_revision().has_value());
    CHECK(none.stream() == "nobody");
    CHECK_FALSE(books.snapshot("nobody").has_value());
}

TEST_CASE("what an aggregate records carries the scopes around saving it") {
    auto s = everfold::open("memory:");
    put(s, "origin", entry_set{"a", 1});
    const auto origin = s.engine().read({});
    const auto& cause = *origin->next();
    auto books = repository<ledger_book>{s};
    {
        const everfold::handling now{cause};
        const everfold::with_metadata who{{"user", "ada"}};
        books.update("one", [](ledger_book& b) { b.set("b", 2); });
    }
    books.update("one", [](ledger_book& b) { b.set("c", 3); });
    std::vector<bool> carried;
    for (const auto& e : s.read(everfold::query{}.stream("one")))
        carried.push_back(
            e.causation_id == cause.id && e.correlation_id == cause.id && !e.metadata.empty()
        );
    CHECK(carried == std::vector<bool>{true, false});
}

TEST_CASE("a stream without a name is refused") {
    auto books = repository<ledger_book>{everfold::open("memory:")};
    CHECK_THROWS_AS(static_cast<void>(books.load("")), everfold::error);
    CHECK_THROWS_AS(books.update("", [](ledger_book& b) { b.clear(); }), everfold::error);
    ledger_book unnamed;
    unnamed.clear();
    CHECK_THROWS_AS(books.save(unnamed), everfold::error);
    CHECK(unnamed.uncommitted().size() == 1);
}

TEST_CASE_TEMPLATE(
    "a second load reads only what was appended since the first", Place, in_memory, in_a_directory
) {
    Place here;
    auto& store = here.store();
    auto books = repository<ledger_book>{store};
    for (int i = 0; i < 10; ++i)
        put(store, "one", entry_set{std::to_string(i), i});
    CHECK(books.load("one").state().entries.size() == 10);
    CHECK(books.stats().events_replayed == 10);
    CHECK(books.load("one").state().entries.size() == 10);
    CHECK(books.stats().events_replayed == 10);
    put(store, "two", entry_set{"x", 1});
    put(store, "one", entry_set{"y", 1});
    CHECK(books.load("one").state().entries.size() == 11);
    CHECK(books.stats().events_replayed == 11);
    books.forget("one");
    CHECK(books.load("one").state().entries.size() == 11);
    CHECK(books.stats().events_replayed == 22);
}

TEST_CASE_TEMPLATE(
    "update appends what the decision recorded, in one batch, and returns what it returned",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto& store = here.store();
    auto books = repository<ledger_book>{store};
    books.update("one", [](ledger_book& b) { b.set("a", 1); });
    const auto size = books.update("one", [](ledger_book& b) {
        b.set("b", 2);
        b.set("c", 3);
        return b.state().entries.size();
    });
    static_assert(std::is_same_v<decltype(size), const std::size_t>);
    CHECK(size == 3);
    CHECK(store.end() == position{3});
    CHECK(store.last_revision("one") == revision{2});
    CHECK(books.stats().events_replayed == 0);
    CHECK(repository<ledger_book>{store}.load("one").state() == books.load("one").state());
    const auto owned = books.update("one", [](ledger_book&) { return std::make_unique<int>(7); });
    CHECK(*owned == 7);
}

TEST_CASE("update copies no state") {
    auto books = repository<heavy_book>{everfold::open("memory:")};
    books.update("one", [](heavy_book& b) { b.add(1); });
    const auto before = heavy::copy_counter::copies();
    for (int i = 0; i < 100; ++i)
        books.update("one", [](heavy_book& b) { b.add(1); });
    CHECK(books.inspect("one", [](const heavy_book& b) { return b.state().sum; }) == 101);
    CHECK(heavy::copy_counter::copies() == before);
    CHECK(books.load("one").state().sum == 101);
    CHECK(heavy::copy_counter::copies() == before + 1);
}

TEST_CASE_TEMPLATE(
    "a decision that records nothing appends nothing", Place, in_memory, in_a_directory
) {
    Place here;
    auto books = repository<ledger_book>{here.store()};
    books.update("one", [](ledger_book&) {});
    CHECK(here.store().end() == position{0});
    auto book = books.load("one");
    CHECK_FALSE(books.save(book).has_value());
}

TEST_CASE_TEMPLATE(
    "a decision that refuses passes its exception through and leaves no trace",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto books = repository<ledger_book>{here.store()};
    books.update("one", [](ledger_book& b) { b.set("a", 1); });

    SUBCASE("before it recorded") {
        CHECK_THROWS_AS(books.update("one", [](ledger_book& b) { b.remove("x"); }), refused);
        CHECK(books.load("one").state().entries == entries{{"a", 1}});
        // What was kept is still good.
        CHECK(books.stats().events_replayed == 0);
    }
    SUBCASE("after it recorded") {
        CHECK_THROWS_AS(
            books.update(
                "one",
                [](ledger_book& b) {
                    b.clear();
                    b.set("z", 26);
                    b.remove("x");
                }
            ),
            refused
        );
        CHECK(books.load("one").state().entries == entries{{"a", 1}});
        CHECK(books.load("one").state().changes == 1);
    }
    SUBCASE("with what is no std::exception") {
        CHECK_THROWS_AS(
            books.update(
                "one",
                [](ledger_book& b) {
                    b.clear();
                    throw transfer_refused{};
                }
            ),
            transfer_refused
        );
        CHECK(books.load("one").state().entries == entries{{"a", 1}});
    }
    CHECK(here.store().end() == position{1});
    books.update("one", [](ledger_book& b) { b.set("b", 2); });
    CHECK(books.load("one").state().entries == entries{{"a", 1}, {"b", 2}});
    CHECK(here.store().last_revision("one") == revision{1});
}

TEST_CASE_TEMPLATE(
    "an update that loses a race decides again on the new state", Place, in_memory, in_a_directory
) {
    Place here;
    auto mine = repository<ledger_book>{here.store()};
    auto theirs = repository<ledger_book>{here.store()};
    mine.update("one", [](ledger_book& b) { b.set("n", 1); });
    int decided = 0;
    mine.update("one", [&](ledger_book& b) {
        if (++decided <= 3)
            theirs.update("one", [&](ledger_book& t) {
                t.set("n", t.state().entries.at("n") * 10);
            });
        b.set("n", b.state().entries.at("n") + 1);
    });
    CHECK(decided == 4);
    CHECK(mine.stats().retries == 3);
    CHECK(mine.stats().conflicts == 3);
    CHECK(mine.load("one").state().entries.at("n") == 1001);
    CHECK(theirs.load("one").state() == mine.load("one").state());
    CHECK(mine.replay("one").state() == mine.load("one").state());
}

TEST_CASE_TEMPLATE(
    "of several who create or load an aggregate at once, one creates",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto& store = here.store();
    constexpr int threads = 4;
    constexpr int rounds = 50;
    std::atomic<int> disagreements{0};
    {
        std::vector<std::jthread> workers;
        for (int me = 0; me < threads; ++me)
            workers.emplace_back([&, me] {
                auto mine = repository<ledger_book>{store};
                for (int i = 0; i < rounds; ++i) {
                    const auto found =
                        mine.create_or_load("book-" + std::to_string(i), [me](ledger_book& b) {
                            b.set("by", me);
                        });
                    if (found.state().changes != 1 || found.last_revision() != revision{0})
                        ++disagreements;
                }
            });
    }
    CHECK(disagreements == 0);
    CHECK(store.end() == position{rounds});
    auto books = repository<ledger_book>{store};
    CHECK_THROWS_AS(
        static_cast<void>(books.create_or_load("new", [](ledger_book&) { throw refused{"no"}; })),
        refused
    );
    CHECK_FALSE(store.last_revision("new").has_value());
}

namespace {

/// Loses as many races as it is told, and says what that made it read.
class racer {
public:
    explicit racer(everfold::store& store)
        : store_{store}
        , mine_{store} {}

    std::uint64_t lose_races(int races) {
        const auto before = mine_.stats().events_replayed;
        mine_.update("one", [&](ledger_book& b) {
            if (races-- > 0)
                put(store_, "one", entry_set{"other", races});
            b.set("n", b.state().entries.at("n") + 1);
        });
        return mine_.stats().events_replayed - before;
    }

    repository<ledger_book>& mine() { return mine_; }

private:
    everfold::store& store_;
    repository<ledger_book> mine_;
};

everfold::store with_hundred_events() {
    auto store = everfold::open("memory:");
    for (int i = 0; i < 100; ++i)
        put(store, "one", entry_set{"n", i});
    return store;
}

} // namespace

TEST_CASE("the first race that is lost in a stream costs reading what is new, and so do the next") {
    auto store = with_hundred_events();
    racer r{store};
    CHECK(r.lose_races(1) == 101);
    CHECK(r.lose_races(0) == 0);
    CHECK(r.lose_races(1) == 3); // two of its own since the spare was copied
    CHECK(r.lose_races(1) == 2);
    CHECK(r.lose_races(3) == 4);
    CHECK(r.mine().load("one").state() == r.mine().replay("one").state());
    CHECK(r.mine().load("one").state().entries == entries{{"n", 104}, {"other", 0}});
}

TEST_CASE("a race is expected in a stream to which others append, and in no other") {
    auto store = with_hundred_events();
    racer r{store};
    CHECK(r.lose_races(0) == 100);
    // What it read of its own is once more, for the spare that lies at most 32 behind.
    std::uint64_t read = 0;
    for (int i = 0; i < 70; ++i)
        read += r.lose_races(0);
    CHECK(read == 32);
    SUBCASE("seen by an update") {
        put(store, "one", entry_set{"theirs", 1});
        CHECK(r.lose_races(0) == 1);
        CHECK(r.lose_races(1) == 2);
    }
    SUBCASE("seen by a load") {
        put(store, "one", entry_set{"theirs", 1});
        CHECK(r.mine().load("one").state().entries.at("theirs") == 1);
        CHECK(r.lose_races(1) == 1);
    }
    SUBCASE("not at all") {
        CHECK(r.lose_races(1) == 172); // the price of no copy after 64 decisions
        CHECK(r.lose_races(1) == 2);
    }
    CHECK(r.mine().load("one").state() == r.mine().replay("one").state());
}

TEST_CASE("a spare that could not follow is not decided on") {
    auto store = everfold::open("memory:");
    for (int i = 0; i < 40; ++i)
        put(store, "one", entry_set{"", 1});
    auto mine = repository<unlucky_book>{store};
    const auto add_one = [](unlucky_book& b) { b.add(1); };
    mine.update("one", add_one);
    put(store, "one", entry_set{"", 13});
    for (int i = 0; i < 30; ++i)
        mine.update("one", add_one);
    unlucky::misfortunes() = 1;
    for (int i = 0; i < 5; ++i) {
        try {
            mine.update("one", add_one);
        } catch (const everfold::replay_error&) {
            CHECK(unlucky::misfortunes() == 0);
        }
    }
    CHECK(unlucky::misfortunes() <= 0);
    int races = 1;
    mine.update("one", [&](unlucky_book& b) {
        if (races-- > 0)
            put(store, "one", entry_set{"", 1});
        b.add(1);
    });
    CHECK(mine.load("one").state().sum == mine.replay("one").state().sum);
}

TEST_CASE("a decision that throws after it recorded costs reading what is new, too") {
    auto store = with_hundred_events();
    racer r{store};
    const auto refuse = [](ledger_book& b) {
        b.set("n", -1);
        throw refused{"after all"};
    };
    CHECK_THROWS_AS(r.mine().update("one", refuse), refused);
    CHECK(r.lose_races(0) == 0);
    CHECK(r.mine().stats().events_replayed == 100);
    CHECK(r.mine().load("one").state().entries == entries{{"n", 100}});
}

TEST_CASE("threads that take turns at a stream lose no race and get on in the order they came") {
    auto store = everfold::open("memory:");
    constexpr int threads = 8;
    constexpr int rounds = 40;
    std::atomic<std::uint64_t> races{0};
    {
        auto mine = std::make_optional(store.turn("one"));
        std::vector<std::jthread> workers;
        for (int me = 0; me < threads; ++me) {
            workers.emplace_back([&, me] {
                auto books = repository<ledger_book>{store, {.retries_max = 0}};
                for (int i = 0; i < rounds; ++i)
                    books.update(
                        "one",
                        [me](ledger_book& b) {
                            const auto sum = b.state().entries;
                            b.set("n", sum.contains("n") ? sum.at("n") + 1 : 1);
                            b.set("by", me);
                        },
                        {.exclusive = true}
                    );
                races += books.stats().conflicts;
            });
            while (store.engine().turns().waiting("one") != static_cast<std::size_t>(me) + 1)
                std::this_thread::yield();
        }
        // Streams do not wait for one another, nor does who asks for no turn.
        auto others = repository<ledger_book>{store, {.exclusive = true}};
        others.update("two", [](ledger_book& b) { b.set("n", 1); });
        put(store, "two", entry_set{"n", 2});
        mine.reset();
    }
    CHECK(races == 0);
    auto books = repository<ledger_book>{store};
    CHECK(books.load("one").state().entries.at("n") == threads * rounds);
    // All of them asked before any could ask again.
    int turn = 0;
    for (const auto& e : store.read(everfold::query{}.stream("one").limit(2 * threads)))
        if (const auto set = everfold::decode_as<entry_set>(e.payload); set.key == "by")
            CHECK(set.value == turn++);
    CHECK(turn == threads);
}

TEST_CASE("a decision that throws gives its turn back") {
    auto store = everfold::open("memory:");
    auto books = repository<ledger_book>{store, {.exclusive = true}};
    CHECK_THROWS_AS(books.update("one", [](ledger_book&) { throw refused{"no"}; }), refused);
    std::jthread other{[&store] {
        auto mine = repository<ledger_book>{store, {.exclusive = true}};
        mine.update("one", [](ledger_book& b) { b.set("n", 1); });
        const auto found = mine.create_or_load("one", [](ledger_book& b) { b.set("n", 9); });
        CHECK(found.state().entries == entries{{"n", 1}});
    }};
    other.join();
    CHECK(books.load("one").state().changes == 1);
    // One who has the turn does not wait for itself.
    const auto mine = store.turn("one");
    books.update("one", [&](ledger_book& b) {
        if (b.state().changes == 1)
            books.update("one", [](ledger_book& inner) { inner.set("inner", 1); });
        b.set("outer", 1);
    });
    CHECK(books.load("one").state().changes == 3);
}

TEST_CASE("an update that loses every race throws conflict after its retries") {
    auto store = everfold::open("memory:");
    auto mine = repository<ledger_book>{store, {.retries_max = 2}};
    int decided = 0;
    try {
        mine.update("one", [&](ledger_book& b) {
            ++decided;
            put(store, "one", ledger_cleared{});
            b.set("n", 1);
        });
        FAIL("won a race that can't be won");
    } catch (const everfold::conflict& e) {
        CHECK(e.stream() == "one");
        CHECK(e.expected() == "revision 1");
        CHECK(e.actual() == "revision 2");
    }
    CHECK(decided == 3);
    CHECK(mine.stats().retries == 2);
    CHECK(mine.load("one").state().entries.empty());
    CHECK(mine.load("one").state().changes == 3);
}

TEST_CASE_TEMPLATE(
    "a decision may use the repository it was called by", Place, in_memory, in_a_directory
) {
    Place here;
    auto books = repository<ledger_book>{here.store()};
    SUBCASE("for another stream") {
        books.update("one", [&](ledger_book& b) {
            books.update("two", [](ledger_book& t) { t.set("b", 2); });
            b.set("a", 1);
        });
        CHECK(books.load("two").state().entries == entries{{"b", 2}});
        CHECK(books.stats().retries == 0);
    }
    SUBCASE("even for its own, and then decides again") {
        bool is_first = true;
        books.update("one", [&](ledger_book& b) {
            if (std::exchange(is_first, false))
                books.update("one", [](ledger_book& t) { t.set("b", 2); });
            b.set("a", 1);
        });
        CHECK(books.load("one").state().entries == entries{{"a", 1}, {"b", 2}});
        CHECK(books.stats().retries == 1);
    }
    CHECK(books.load("one").state().entries.at("a") == 1);
    CHECK(books.load("one").state() == books.replay("one").state());
}

TEST_CASE_TEMPLATE(
    "save appends once, and throws conflict where the stream has moved on",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto& store = here.store();
    auto books = repository<ledger_book>{store};
    auto mine = books.load("one");
    auto theirs = books.load("one");
    mine.set("a", 1);
    mine.set("b", 2);
    const auto where = books.save(mine);
    REQUIRE(where.has_value());
    CHECK(where->first == position{0});
    CHECK(where->last == position{1});
    CHECK(mine.uncommitted().empty());
    CHECK(mine.last_revision() == revision{1});
    CHECK_FALSE(books.save(mine).has_value());

    theirs.set("a", 3);
    try {
        books.save(theirs);
        FAIL("saved over another's events");
    } catch (const everfold::conflict& e) {
        CHECK(e.expected() == "no stream");
        CHECK(e.actual() == "revision 1");
    }
    CHECK(theirs.uncommitted().size() == 1);
    CHECK_FALSE(theirs.last_revision().has_value());
    CHECK(theirs.state().entries == entries{{"a", 3}});
    CHECK(store.end() == position{2});

    mine.set("c", 3);
    CHECK(books.save(mine).has_value());
    CHECK(books.load("one").state() == mine.state());
}

TEST_CASE_TEMPLATE(
    "an event type that the state does not name is refused, and skipped and counted on request",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto& store = here.store();
    put(store, "one", entry_set{"a", 1}, entry_renamed{"a", "b"}, entry_set{"c", 2});

    auto strict = repository<ledger_book>{store};
    for (int twice = 0; twice < 2; ++twice) {
        try {
            static_cast<void>(strict.load("one"));
            FAIL("loaded what nobody knows");
        } catch (const everfold::schema_error& e) {
            CHECK(e.event_type() == "entry_renamed");
            CHECK(
                std::string_view{e.what()}.find("replaying stream 'one'") != std::string_view::npos
            );
        }
    }
    CHECK_THROWS_AS(
        strict.update("one", [](ledger_book& b) { b.clear(); }), everfold::schema_error
    );
    CHECK(store.end() == position{3});

    auto lax = repository<ledger_book>{store, {.unknown = unknown_events::skip}};
    const auto loaded = lax.load("one");
    CHECK(loaded.state().entries == entries{{"a", 1}, {"c", 2}});
    CHECK(loaded.last_revision() == revision{2});
    CHECK(lax.stats().events_skipped == 1);
    CHECK(lax.stats().events_replayed == 3);
    lax.update("one", [](ledger_book& b) { b.clear(); });
    CHECK(store.last_revision("one") == revision{3});
}

TEST_CASE("a state in whose middle an apply threw is never used again") {
    auto store = everfold::open("memory:");
    put(store, "one", entry_set{"", 1});
    auto books = repository<unlucky_book>{store};
    CHECK(books.load("one").state().sum == 1);
    put(store, "one", entry_set{"", 13}, entry_set{"", 2});

    unlucky::misfortunes() = 1;
    CHECK_THROWS_AS(static_cast<void>(books.load("one")), everfold::replay_error);
    CHECK(books.load("one").state().sum == 16);

    unlucky::misfortunes() = 1;
    CHECK_THROWS_AS(
        books.update("one", [](unlucky_book& b) { b.add(13); }), everfold::replay_error
    );
    CHECK(books.load("one").state().sum == 16);
    CHECK(store.end() == position{3});

    // Even where the decision swallows it.
    unlucky::misfortunes() = 1;
    books.update("one", [](unlucky_book& b) {
        CHECK_THROWS_AS(b.add(13), everfold::replay_error);
    });
    CHECK(books.load("one").state().sum == 16);
    CHECK(store.end() == position{3});
}

TEST_CASE("more aggregates than are kept are all right, only slower") {
    auto store = everfold::open("memory:");
    auto books = repository<ledger_book>{store, {.kept_max = 4}};
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 20; ++i)
            books.update("book-" + std::to_string(i), [&](ledger_book& b) {
                b.set(std::to_string(round), i);
            });
    for (int i = 0; i < 20; ++i) {
        CAPTURE(i);
        const auto loaded = books.load("book-" + std::to_string(i));
        CHECK(loaded.state().entries == entries{{"0", i}, {"1", i}, {"2", i}});
    }
    CHECK(books.stats().events_replayed > 0);
}

TEST_CASE_TEMPLATE(
    "no increment is lost between threads that each have a repository",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    auto& store = here.store();
    constexpr int threads = 4;
    constexpr int rounds = 25;
    {
        std::vector<std::thread> workers;
        for (int t = 0; t < threads; ++t)
            workers.emplace_back([&store] {
                auto mine = repository<ledger_book>{store, {.retries_max = 100'000}};
                for (int i = 0; i < rounds; ++i)
                    mine.update("one", [](ledger_book& b) {
                        const auto found = b.state().entries.find("n");
                        b.set("n", found == b.state().entries.end() ? 1 : found->second + 1);
                    });
            });
        for (auto& worker : workers)
            worker.join();
    }
    CHECK(repository<ledger_book>{store}.load("one").state().entries.at("n") == threads * rounds);
    CHECK(store.end() == position{threads * rounds});
}
