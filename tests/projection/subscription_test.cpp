// SPDX-License-Identifier: MIT
// P9: what a subscription delivers, and where it goes on.

#include <everfold/base/error.hpp>
#include <everfold/projection/subscription.hpp>
#include <everfold/store/open.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using namespace everfold;
using namespace everfold::testing;
using numbers = std::vector<std::uint64_t>;

#define EVERY_STORE memory_stores, directory_stores, simulated_stores

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

template <class... Es>
void put(store& s, std::string stream, const Es&... events) {
    s.append(std::move(stream), events...).value();
}

void put_counted(store& s, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
        put(s, "s", counted{i});
}

std::optional<error> refusal_of(const auto& act) {
    try {
        act();
    } catch (const error& e) {
        return e;
    }
    return {};
}

numbers from_to(std::uint64_t from, std::uint64_t to) {
    numbers out;
    for (auto n = from; n < to; ++n)
        out.push_back(n);
    return out;
}

/// A checkpoint's file in memory.
struct kept_in_memory {
    std::shared_ptr<io::simulated_disk> disk{std::make_shared<io::simulated_disk>()};
    checkpoint_file file{"checkpoint", io::simulated_machine(disk)};

    [[nodiscard]] std::uint64_t next() const {
        const auto c = file.load();
        return c ? c->next.value() : 0;
    }
};

/// Adds the positions that it is called with.
any_slot collect_into(numbers& out) {
    return [&out](const recorded_event& e) { out.push_back(e.log_position.value()); };
}

} // namespace

TEST_CASE_TEMPLATE(
    "P9: a subscription delivers what is there, then what comes, each event once and in order",
    Stores,
    EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    kept_in_memory kept;
    put(s, "s", counted{1}, noted{"two"});
    put(s, "t", counted{3});
    numbers seen;
    std::vector<std::string> texts;
    subscription all{s, kept.file};
    all.on_any(collect_into(seen));
    all.on<counted>([&](const counted& e) { texts.push_back(std::to_string(e.number)); });
    all.on<noted>([&](const noted& e, const recorded_event& record) {
        texts.push_back(e.text + "@" + std::string{record.stream});
    });
    CHECK(all.position() == position{0});
    CHECK(all.catch_up() == 3);
    CHECK(seen == numbers{0, 1, 2});
    CHECK(texts == std::vector<std::string>{"1", "two@s", "3"});
    CHECK(all.position() == position{3});
    CHECK(all.checkpoint() == s.checkpoint_at(position{3}));
    CHECK(kept.next() == 3);
    CHECK(all.catch_up() == 0);
    put(s, "s", counted{4});
    CHECK(all.catch_up() == 1);
    CHECK(seen == numbers{0, 1, 2, 3});
    CHECK(kept.next() == 4);
}

TEST_CASE_TEMPLATE("P9: a subscription goes on where it stopped", Stores, EVERY_STORE) {
    Stores stores;
    auto s = stores.open_store();
    kept_in_memory kept;
    numbers seen;
    for (std::uint64_t round = 0; round < 5; ++round) {
        put_counted(s, 3);
        {
            subscription again{s, kept.file};
            again.on_any(collect_into(seen));
            CHECK(again.position() == position{3 * round});
            CHECK(again.catch_up() == 3);
        }
        s = stores.reopen(s);
    }
    CHECK(seen == from_to(0, 15));

    // Without a file, from a checkpoint that the program keeps by itself.
    numbers rest;
    subscription later{s, s.checkpoint_at(position{11})};
    later.on_any(collect_into(rest));
    CHECK(later.catch_up() == 4);
    CHECK(rest == from_to(11, 15));
    numbers whole;
    subscription first{s, std::nullopt};
    first.on_any(collect_into(whole));
    CHECK(first.catch_up() == 15);
    CHECK(whole == from_to(0, 15));
}

