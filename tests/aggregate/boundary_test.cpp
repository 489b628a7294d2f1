// SPDX-License-Identifier: MIT
// Decisions over a query. The domain: seats of shows, each booking in the stream of who books.
#include "ledger.hpp"

#include <everfold/aggregate/boundary.hpp>
#include <everfold/base/error.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

using everfold::boundary;
using everfold::decide_over;
using everfold::decision;
using everfold::errc;
using everfold::expected_revision;
using everfold::position;
using everfold::query;

namespace {

struct show_planned {
    static constexpr std::string_view event_type = "show_planned";
    std::int64_t show{};
    std::int64_t seats{};
    static constexpr auto event_tags = everfold::tagged("show", &show_planned::show);
};

struct seat_booked {
    static constexpr std::string_view event_type = "seat_booked";
    std::int64_t show{};
    std::string guest{};
    static constexpr auto event_tags = std::tuple{
        everfold::tagged("show", &seat_booked::show),
        everfold::tagged("guest", &seat_booked::guest)};
};

/// Tagged like the others, and in no state here.
struct show_reviewed {
    static constexpr std::string_view event_type = "show_reviewed";
    std::int64_t show{};
    static constexpr auto event_tags = everfold::tagged("show", &show_reviewed::show);
};

struct seats {
    using events = everfold::events<show_planned, seat_booked>;
    std::int64_t left{};
    std::vector<std::string> guests{};

    void apply(const show_planned& e) { left += e.seats; }

    void apply(const seat_booked& e) {
        --left;
        guests.push_back(e.guest);
    }
};

struct sold_out {};

query of_show(std::int64_t show) {
    return query{}.tag("show", show);
}

auto book(std::int64_t show, std::string guest) {
    return [=](decision<seats>& now) {
        if (now.state().left == 0)
            throw sold_out{};
        now.record("guest-" + guest, seat_booked{show, guest});
        return now.state().left - 1;
    };
}

errc code_of(const auto& act) {
    try {
        act();
    } catch (const everfold::error& e) {
        return e.code();
    }
    return errc{};
}

} // namespace

TEST_CASE_TEMPLATE(
    "a decision over a query sees what matches, in whatever stream, and nothing else",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    put(here.store(), "theatre", show_planned{1, 3}, show_planned{2, 5});
    put(here.store(), "guest-ada", seat_booked{1, "ada"}, seat_booked{2, "ada"});
    put(here.store(), "critic", show_reviewed{1});
    put(here.store(), "guest-bob", seat_booked{1, "bob"});
    everfold::store& store = here.reopen();
    auto first = boundary<seats>{store, of_show(1)};
    const auto& seen = first.state();
    CHECK(seen.left == 1);
    CHECK(seen.guests == std::vector<std::string>{"ada", "bob"});
    CHECK(first.stats().events_replayed == 3);
    CHECK(first.next() == position{6});
    const auto either = of_show(1) | of_show(2);
    CHECK(boundary<seats>{store, either}.state().left == 5);
    auto one_type = boundary<seats>{store, query{}.type<seat_booked>()};
    CHECK(one_type.state().left == -3);
    CHECK(boundary<seats>{store, query{}.category("guest"), seats{.left = 9}}.state().left == 6);
    CHECK(boundary<seats>{store, of_show(3)}.state().left == 0);
}

