// SPDX-License-Identifier: MIT
// Queries of every kind at once, against a filter over a vector: through rules, archives, removals
// and reopening.

#include <everfold/base/error.hpp>
#include <everfold/event/cbor.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

struct known_event {
    std::uint64_t at{};
    std::string stream{};
    std::uint64_t revision{};
    std::string type{};
    std::vector<std::string> tags{};
    timestamp recorded{};
    timestamp occurred{};
    std::optional<std::int64_t> number{}; // of "n", if there is one
    std::string city{};
};

class dice {
public:
    explicit dice(std::uint64_t seed)
        : random_{seed} {}

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    bool one_in(std::uint64_t n) { return below(n) == 0; }

    template <class T>
    const T& of(const std::vector<T>& all) {
        return all[static_cast<std::size_t>(below(all.size()))];
    }

private:
    std::mt19937_64 random_;
};

const std::vector<std::string> streams{"user-1", "user-2", "user", "order-1", "log"};
const std::vector<std::string> types{"a", "b", "c"};
const std::vector<std::string> tags{"t:1", "t:2", "t:3", "rare:1"};
const std::vector<std::string> cities{"Oslo", "Bergen", "Os"};
const std::vector<comparison> orders{
    comparison::equal,
    comparison::not_equal,
    comparison::less,
    comparison::less_or_equal,
    comparison::greater,
    comparison::greater_or_equal,
    comparison::contains};

byte_buffer
payload_of(std::optional<std::int64_t> number, const std::string& city, bool as_floating) {
    byte_buffer out;
    out.reserve(64);
    cbor_writer w{out};
    w.begin_map(number ? 2 : 1);
    w.write_text("city");
    w.write_text(city);
    if (number) {
        w.write_text("n");
        if (as_floating)
            w.write_floating(static_cast<double>(*number));
        else
            w.write_integer(*number);
    }
    w.end();
    w.finish();
    return out;
}

template <class T>
bool in_order(comparison op, const T& a, const T& b) {
    switch (op) {
    case comparison::equal:
        return a == b;
    case comparison::not_equal:
        return a != b;
    case comparison::less:
        return a < b;
    case comparison::less_or_equal:
        return a <= b;
    case comparison::greater:
        return a > b;
    case comparison::greater_or_equal:
        return a >= b;
    case comparison::contains:
        break;
    }
    return false;
}

bool meets(const known_event& e, const payload_condition& c) {
    const auto& value = c.values().front().get();
    if (c.pointer() == "/n") {
        if (!e.number)
            return false;
        const auto* natural = std::get_if<std::uint64_t>(&value);
        const auto* negative = std::get_if<std::int64_t>(&value);
        const auto* floating = std::get_if<double>(&value);
        const double wanted = natural != nullptr    ? static_cast<double>(*natural)
                              : negative != nullptr ? static_cast<double>(*negative)
                                                    : *floating;
        return in_order(c.op(), static_cast<double>(*e.number), wanted);
    }
    const auto& text = std::get<std::string>(value);
    if (c.op() == comparison::contains)
        return e.city.find(text) != std::string::npos;
    return in_order(c.op(), e.city, text);
}

bool matches(const known_event& e, const query_item& item) {
    return (item.types.empty() || std::ranges::find(item.types, e.type) != item.types.end()) &&
           std::ranges::all_of(
               item.tags,
               [&](const std::string& tag) {
                   return std::ranges::find(e.tags, tag) != e.tags.end();
               }
           ) &&
           (!item.stream || *item.stream == e.stream) &&
           (!item.category || category_of(e.stream) == *item.category);
}

struct world {
    std::vector<known_event> events{};
    std::map<std::string, std::uint64_t> begins{}; // of truncated streams