TEST_CASE("P9: the events that a query passes over move the checkpoint, too") {
    auto s = open("memory:");
    kept_in_memory kept;
    for (int i = 0; i < 5; ++i)
        put(s, i % 2 == 0 ? "even" : "odd", counted{i});
    numbers seen;
    subscription odd{s, kept.file, query{}.stream("odd")};
    std::vector<std::uint64_t> within;
    odd.on_any([&](const recorded_event& e) {
        seen.push_back(e.log_position.value());
        within.push_back(odd.position().value());
        CHECK(odd.checkpoint() == s.checkpoint_at(e.log_position.next()));
    });
    CHECK(odd.catch_up() == 2);
    CHECK(seen == numbers{1, 3});
    CHECK(within == numbers{2, 4});
    CHECK(odd.position() == position{5});
    CHECK(kept.next() == 5);

    // Nothing that was passed over comes again, whatever is asked for next time.
    subscription all{s, kept.file};
    all.on_any(collect_into(seen));
    CHECK(all.catch_up() == 0);

    numbers middle;
    subscription bounded{
        s, std::nullopt, query{}.from(position{1}).to(position{3}).type<counted>()};
    bounded.on_any(collect_into(middle));
    CHECK(bounded.catch_up() == 3);
    CHECK(middle == numbers{1, 2, 3});
    CHECK(bounded.position() == position{5});
    numbers none;
    subscription behind{s, std::nullopt, query{}.from(position{7})};
    behind.on_any(collect_into(none));
    CHECK(behind.catch_up() == 0);
    put_counted(s, 5);
    CHECK(behind.catch_up() == 3);
    CHECK(none == numbers{7, 8, 9});
}

TEST_CASE("a query that goes backwards or has a limit is refused, as is saving every 0 events") {
    const auto s = open("memory:");
    const kept_in_memory kept;
    const auto code_of = [&](const query& q, const subscription_options& options = {}) {
        const auto refused = refusal_of([&] { const subscription no{s, kept.file, q, options}; });
        return refused ? refused->code() : errc::io;
    };
    CHECK(code_of(query{}.backwards()) == errc::invalid);
    CHECK(code_of(query{}.limit(3)) == errc::invalid);
    CHECK(code_of(query{}, {.save_every = 0}) == errc::invalid);
    const auto without_file = refusal_of([&] {
        const subscription no{s, std::nullopt, query{}.backwards()};
    });
    CHECK((without_file && without_file->code() == errc::invalid));
}

TEST_CASE("P9: an event whose slot throws is not handled, and comes again") {
    auto s = open("memory:");
    kept_in_memory kept;
    put_counted(s, 6);
    numbers first_slot;
    numbers second_slot;
    int failures = 2;
    const auto slots_of = [&](subscription& to) {
        to.on_any(collect_into(first_slot));
        to.on<counted>([&](const counted& e, const recorded_event& record) {
            if (e.number == 3 && failures > 0) {
                --failures;
                throw std::runtime_error{"not now"};
            }
            second_slot.push_back(record.log_position.value());
        });
    };
    {
        subscription one{s, kept.file};
        slots_of(one);
        CHECK_THROWS_AS(one.catch_up(), std::runtime_error);
        CHECK(one.position() == position{3});
        CHECK(kept.next() == 3);
        CHECK_THROWS_AS(one.catch_up(), std::runtime_error); // the same object may go on
        CHECK(kept.next() == 3);
    }
    subscription two{s, kept.file};
    slots_of(two);
    CHECK(two.catch_up() == 3);
    CHECK(second_slot == from_to(0, 6));
    CHECK(first_slot == numbers{0, 1, 2, 3, 3, 3, 4, 5});

    // An event of a version that the program does not know stays where it is.
    put(s, "s", newer_counted{7});
    subscription three{s, kept.file};
    slots_of(three);
    CHECK_THROWS_AS(three.catch_up(), schema_error);
    CHECK(kept.next() == 6);
}

TEST_CASE("the checkpoint is saved every so many events, and at the end") {
    auto s = open("memory:");
    kept_in_memory kept;
    put_counted(s, 10);
    numbers kept_then;
    subscription all{s, kept.file, {}, {.save_every = 4}};
    all.on_any([&](const recorded_event&) { kept_then.push_back(kept.next()); });
    CHECK(all.catch_up() == 10);
    CHECK(kept_then == numbers{0, 0, 0, 0, 4, 4, 4, 4, 8, 8});
    CHECK(kept.next() == 10);
    const auto before = kept.disk->operation_count();
    CHECK(all.catch_up() == 0);
    CHECK(kept.disk->operation_count() == before);
}