TEST_CASE_TEMPLATE(
    "a decision returns its own result once all that it recorded is appended",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    everfold::store& store = here.store();
    const auto result = decide_over(store, of_show(1), seats{}, [](auto& now) {
        now.record("guest-ada", seat_booked{1, "ada"});
        now.record("theatre", show_planned{1, 3});
        now.record("guest-ada", seat_booked{1, "eve"}, everfold::timestamp{1'600'000'000, 0});
        return std::string{"done with "} + std::to_string(now.state().left);
    });
    // What it recorded has not changed what it was decided on.
    CHECK(result == "done with 0");
    CHECK(store.last_revision("guest-ada") == everfold::revision{1});
    std::vector<std::string> guests;
    for (const auto& e : store.read(query{}.stream("guest-ada")))
        guests.push_back(e.as<seat_booked>().guest);
    CHECK(guests == std::vector<std::string>{"ada", "eve"});
    for (const auto& e : store.read(query{}.tag("guest", "eve")))
        CHECK(e.occurred_at == everfold::timestamp{1'600'000'000, 0});

    auto here_and_now = boundary<seats>{store, of_show(1)};
    here_and_now.decide([](decision<seats>&) {}); // nothing recorded, nothing returned
    CHECK(store.end() == position{3});
    CHECK(here_and_now.decide(book(1, "bob")) == 0);
    // Its own events come back as everybody's do.
    CHECK(here_and_now.state().left == 0);
    CHECK(here_and_now.stats().events_replayed == 4);
    CHECK(here_and_now.stats().conflicts == 0);
}

TEST_CASE("what a decision throws passes through, and nothing of it is appended") {
    auto store = everfold::open("memory:");
    put(store, "theatre", show_planned{1, 1});
    auto show = boundary<seats>{store, of_show(1)};
    CHECK(show.decide(book(1, "ada")) == 0);
    CHECK_THROWS_AS(show.decide(book(1, "bob")), sold_out);
    const auto late_refusal = [](decision<seats>& now) {
        now.record("guest-eve", seat_booked{1, "eve"});
        throw sold_out{};
    };
    CHECK_THROWS_AS(show.decide(late_refusal), sold_out);
    CHECK(store.end() == position{2});
    // It costs nothing: what was read is kept.
    CHECK(show.state().left == 0);
    CHECK(show.stats().events_replayed == 2);
}

TEST_CASE_TEMPLATE(
    "what matches and comes in between is read, it alone, and decided on again",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    everfold::store& store = here.store();
    put(store, "theatre", show_planned{1, 100});
    for (int i = 0; i < 50; ++i)
        put(store, "guest-" + std::to_string(i), seat_booked{1, std::to_string(i)});
    auto show = boundary<seats>{store, of_show(1)};
    CHECK(show.state().left == 50);
    int decided = 0;
    const auto left = show.decide([&](decision<seats>& now) {
        if (++decided <= 2)
            put(store, "guest-fast", seat_booked{1, "fast"});
        return book(1, "ada")(now);
    });
    CHECK(left == 47);
    CHECK(decided == 3);
    CHECK(show.stats() == everfold::boundary_stats{53, 2, 2});
    CHECK(show.state().guests.back() == "ada");
}

TEST_CASE("events that the query or the state leaves out do not disturb a decision") {
    auto store = everfold::open("memory:");
    put(store, "theatre", show_planned{1, 2});
    auto show = boundary<seats>{store, of_show(1)};
    show.decide([&](decision<seats>& now) {
        put(store, "theatre", show_planned{2, 9});
        put(store, "critic", show_reviewed{1});
        put(store, "guest-bob", seat_booked{2, "bob"});
        now.record("guest-ada", seat_booked{1, "ada"});
    });
    CHECK(show.stats().conflicts == 0);
    CHECK(show.state().left == 1);
    CHECK(store.end() == position{5});
}

TEST_CASE("a decision that loses every race throws conflict after its retries") {
    auto store = everfold::open("memory:");
    auto show = boundary<seats>{store, of_show(1), {}, {.retries_max = 2}};
    int decided = 0;
    const auto unlucky = [&](decision<seats>& now) {
        ++decided;
        put(store, "theatre", show_planned{1, 1});
        now.record("guest-ada", seat_booked{1, "ada"});
    };
    CHECK_THROWS_AS(show.decide(unlucky), everfold::conflict);
    CHECK(decided == 3);
    CHECK(show.stats() == everfold::boundary_stats{2, 3, 2});
    CHECK(store.end() == position{3});
    // And the next one goes on from there.
    CHECK(show.decide(book(1, "ada")) == 2);
}

TEST_CASE("a decision may expect something of streams, written or only looked at") {
    auto store = everfold::open("memory:");
    put(store, "theatre", show_planned{1, 9});
    auto show = boundary<seats>{store, of_show(1), {}, {.retries_max = 1}};
    const auto book_if = [&](std::string stream, expected_revision expected) {
        return [=](decision<seats>& now) {
            now.expect(stream, expected);
            now.record("guest-ada", seat_booked{1, "ada"});
        };
    };
    show.decide(book_if("guest-ada", expected_revision::no_stream()));
    CHECK_THROWS_AS(
        show.decide(book_if("guest-ada", expected_revision::no_stream())), everfold::conflict
    );
    show.decide(book_if("theatre", expected_revision::exists()));
    CHECK_THROWS_AS(
        show.decide(book_if("cinema", expected_revision::exists())), everfold::conflict
    );
    CHECK(show.state().left == 7);
}

TEST_CASE("a query that no decision can be taken over is refused before anything is read") {
    auto store = everfold::open("memory:");
    for (const auto& q :
         {of_show(1).limit(1),
          of_show(1).backwards(),
          of_show(1).from(position{1}),
          of_show(1).since(everfold::timestamp{1, 0}),
          of_show(1).where("/seats", everfold::comparison::greater, 4),
          of_show(1).type<show_reviewed>(),
          of_show(1) | query{}.type("misspelt")}) {
        CAPTURE(q.fingerprint());
        CHECK(code_of([&] { static_cast<void>(boundary<seats>{store, q}); }) == errc::invalid);
    }
}

namespace {

/// Runs out of luck at the first event it sees of a kind, once.
struct fragile_seats {
    using events = everfold::events<show_planned, seat_booked>;
    std::int64_t left{};

    static int& misfortunes() {
        static int count = 0;
        return count;
    }

    void apply(const show_planned& e) { left += e.seats; }

    void apply(const seat_booked&) {
        --left;
        if (misfortunes()-- > 0)
            throw std::runtime_error{"not today"};
    }
};

} // namespace

TEST_CASE("a boundary whose apply() threw folds afresh the next time") {
    auto store = everfold::open("memory:");
    put(store, "theatre", show_planned{1, 4});
    auto show = boundary<fragile_seats>{store, of_show(1), {.left = 10}};
    CHECK(show.state().left == 14);
    put(store, "guest-ada", seat_booked{1, "ada"});
    fragile_seats::misfortunes() = 1;
    CHECK_THROWS_AS(static_cast<void>(show.state()), everfold::replay_error);
    CHECK(show.state().left == 13);
}

TEST_CASE("who lost against what is still on its way decides again once it can be read") {
    const auto disk = std::make_shared<everfold::io::simulated_disk>();
    auto store =
        everfold::open("/log", {.compress_sealed = false}, everfold::io::simulated_machine(disk));
    put(store, "theatre", show_planned{1, 3});
    const auto on_its_way = [&](std::string guest) {
        return store.append_async(everfold::testing::to_stream(
            "guest-ada", {everfold::encoded(seat_booked{1, std::move(guest)})}
        ));
    };
    SUBCASE("over a query") {
        auto show = boundary<seats>{store, of_show(1)};
        CHECK(show.state().left == 3);
        auto other = on_its_way("bob");
        CHECK(show.decide(book(1, "ada")) == 1);
        CHECK(show.stats().retries == 1);
        CHECK(other.get().is_appended());
    }
    SUBCASE("in a repository") {
        struct guest : everfold::aggregate<seats> {
            void book() { record(seat_booked{1, "ada"}); }
        };
        auto guests = everfold::repository<guest>{store};
        auto other = on_its_way("bob");
        guests.update("guest-ada", [](guest& g) { g.book(); });
        CHECK(guests.stats().retries == 1);
        CHECK(other.get().is_appended());
        CHECK(guests.load("guest-ada").state().left == -2);
    }
}

TEST_CASE_TEMPLATE(
    "P4: racing decisions never book more seats than there are", Place, in_memory, in_a_directory
) {
    Place here;
    everfold::store& store = here.store();
    constexpr std::int64_t shows = 20;
    constexpr int seats_each = 5;
    constexpr int threads = 4;
    std::atomic<int> booked{0};
    std::atomic<int> refused{0};
    for (std::int64_t show = 0; show < shows; ++show)
        put(store, "theatre", show_planned{show, seats_each});
    {
        std::vector<std::jthread> workers;
        for (int me = 0; me < threads; ++me)
            workers.emplace_back([&, me] {
                const auto guest = std::to_string(me);
                for (std::int64_t show = 0; show < shows; ++show) {
                    auto mine = boundary<seats>{store, of_show(show), {}, {.retries_max = 10'000}};
                    for (int i = 0; i < seats_each; ++i) {
                        try {
                            static_cast<void>(mine.decide(book(show, guest)));
                            ++booked;
                        } catch (const sold_out&) {
                            ++refused;
                        }
                    }
                }
            });
    }
    CHECK(booked == shows * seats_each);
    CHECK(refused == shows * seats_each * (threads - 1));
    for (std::int64_t show = 0; show < shows; ++show) {
        const auto left = boundary<seats>{store, of_show(show)}.state().left;
        CHECK(left == 0);
    }
}
