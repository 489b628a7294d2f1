// SPDX-License-Identifier: MIT
#include "support/scratch_dir.hpp"

#include <everfold/projection/live.hpp>
#include <everfold/store/open.hpp>
#include <everfold/store/store.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using everfold::live;
using everfold::live_connection;
using everfold::position;
using everfold::recorded_event;

namespace {

struct counted {
    static constexpr std::string_view event_type = "counted";
    std::int64_t number{};
};

struct noted {
    static constexpr std::string_view event_type = "noted";
    std::string text{};
};

struct newer_counted {
    static constexpr std::string_view event_type = "counted";
    static constexpr std::uint32_t event_version = 2;
    std::int64_t number{};
};

/// Appends to a stream, whatever it holds.
template <class... Es>
void put(everfold::store store, std::string stream, const Es&... events) {
    static_cast<void>(store.append(std::move(stream), events...).value());
}

/// What slots saw, from whatever thread.
template <class T>
class seen {
public:
    void add(T value) {
        const std::lock_guard lock{mutex_};
        values_.push_back(std::move(value));
    }

    [[nodiscard]] std::vector<T> all() const {
        const std::lock_guard lock{mutex_};
        return values_;
    }

private:
    mutable std::mutex mutex_{};
    std::vector<T> values_{};
};

struct in_memory {
    everfold::store store{everfold::open("memory:")};
};

struct in_a_directory {
    everfold::testing::scratch_dir directory{};
    everfold::store store{everfold::open(directory / "log")};
};

bool delivered_all(live& l, everfold::store& store) {
    const auto end = store.end();
    return end == position{} || l.wait_for(position{end.value() - 1}, 20s);
}

} // namespace

TEST_CASE_TEMPLATE(
    "slots are called for events that come after, in order, with the event and its record",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    put(here.store, "s", counted{-1});

    live l{here.store};
    seen<std::int64_t> numbers;
    seen<std::pair<std::string, std::uint64_t>> notes;
    seen<std::uint64_t> positions;
    l.on<counted>([&](const counted& e) { numbers.add(e.number); });
    l.on<noted>([&](const noted& e, const recorded_event& record) {
        notes.add({e.text + "@" + std::string{record.stream}, record.log_position.value()});
    });
    l.on_any([&](const recorded_event& e) { positions.add(e.log_position.value()); });

    for (int i = 0; i < 50; ++i)
        put(here.store, "s", counted{i}, noted{std::to_string(i)});
    REQUIRE(delivered_all(l, here.store));
    l.close();

    REQUIRE(numbers.all().size() == 50);
    REQUIRE(notes.all().size() == 50);
    REQUIRE(positions.all().size() == 100);
    for (std::size_t i = 0; i < 50; ++i) {
        CHECK(numbers.all()[i] == static_cast<std::int64_t>(i));
        CHECK(notes.all()[i] == std::pair{std::to_string(i) + "@s", std::uint64_t{2 * i + 2}});
    }
    for (std::size_t i = 0; i < 100; ++i)
        CHECK(positions.all()[i] == i + 1);
}

TEST_CASE_TEMPLATE(
    "a slot that is called finds the event in the store, durable and readable",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    everfold::store& store = here.store;
    live l{here.store};
    std::atomic<int> readable{};
    l.on<counted>([&](const counted& e, const recorded_event& record) {
        CHECK(store.end() > record.log_position);
        for (const auto& again : store.read(everfold::query{}.from(record.log_position).limit(1)))
            if (again.as<counted>().number == e.number)
                ++readable;
    });
    for (int i = 0; i < 10; ++i)
        put(here.store, "s", counted{i});
    REQUIRE(delivered_all(l, here.store));
    l.close();
    CHECK(readable == 10);
}

TEST_CASE("what a slot appends is caused by the event that it was called with") {
    auto store = everfold::open("memory:");
    live l{store};
    l.on<counted>([&](const counted& e) { put(store, "notes", noted{std::to_string(e.number)}); });
    put(store, "s", counted{1});
    REQUIRE(store.wait_for(position{1}, 20s));
    l.close();
    std::vector<everfold::uuid> ids;
    for (const auto& e : store.read()) {
        ids.push_back(e.id);
        CHECK(e.causation_id == (ids.size() == 1 ? everfold::uuid{} : ids.front()));
        CHECK(e.correlation_id == (ids.size() == 1 ? everfold::uuid{} : ids.front()));
    }
    CHECK(ids.size() == 2);
}

TEST_CASE("slots of one event are called in the order in which they were connected") {
    auto store = everfold::open("memory:");
    live l{store};
    seen<int> order;
    l.on_any([&](const recorded_event&) { order.add(1); });
    l.on<counted>([&](const counted&) { order.add(2); });
    l.on_any([&](const recorded_event&) { order.add(3); });
    l.on<counted>([&](const counted&) { order.add(4); });
    put(store, "s", counted{1});
    REQUIRE(delivered_all(l, store));
    CHECK(order.all() == std::vector{1, 2, 3, 4});
}