TEST_CASE("a checkpoint that can't be saved is an error, and the subscription goes on afterwards") {
    auto s = open("memory:");
    kept_in_memory kept;
    put_counted(s, 10);
    numbers seen;
    subscription all{s, kept.file, {}, {.save_every = 4}};
    all.on_any(collect_into(seen));
    kept.disk->fail_at(kept.disk->operation_count(), ENOSPC, true);
    CHECK_THROWS_AS(all.catch_up(), io_error);
    CHECK(seen == from_to(0, 4));
    kept.disk->fail_at(0, 0);
    CHECK(all.catch_up() == 6);
    CHECK(seen == from_to(0, 10));
    CHECK(kept.next() == 10);

    // What a slot threw is told before what saving threw.
    put_counted(s, 1);
    all.on_any([](const recorded_event&) { throw std::out_of_range{"a slot"}; });
    kept.disk->fail_at(kept.disk->operation_count(), ENOSPC, true);
    CHECK_THROWS_AS(all.catch_up(), std::out_of_range);
}

TEST_CASE("slots can be named in one expression, add others, and not run their subscription") {
    auto s = open("memory:");
    put_counted(s, 3);
    numbers seen;
    numbers late;
    auto all = subscription{s, std::nullopt}
                   .on<counted>([&](const counted& e) {
                       seen.push_back(static_cast<std::uint64_t>(e.number));
                   })
                   .on_any([](const recorded_event&) {});
    bool is_first = true;
    all.on_any([&](const recorded_event&) {
        if (std::exchange(is_first, false))
            for (int i = 0; i < 100; ++i)
                all.on_any(i == 0 ? collect_into(late) : [](const recorded_event&) {});
    });
    CHECK(all.catch_up() == 3);
    CHECK(seen == numbers{0, 1, 2});
    CHECK(late == numbers{1, 2});
    all.on_any([&](const recorded_event&) { static_cast<void>(all.catch_up()); });
    put_counted(s, 1);
    const auto refused = refusal_of([&] { static_cast<void>(all.catch_up()); });
    CHECK((refused && refused->code() == errc::invalid));
}

TEST_CASE_TEMPLATE(
    "P9: a subscription that follows delivers each event once and in order, until it is stopped",
    Stores,
    memory_stores,
    directory_stores
) {
    Stores stores;
    auto s = stores.open_store();
    kept_in_memory kept;
    put_counted(s, 10);
    std::atomic<std::uint64_t> seen{};
    bool is_in_order = true;
    subscription all{s, kept.file};
    all.on_any([&](const recorded_event& e) {
        is_in_order = is_in_order && e.log_position.value() == seen;
        ++seen;
    });
    std::stop_source stop;
    std::uint64_t count = 0;
    std::thread follower{[&] { count = all.follow(stop.get_token()); }};
    for (int i = 0; i < 200; ++i) {
        put(s, "s", counted{i});
        if (i % 50 == 0)
            std::this_thread::sleep_for(5ms); // it catches up, and sleeps
    }
    while (seen < 210)
        std::this_thread::sleep_for(1ms);
    stop.request_stop();
    follower.join();
    CHECK(is_in_order);
    CHECK(count == 210);
    CHECK(kept.next() == 210);
    put(s, "s", counted{0});
    CHECK(all.follow(stop.get_token()) == 0);
    CHECK(seen == 210);
}

TEST_CASE("a subscription that is stopped between two events has saved its checkpoint there") {
    auto s = open("memory:");
    kept_in_memory kept;
    put_counted(s, 10);
    std::stop_source stop;
    subscription all{s, kept.file};
    all.on<counted>([&](const counted& e) {
        if (e.number == 4)
            stop.request_stop();
    });
    CHECK(all.follow(stop.get_token()) == 5);
    CHECK(kept.next() == 5);
    CHECK(all.catch_up() == 5);
}

