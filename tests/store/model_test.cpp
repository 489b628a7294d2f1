// SPDX-License-Identifier: MIT
// Random operations, against a model that is a vector.

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;

namespace {

struct modelled_event {
    std::string stream{};
    std::uint64_t revision{};
    std::string type{};
    std::vector<std::string> tags{};
    std::uint32_t number{};
    std::int64_t occurred_ms{};
};

class model {
public:
    std::vector<modelled_event> events{};

    [[nodiscard]] std::optional<revision> last(const std::string& stream) const {
        std::optional<revision> out;
        for (const auto& e : events) {
            if (e.stream == stream)
                out = revision{e.revision};
        }
        return out;
    }

    [[nodiscard]] std::vector<std::string> read(const query& q) const {
        std::vector<std::string> out;
        for (std::size_t i = 0; i < events.size(); ++i) {
            const auto& e = events[i];
            const auto& within = q.within();
            const auto occurred = timestamp::from_milliseconds(e.occurred_ms);
            const bool is_inside = i >= within.from.value() && i <= within.to.value() &&
                                   (!within.since || occurred >= *within.since) &&
                                   (!within.until || occurred <= *within.until);
            if (is_inside && std::ranges::any_of(q.items(), [&](const query_item& item) {
                    return matches(e, item);
                }))
                out.push_back(
                    std::to_string(i) + " " + e.stream + "@" + std::to_string(e.revision) + " " +
                    e.type + " {\"n\":" + std::to_string(e.number) + "}"
                );
        }
        if (q.within().is_backwards)
            std::ranges::reverse(out);
        if (out.size() > q.within().limit)
            out.resize(static_cast<std::size_t>(q.within().limit));
        return out;
    }

private:
    static bool matches(const modelled_event& e, const query_item& item) {
        const auto has_tag = [&](const std::string& tag) {
            return std::ranges::find(e.tags, tag) != e.tags.end();
        };
        return (item.types.empty() || std::ranges::find(item.types, e.type) != item.types.end()) &&
               std::ranges::all_of(item.tags, has_tag) &&
               (!item.stream || *item.stream == e.stream) &&
               (!item.category || category_of(e.stream) == *item.category);
    }
};

class generator {
public:
    explicit generator(std::uint64_t seed)
        : random_{seed} {}

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    bool with(double probability) {
        return std::uniform_real_distribution<>{0, 1}(random_) < probability;
    }

    std::string stream() {
        static const std::vector<std::string> names{"user-1", "user-2", "user-3", "order-1", "log"};
        return names[below(names.size())];
    }

    std::string type() { return "type_" + std::to_string(below(4)); }

    std::string tag() { return "tag:" + std::to_string(below(6)); }

    query items() {
        query q = item();
        if (with(0.15))
            q = q | item();
        return q;
    }

    query any_query(std::size_t events) {
        query q = items();
        if (with(0.3))
            q.from(position{below(events + 2)});
        if (with(0.3))
            q.to(position{below(events + 2)});
        if (with(0.2))
            q.since(timestamp::from_milliseconds(static_cast<std::int64_t>(below(1000))));
        if (with(0.2))
            q.until(timestamp::from_milliseconds(static_cast<std::int64_t>(below(1000))));
        if (with(0.4))
            q.backwards();
        if (with(0.3))
            q.limit(below(20));
        return q;
    }

private:
    query item() {
        query q;
        if (with(0.3))
            q.stream(stream());
        if (with(0.2))
            q.category(with(0.5) ? "user" : "order");
        for (int i = 0; i < 2; ++i) {
            if (with(0.25))
                q.type(type());
            if (with(0.25))
                q.tag(tag());
        }
        return q;
    }