TEST_CASE("an appender does not wait for slots, and they run on another thread") {
    auto store = everfold::open("memory:");
    live l{store};
    std::promise<void> gate;
    auto opened = gate.get_future().share();
    std::atomic<bool> is_own_thread{};
    l.on<counted>([&, self = std::this_thread::get_id()](const counted&) {
        is_own_thread = std::this_thread::get_id() != self;
        opened.wait();
    });
    put(store, "s", counted{1});
    put(store, "s", counted{2});
    CHECK_FALSE(l.wait_for(position{0}, 1ms));
    gate.set_value();
    CHECK(l.wait_for(position{1}, 20s));
    CHECK(is_own_thread);
    CHECK_FALSE(l.wait_for(position{2}, 1ms));
}

TEST_CASE_TEMPLATE("a slot may append", Place, in_memory, in_a_directory) {
    Place here;
    live l{here.store};
    l.on<counted>([&](const counted& e) {
        if (e.number > 0)
            put(here.store, "s", counted{e.number - 1});
        else
            put(here.store, "s", noted{"landed"});
    });
    std::promise<void> landed;
    l.on<noted>([&](const noted&) { landed.set_value(); });
    put(here.store, "s", counted{5});
    REQUIRE(landed.get_future().wait_for(20s) == std::future_status::ready);
    l.close();
    CHECK(here.store.end() == position{7});
}

TEST_CASE("what a slot throws goes to on_error, and delivery goes on with the next slot") {
    auto store = everfold::open("memory:");
    live l{store};
    seen<std::int64_t> after;
    seen<std::string> errors;
    l.on<counted>([](const counted& e) {
        if (e.number == 1)
            throw std::runtime_error{"no ones"};
        if (e.number == 2)
            throw 2;
    });
    l.on<counted>([&](const counted& e) { after.add(e.number); });
    l.on_error([&](const std::exception_ptr& thrown, const recorded_event& e) {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& error) {
            errors.add(error.what() + std::to_string(e.log_position.value()));
        } catch (int number) {
            errors.add("int " + std::to_string(number));
        }
    });
    for (int i = 0; i < 4; ++i)
        put(store, "s", counted{i});
    REQUIRE(delivered_all(l, store));
    CHECK(after.all() == std::vector<std::int64_t>{0, 1, 2, 3});
    CHECK(errors.all() == std::vector<std::string>{"no ones1", "int 2"});
    CHECK_NOTHROW(l.close());
}

TEST_CASE("close throws the first error that nobody listened to, once") {
    auto store = everfold::open("memory:");
    live l{store};
    std::atomic<int> delivered{};
    l.on<counted>([&](const counted& e) {
        ++delivered;
        throw std::out_of_range{"slot " + std::to_string(e.number)};
    });
    put(store, "s", counted{1}, counted{2});
    REQUIRE(delivered_all(l, store));
    try {
        l.close();
        FAIL("swallowed an error");
    } catch (const std::out_of_range& e) {
        CHECK(std::string{e.what()} == "slot 1");
    }
    CHECK(delivered == 2);
    CHECK_NOTHROW(l.close());
}

TEST_CASE("an error listener that throws is not lost either") {
    auto store = everfold::open("memory:");
    live l{store};
    l.on<counted>([](const counted&) { throw std::runtime_error{"first"}; });
    l.on_error([](const std::exception_ptr&, const recorded_event&) {
        throw std::logic_error{"second"};
    });
    put(store, "s", counted{1});
    REQUIRE(delivered_all(l, store));
    CHECK_THROWS_AS(l.close(), std::logic_error);
}

TEST_CASE("an event that does not fit the slot's type is an error of that slot") {
    auto store = everfold::open("memory:");
    live l{store};
    seen<std::int64_t> numbers;
    l.on<counted>([&](const counted& e) { numbers.add(e.number); });
    put(store, "s", counted{1}, newer_counted{2}, counted{3});
    REQUIRE(delivered_all(l, store));
    CHECK(numbers.all() == std::vector<std::int64_t>{1, 3});
    CHECK_THROWS_AS(l.close(), everfold::schema_error);
}

TEST_CASE("a slot that was disconnected is not called again") {
    auto store = everfold::open("memory:");
    live l{store};
    std::atomic<int> first{};
    std::atomic<int> second{};
    auto connection = l.on<counted>([&](const counted&) { ++first; });
    l.on<counted>([&](const counted&) { ++second; });
    CHECK(connection.is_connected());
    put(store, "s", counted{1});
    REQUIRE(delivered_all(l, store));
    connection.disconnect();
    CHECK_FALSE(connection.is_connected());
    connection.disconnect();
    put(store, "s", counted{2});
    REQUIRE(delivered_all(l, store));
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK_FALSE(live_connection{}.is_connected());
    live_connection{}.disconnect();
}