TEST_CASE("P9: followers see each event once, though segments rotate and events are removed") {
    const scratch_dir here;
    const store_options options{
        .segment_bytes_max = 8192, .event_bytes_max = 512, .batch_bytes_max = 4096};
    auto writer = open(here / "log", options);
    auto read_only = options;
    read_only.mode = open_mode::read_only;
    auto reader = open(here / "log", read_only);
    constexpr std::uint64_t rounds = 600;

    struct follower {
        follower(store from, const std::string& path)
            : all{std::move(from), checkpoint_file{path}, {}, {.save_every = 10}} {}

        subscription all;
        numbers positions{};
        std::vector<std::int64_t> kept{};
        std::atomic<bool> is_over{};
        std::stop_source stop{};
    };
    follower beside{writer, here / "beside.checkpoint"};
    follower outside{reader, here / "outside.checkpoint"};
    const auto run = [](follower& f) {
        f.all.on_any(collect_into(f.positions));
        f.all.on<counted>([&f](const counted& e, const recorded_event& record) {
            if (record.stream == "kept")
                f.kept.push_back(e.number);
            if (record.stream == "last")
                f.is_over = true;
            if (e.number % 50 == 0)
                std::this_thread::sleep_for(3ms); // it falls behind
        });
        return std::thread{[&f] { f.all.follow(f.stop.get_token()); }};
    };
    auto first = run(beside);
    auto second = run(outside);
    std::set<std::uint64_t> rules;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        put(writer, "kept", counted{static_cast<std::int64_t>(i)});
        put(writer, "old-" + std::to_string(i % 3), noted{std::string(40, 'x')});
        if (i % 100 == 99) {
            const auto last = *writer.last_revision("old-0");
            writer.truncate("old-0", last).value();
            rules.insert(writer.end().value() - 1);
            writer.engine().archive("kept", revision{i / 2}, "");
            static_cast<void>(writer.scavenge());
        }
    }
    put(writer, "last", counted{1});
    const auto end = writer.end();
    while (!beside.is_over || !outside.is_over)
        std::this_thread::sleep_for(1ms);
    for (auto* f : {&beside, &outside})
        f->stop.request_stop();
    first.join();
    second.join();
    REQUIRE(writer.stats().segments > 5);
    REQUIRE(!writer.removals().empty());
    std::vector<std::int64_t> expected;
    for (std::uint64_t i = 0; i < rounds; ++i)
        expected.push_back(static_cast<std::int64_t>(i));
    for (const auto* f : {&beside, &outside}) {
        CHECK(f->kept == expected);
        CHECK(std::ranges::is_sorted(f->positions));
        CHECK(std::ranges::adjacent_find(f->positions) == f->positions.end());
        CHECK(f->positions.size() <= end.value() - rules.size());
    }
    CHECK(checkpoint_file{here / "beside.checkpoint"}.load() == writer.checkpoint_at(end));
    CHECK(checkpoint_file{here / "outside.checkpoint"}.load() == writer.checkpoint_at(end));
}

TEST_CASE_TEMPLATE(
    "P9: a subscription to another log, or to an older copy, is an error that names its file",
    Stores,
    EVERY_STORE
) {
    Stores stores;
    auto s = stores.open_store();
    kept_in_memory kept;
    put_counted(s, 5);
    subscription all{s, kept.file};
    CHECK(all.catch_up() == 5);

    auto other = open("memory:");
    put_counted(other, 10);
    const auto of_other = refusal_of([&] { const subscription no{other, kept.file}; });
    REQUIRE(of_other);
    CHECK(of_other->code() == errc::unconfirmed);
    CHECK(std::string{of_other->what()}.find("'checkpoint'") != std::string::npos);
    CHECK(refusal_of([&] { const subscription no{other, all.checkpoint()}; }));

    auto ahead = s.checkpoint_at(position{5});
    ahead.next = position{6};
    kept.file.save(ahead);
    const auto of_future = refusal_of([&] { const subscription no{s, kept.file}; });
    REQUIRE(of_future);
    CHECK(of_future->code() == errc::unconfirmed);
    CHECK(of_future->message().find("ahead of the log") != std::string::npos);

    auto forked = s.checkpoint_at(position{5});
    forked.digest ^= 1U;
    kept.file.save(forked);
    const auto of_fork = refusal_of([&] { const subscription no{s, kept.file}; });
    REQUIRE(of_fork);
    CHECK(of_fork->message().find("another history") != std::string::npos);
    CHECK(kept.file.load() == forked); // it stays as it is
}

TEST_CASE("P9: what a power cut may take is not delivered, whatever the store's level") {
    for (const auto& level :
         {durability::commit(),
          durability::os(),
          durability::interval(5ms),
          durability::unsafe_none()}) {
        const auto disk = std::make_shared<io::simulated_disk>();
        const auto machine = io::simulated_machine(disk);
        auto s = open("/log", quiet({.level = level}), machine);
        for (std::int64_t i = 0; i < 20; ++i) {
            put(s, "s", counted{i});
            subscription all{s, checkpoint_file{"/checkpoint", machine}};
            bool is_durable = true;
            all.on_any([&](const recorded_event& e) {
                is_durable = is_durable && s.durable_position() > e.log_position;
            });
            CHECK(all.catch_up() == 1);
            CHECK(is_durable);
        }
        const auto cut =
            io::simulated_machine(disk->after_power_cut(io::power_cut::lose_all, 1), 2, 2);
        auto after = open("/log", quiet({.level = level}), cut);
        subscription again{after, checkpoint_file{"/checkpoint", cut}};
        CHECK(again.position() == position{20});
    }
}