    std::mt19937_64 random_;
};

/// Of what was read of the model, the first one at or behind.
std::optional<std::uint64_t> first_match(const model& m, query q, std::uint64_t from) {
    const auto found = m.read(std::move(q.from(position{from})));
    return found.empty() ? std::nullopt : std::optional{std::stoull(found.front())};
}

/// Adds conditions; whether they hold.
bool add_conditions(generator& random, const model& m, append_request& request) {
    bool holds = true;
    while (random.with(0.3)) {
        if (random.with(0.5)) {
            stream_condition in{random.stream()};
            const auto last = m.last(in.stream);
            if (random.with(0.7))
                in.expected =
                    random.with(0.8) ? expected_revision::of(last) : expected_revision::no_stream();
            holds = holds && in.expected.holds_for(last);
            request.conditions.emplace_back(std::move(in));
        } else {
            no_event_matching none{.matching = random.items()};
            if (random.with(0.9))
                none.after = position{m.events.size() - random.below(m.events.size() + 1)};
            holds = holds && !first_match(m, none.matching, none.first().value());
            request.conditions.emplace_back(std::move(none));
        }
    }
    return holds;
}

/// An append that was made, and its answer.
struct remembered {
    append_request request{};
    appended answer{};
};

void append_at_random(
    generator& random, store& s, model& m, std::optional<remembered>& last_made, std::uint64_t op
) {
    append_request request;
    if (random.with(0.5)) {
        for (std::size_t k = 0; k < 8; ++k)
            request.append_id.octets[k] = static_cast<std::byte>((op + 1) >> (8 * k));
    }
    model after = m;
    bool is_admitted = true;
    const auto streams = 1 + random.below(2);
    for (std::uint64_t i = 0; i < streams; ++i) {
        stream_append to{.stream = random.stream()};
        if (i == 1 && to.stream == request.streams[0].stream)
            break;
        const auto last = m.last(to.stream);
        switch (random.below(5)) {
        case 0:
            to.expected = expected_revision::no_stream();
            break;
        case 1:
            to.expected = expected_revision::exists();
            break;
        case 2:
            to.expected = expected_revision::of(last);
            break;
        case 3:
            to.expected = expected_revision::exactly(revision{random.below(10)});
            break;
        default:
            break;
        }
        is_admitted = is_admitted && to.expected.holds_for(last);
        auto next = last ? last->value() + 1 : 0;
        for (std::uint64_t k = 0; k <= random.below(3); ++k) {
            modelled_event e{
                .stream = to.stream,
                .revision = next++,
                .type = random.type(),
                .number = static_cast<std::uint32_t>(random.below(100'000)),
                .occurred_ms = static_cast<std::int64_t>(random.below(1000))};
            while (random.with(0.5))
                e.tags.push_back(random.tag());
            auto fresh = numbered(e.number, e.type, e.tags);
            fresh.occurred_at = timestamp::from_milliseconds(e.occurred_ms);
            to.events.push_back(std::move(fresh));
            after.events.push_back(std::move(e));
        }
        request.streams.push_back(std::move(to));
    }
    is_admitted = add_conditions(random, m, request) && is_admitted;
    const auto result = random.with(0.2) ? s.append_async(request).get() : s.append(request);
    CHECK(result.is_appended() == is_admitted);
    if (!is_admitted) {
        const auto& lost = *result.conflict_or_null();
        CHECK(
            (lost.unmet ? first_match(m, lost.unmet->matching, lost.unmet->first().value()) ==
                              lost.found.value().value()
                        : m.last(lost.stream) == lost.actual)
        );
        return;
    }
    if (!request.append_id.is_nil() && result.is_appended())
        last_made = {std::move(request), *result};
    m = std::move(after);
}

template <class Stores>
std::uint64_t run_seed(std::uint64_t seed, std::uint64_t operations) {
    CAPTURE(seed);
    generator random{seed};
    Stores stores;
    const store_options options{
        .segment_bytes_max = 6000 + random.below(20'000),
        .event_bytes_max = 1024,
        .batch_bytes_max = 8192};
    auto s = stores.open_store(options);
    model m;
    std::optional<remembered> last_made;
    for (std::uint64_t i = 0; i < operations; ++i) {
        CAPTURE(i);
        const auto kind = random.below(100);
        if (kind < 50) {
            append_at_random(random, s, m, last_made, i);
        } else if (kind < 55) {
            // Whatever its conditions would say now.
            if (last_made)
                CHECK(s.append(last_made->request).value() == last_made->answer);
        } else if (kind < 96) {
            const auto q = random.any_query(m.events.size());
            CHECK(lines_of(s.read(q)) == m.read(q));
        } else if (kind < 98) {
            s = stores.reopen(std::move(s), options);
        } else if (kind < 99) {
            const auto stream = random.stream();
            s.engine().archive(stream, m.last(stream).value_or(revision{}), "");
        } else {
            const auto stream = random.stream();
            CHECK(s.last_revision(stream) == m.last(stream));
            CHECK(s.end() == position{m.events.size()});
        }
    }
    CHECK(lines_of(s.read()) == m.read({}));
    return operations;
}

} // namespace

TEST_CASE("a store answers as a vector of events would") {
    // EVERFOLD_FULL: two million operations, for a machine that has the time.
    const std::uint64_t seeds = std::getenv("EVERFOLD_FULL") != nullptr ? 2600 : 130;
    std::uint64_t operations = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        operations += run_seed<simulated_stores>(seed, 400);
        operations += run_seed<memory_stores>(seed, 400);
    }
    for (std::uint64_t seed = 10'001; seed <= 10'004; ++seed)
        operations += run_seed<directory_stores>(seed, 400);
    std::printf(
        "model: %llu random operations, seeds 1 to %llu\n",
        static_cast<unsigned long long>(operations),
        static_cast<unsigned long long>(seeds)
    );
}