    [[nodiscard]] std::vector<std::uint64_t> answer(const query& q) const {
        std::vector<std::uint64_t> out;
        const auto& in = q.within();
        for (const auto& e : events) {
            const auto begin = begins.find(e.stream);
            if ((begin != begins.end() && e.revision < begin->second) || e.at < in.from.value() ||
                e.at > in.to.value() || e.revision < in.from_revision.value() ||
                e.revision > in.to_revision.value() || (in.since && e.occurred < *in.since) ||
                (in.until && e.occurred > *in.until) ||
                (in.recorded_since && e.recorded < *in.recorded_since) ||
                (in.recorded_until && e.recorded > *in.recorded_until))
                continue;
            if (std::ranges::any_of(q.items(), [&](const auto& i) { return matches(e, i); }) &&
                std::ranges::all_of(q.conditions(), [&](const auto& c) { return meets(e, c); }))
                out.push_back(e.at);
        }
        if (in.is_backwards)
            std::ranges::reverse(out);
        if (out.size() > in.limit)
            out.resize(static_cast<std::size_t>(in.limit));
        return out;
    }
};

query random_item(dice& random) {
    query q;
    if (random.one_in(3))
        q.stream(random.of(streams));
    if (random.one_in(5))
        q.category(random.one_in(2) ? "user" : "order");
    while (random.one_in(3))
        q.type(random.of(types));
    while (random.one_in(3))
        q.tag(random.of(tags));
    return q;
}

query random_query(dice& random, const world& known) {
    auto q = random_item(random);
    while (random.one_in(4))
        q = q | random_item(random);
    const auto end = known.events.empty() ? 1 : known.events.back().at + 2;
    const auto moment = [&] {
        return known.events.empty() || random.one_in(5)
                   ? timestamp::from_milliseconds(static_cast<std::int64_t>(random.below(1000)))
                   : random.of(known.events).recorded;
    };
    if (random.one_in(3))
        q.from(position{random.below(end)});
    if (random.one_in(3))
        q.to(position{random.below(end)});
    if (q.items().size() == 1 && q.items()[0].stream) {
        if (random.one_in(2))
            q.from_revision(revision{random.below(40)});
        if (random.one_in(2))
            q.to_revision(revision{random.below(80)});
    }
    if (random.one_in(4))
        q.since(timestamp::from_milliseconds(static_cast<std::int64_t>(random.below(1000))));
    if (random.one_in(4))
        q.until(timestamp::from_milliseconds(static_cast<std::int64_t>(random.below(1000))));
    if (random.one_in(4))
        q.recorded_since(moment());
    if (random.one_in(4))
        q.recorded_until(moment());
    while (random.one_in(4)) {
        const auto op = random.of(orders);
        const auto n = static_cast<std::int64_t>(random.below(40)) - 20;
        if (random.one_in(2))
            q.where("/city", op, random.of(cities));
        else if (random.one_in(2))
            q.where("/n", op, n);
        else
            q.where("/n", op, static_cast<double>(n) + 0.5);
    }
    if (random.one_in(2))
        q.backwards();
    if (random.one_in(3))
        q.limit(random.below(12));
    return q;
}

void append_some(dice& random, store& s, world& known) {
    append_request request;
    stream_append to{.stream = random.of(streams)};
    std::vector<known_event> fresh;
    for (auto left = 1 + random.below(4); left > 0; --left) {
        known_event e{.stream = to.stream, .type = random.of(types), .city = random.of(cities)};
        for (const auto& tag : tags) {
            if (random.one_in(tag == "rare:1" ? 60 : 2))
                e.tags.push_back(tag);
        }
        if (!random.one_in(4))
            e.number = static_cast<std::int64_t>(random.below(40)) - 20;
        e.occurred = timestamp::from_milliseconds(static_cast<std::int64_t>(random.below(1000)));
        new_event made{
            .type = e.type,
            .payload = payload_of(e.number, e.city, random.one_in(3)),
            .tags = e.tags};
        made.occurred_at = e.occurred;
        to.events.push_back(std::move(made));
        fresh.push_back(std::move(e));
    }
    request.streams.push_back(std::move(to));
    const auto done = s.append(request).value();
    auto at = done.first.value();
    auto r = done.last_revisions.front().value() + 1 - fresh.size();
    for (const auto& e : s.read(query{}.from(done.first).to(done.last))) {
        auto& one = fresh[static_cast<std::size_t>(e.log_position - done.first)];
        one.at = at++;
        one.revision = r++;
        one.recorded = e.recorded_at;
    }
    known.events.insert(known.events.end(), fresh.begin(), fresh.end());
}