TEST_CASE("disconnect waits for a slot that is running") {
    auto store = everfold::open("memory:");
    live l{store};
    std::promise<void> entered;
    std::atomic<bool> is_done{};
    auto connection = l.on<counted>([&](const counted&) {
        entered.set_value();
        std::this_thread::sleep_for(50ms);
        is_done = true;
    });
    put(store, "s", counted{1});
    entered.get_future().wait();
    connection.disconnect();
    CHECK(is_done);
}

TEST_CASE("a slot may disconnect itself and connect others") {
    auto store = everfold::open("memory:");
    live l{store};
    live_connection own;
    std::atomic<int> calls{};
    std::atomic<int> others{};
    own = l.on<counted>([&](const counted&) {
        ++calls;
        own.disconnect();
        l.on<counted>([&](const counted&) { ++others; });
    });
    for (int i = 0; i < 5; ++i)
        put(store, "s", counted{i});
    REQUIRE(delivered_all(l, store));
    l.close();
    CHECK(calls == 1);
    CHECK(others == 4);
}

TEST_CASE("a scoped connection ends with its scope") {
    auto store = everfold::open("memory:");
    live l{store};
    std::atomic<int> calls{};
    live_connection kept;
    {
        everfold::scoped_live_connection scoped = l.on<counted>([&](const counted&) { ++calls; });
        everfold::scoped_live_connection moved{std::move(scoped)};
        everfold::scoped_live_connection released = l.on_any([](const recorded_event&) {});
        kept = released.release();
        put(store, "s", counted{1});
        REQUIRE(delivered_all(l, store));
        CHECK(moved.is_connected());
    }
    put(store, "s", counted{2});
    REQUIRE(delivered_all(l, store));
    CHECK(calls == 1);
    CHECK(kept.is_connected());
}

TEST_CASE("a live can be made, connected and kept in one expression") {
    auto store = everfold::open("memory:");
    seen<std::int64_t> numbers;
    seen<std::string> texts;
    auto l = live{store}.on<counted>([&](const counted& e) { numbers.add(e.number); }
    ).on<noted>([&](const noted& e) {
         texts.add(e.text);
     }).on_any([](const recorded_event&) {
       }).on_error([](const std::exception_ptr&, const recorded_event&) {});
    put(store, "s", counted{1}, noted{"two"});
    REQUIRE(delivered_all(l, store));
    CHECK(numbers.all() == std::vector<std::int64_t>{1});
    CHECK(texts.all() == std::vector<std::string>{"two"});
    auto moved = std::move(l);
    put(store, "s", counted{3});
    REQUIRE(delivered_all(moved, store));
    CHECK(numbers.all() == std::vector<std::int64_t>{1, 3});
}

TEST_CASE("closing stops delivery, disconnects every slot and answers those who wait") {
    auto store = everfold::open("memory:");
    live l{store};
    std::atomic<int> calls{};
    const auto connection = l.on<counted>([&](const counted&) { ++calls; });
    put(store, "s", counted{1});
    REQUIRE(delivered_all(l, store));
    auto waiting = std::async(std::launch::async, [&] { return l.wait_for(position{1'000}, 60s); });
    l.close();
    CHECK_FALSE(waiting.get());
    CHECK_FALSE(connection.is_connected());
    put(store, "s", counted{2});
    CHECK_FALSE(l.wait_for(position{1}, 60s));
    CHECK(l.wait_for(position{0}, 0ms));
    CHECK(calls == 1);
}

TEST_CASE("a slot can't close its own live") {
    auto store = everfold::open("memory:");
    live l{store};
    l.on<counted>([&](const counted&) { l.close(); });
    put(store, "s", counted{1});
    REQUIRE(delivered_all(l, store));
    CHECK_THROWS_AS(l.close(), everfold::error);
}

TEST_CASE_TEMPLATE(
    "every event is delivered once and in order while several threads append",
    Place,
    in_memory,
    in_a_directory
) {
    Place here;
    live l{here.store};
    seen<std::uint64_t> positions;
    l.on_any([&](const recorded_event& e) { positions.add(e.log_position.value()); });
    constexpr int threads = 4;
    constexpr int rounds = 50;
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t)
        workers.emplace_back([&, t] {
            for (int i = 0; i < rounds; ++i)
                put(here.store, "s-" + std::to_string(t), counted{i});
        });
    // Slots come and go meanwhile.
    for (int i = 0; i < 100; ++i) {
        auto visitor = l.on<counted>([](const counted&) {});
        visitor.disconnect();
    }
    for (auto& worker : workers)
        worker.join();
    REQUIRE(delivered_all(l, here.store));
    l.close();
    const auto all = positions.all();
    REQUIRE(all.size() == threads * rounds);
    for (std::size_t i = 0; i < all.size(); ++i)
        CHECK(all[i] == i);
}