/// Batch by batch: views that live together, and numbers that tell the streams of a segment apart.
std::vector<std::uint64_t> take_batches(event_range& range) {
    std::vector<std::uint64_t> out;
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::string> names;
    for (auto some = range.next_batch(); !some.events.empty(); some = range.next_batch()) {
        REQUIRE(some.stream_numbers.size() == some.events.size());
        for (std::size_t i = 0; i < some.events.size(); ++i) {
            const auto& e = some.events[i];
            out.push_back(e.log_position.value());
            const auto [named, is_new] =
                names.try_emplace({some.segment, some.stream_numbers[i]}, e.stream);
            REQUIRE(named->second == e.stream);
            for (const auto tag : e.tags)
                REQUIRE(std::ranges::find(tags, tag) != tags.end());
        }
    }
    for (const auto& [a, name] : names) {
        for (const auto& [b, other] : names)
            REQUIRE(((a.first != b.first || a.second == b.second) || name != other));
    }
    return out;
}

/// Read in pieces, each by a cursor that was a text.
std::vector<std::uint64_t> read_in_pieces(dice& random, store& s, query q) {
    std::vector<std::uint64_t> out;
    auto left = q.within().limit;
    for (;;) {
        const auto piece = std::min<std::uint64_t>(left, 1 + random.below(9));
        auto range = s.read(query{q}.limit(piece));
        const auto before = out.size();
        if (random.one_in(2)) {
            const auto more = take_batches(range);
            out.insert(out.end(), more.begin(), more.end());
        } else {
            for (const auto& e : range)
                out.push_back(e.log_position.value());
        }
        const auto count = out.size() - before;
        const auto r = range.explanation().reading.value();
        REQUIRE(r.events_delivered == count);
        REQUIRE(
            r.events_decoded == r.events_delivered + r.events_failing_conditions +
                                    r.events_unmatched + r.events_at_other_times +
                                    r.events_out_of_reach
        );
        left -= count;
        if (count < piece || left == 0)
            return out;
        q.resume(query_cursor::parse(range.cursor().to_string()).value());
    }
}

template <class Stores>
std::uint64_t run_seed(std::uint64_t seed, std::uint64_t operations) {
    CAPTURE(seed);
    dice random{seed};
    Stores stores;
    const store_options options{
        .segment_bytes_max = 6000 + random.below(20'000),
        .event_bytes_max = 1024,
        .batch_bytes_max = 4096};
    auto s = stores.open_store(options);
    world known;
    std::uint64_t queries = 0;
    for (std::uint64_t i = 0; i < operations; ++i) {
        CAPTURE(i);
        const auto kind = random.below(100);
        if (kind < 45) {
            append_some(random, s, known);
        } else if (kind < 94) {
            const auto q = random_query(random, known);
            const auto got = read_in_pieces(random, s, q);
            CHECK(got == known.answer(q));
            ++queries;
        } else if (kind < 96) {
            s = stores.reopen(std::move(s), options);
        } else if (kind < 97) {
            s.engine().archive(random.of(streams), revision{1'000'000}, "");
        } else if (kind < 99) {
            const auto& stream = random.of(streams);
            const auto last = s.last_revision(stream);
            if (last) {
                const auto begin = random.below(last->value() + 2);
                s.truncate(stream, revision{begin}).value();
                known.begins[stream] = std::max(known.begins[stream], begin);
            }
        } else {
            s.scavenge();
        }
    }
    return queries;
}

} // namespace

TEST_CASE("any query answers as a filter over all events would, read in pieces") {
    std::uint64_t queries = 0;
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        queries += run_seed<simulated_stores>(seed, 500);
        queries += run_seed<memory_stores>(seed, 500);
    }
    for (std::uint64_t seed = 100; seed <= 103; ++seed)
        queries += run_seed<directory_stores>(seed, 500);
    std::printf(
        "queries: %llu random ones, seeds 1 to 16 and 100 to 103\n",
        static_cast<unsigned long long>(queries)
    );
}
