// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/event/event.hpp>
#include <everfold/testing/conformance.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <exception>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

namespace everfold::conformance {

namespace {

struct counted {
    static constexpr std::string_view event_type = "counted";
    std::uint64_t n{};
};

new_event
numbered(std::uint64_t n, std::string type = "counted", std::vector<std::string> tags = {}) {
    auto out = encoded(counted{n});
    out.type = std::move(type);
    out.tags = std::move(tags);
    return out;
}

append_request to_stream(
    std::string stream,
    std::vector<new_event> events,
    expected_revision expected = expected_revision::any()
) {
    append_request out;
    out.streams.push_back({std::move(stream), expected, std::move(events)});
    return out;
}

append_request under_id(append_request request, std::uint8_t id) {
    request.append_id.octets.fill(std::byte{id});
    return request;
}

append_request on_condition(append_request request, append_condition condition) {
    request.conditions.push_back(std::move(condition));
    return request;
}

using numbers = std::vector<std::uint64_t>;

/// The numbers of the events that a query reads.
numbers read_numbers(store& s, const query& q = {}) {
    numbers out;
    for (const auto& e : s.read(q))
        out.push_back(decode_as<counted>(e.payload).n);
    return out;
}

numbers positions_of(store& s, const query& q) {
    numbers out;
    for (const auto& e : s.read(q))
        out.push_back(e.log_position.value());
    return out;
}

/// What one case has found so far.
class checker {
public:
    void is(bool holds, const std::string& what) {
        ++checks_;
        if (!holds)
            failed_.push_back(what);
    }

    template <class A, class B>
    void equal(const A& found, const B& wanted, const std::string& what) {
        ++checks_;
        if (!(found == wanted))
            failed_.push_back(what + ": found " + in_words(found) + ", not " + in_words(wanted));
    }

    template <class Act>
    void throws(errc wanted, const Act& act, const std::string& what) {
        ++checks_;
        try {
            act();
        } catch (const error& e) {
            if (e.code() != wanted)
                failed_.push_back(what + ": another error, " + e.message());
            return;
        }
        failed_.push_back(what + ": nothing was thrown");
    }

    [[nodiscard]] std::uint64_t checks() const noexcept { return checks_; }

    [[nodiscard]] const std::vector<std::string>& failed() const noexcept { return failed_; }

private:
    static std::string in_words(std::uint64_t n) { return std::to_string(n); }

    static std::string in_words(int n) { return std::to_string(n); }

    static std::string in_words(position p) { return std::to_string(p.value()); }

    static std::string in_words(revision r) { return std::to_string(r.value()); }

    template <class T>
    static std::string in_words(const std::optional<T>& value) {
        return value ? in_words(*value) : "nothing";
    }

    static std::string in_words(const std::string& text) { return "'" + text + "'"; }

    template <class T>
    static std::string in_words(const std::vector<T>& list) {
        std::string out = "[";
        for (const auto& item : list)
            out += (out.size() == 1 ? "" : " ") + in_words(item);
        return out + "]";
    }

    std::uint64_t checks_{};
    std::vector<std::string> failed_{};
};

/// The store can't do what the case is about.
struct not_able : std::exception {
    explicit not_able(std::string w)
        : why{std::move(w)} {}

    [[nodiscard]] const char* what() const noexcept override { return why.c_str(); }

    std::string why;
};

store reopened(const subject& on, store s) {
    if (!on.reopen)
        throw not_able{"no reopen() was given: the events end with the store"};
    return on.reopen(std::move(s));
}

void needs(const store& s, bool store_capabilities::*what) {
    store_capabilities needed;
    needed.*what = true;
    for (auto& words : s.capabilities().lacking(needed))
        throw not_able{"the store says that it does not do this: " + words};
}

// ---- the cases

void empty_store(checker& check, const subject& on) {
    auto s = on.open_empty();
    check.equal(read_numbers(s), numbers{}, "events");
    check.equal(s.end(), position{0}, "end()");
    check.equal(s.streams(), std::vector<std::string>{}, "streams()");
    check.is(!s.last_revision("a"), "there is no last revision");
    check.is(!s.position_at(timestamp::from_milliseconds(4'000'000'000'000)), "nor a position");
    check.is(!s.log_id().is_nil(), "a store has an identity");
}

void order(checker& check, const subject& on) {
    auto s = on.open_empty();
    const auto first = s.append(to_stream("a", {numbered(1), numbered(2)})).value();
    const auto second = s.append(to_stream("b", {numbered(3)})).value();
    const auto third = s.append(to_stream("a", {numbered(4)})).value();
    check.is(first == appended{position{0}, position{1}, {revision{1}}}, "the first answer");
    check.is(second == appended{position{2}, position{2}, {revision{0}}}, "the second answer");
    check.is(third == appended{position{3}, position{3}, {revision{2}}}, "the third answer");
    check.equal(read_numbers(s), numbers{1, 2, 3, 4}, "forwards");
    check.equal(read_numbers(s, query{}.backwards()), numbers{4, 3, 2, 1}, "backwards");
    check.equal(positions_of(s, query{}.stream("a")), numbers{0, 1, 3}, "positions of a stream");
    check.equal(s.end(), position{4}, "end()");
    check.equal(s.last_revision("a"), std::optional{revision{2}}, "last_revision()");
    check.equal(s.streams(), std::vector<std::string>{"a", "b"}, "streams()");
}

void expectations(checker& check, const subject& on) {
    auto s = on.open_empty();
    const auto attempt = [&](expected_revision expected, bool wanted) {
        const auto result = s.append(to_stream("a", {numbered(9)}, expected));
        check.is(
            result.is_appended() == wanted,
            expected.to_string() + (wanted ? " is met" : " is not met")
        );
    };
    attempt(expected_revision::exists(), false);
    attempt(expected_revision::exactly(revision{0}), false);
    attempt(expected_revision::no_stream(), true);
    attempt(expected_revision::no_stream(), false);
    attempt(expected_revision::exists(), true);
    attempt(expected_revision::exactly(revision{0}), false);
    attempt(expected_revision::exactly(revision{1}), true);
    attempt(expected_revision::exactly(revision{3}), false);
    attempt(expected_revision::any(), true);
    check.equal(s.end(), position{4}, "a conflict appends nothing");
    const auto lost = s.append(to_stream("a", {numbered(9)}, expected_revision::no_stream()));
    const auto* why = lost.conflict_or_null();
    check.is(
        why != nullptr && why->stream == "a" && why->expected == expected_revision::no_stream() &&
            why->actual == revision{3},
        "a conflict says the stream, what was expected and what is there"
    );
}

void atomicity(checker& check, const subject& on) {
    auto s = on.open_empty();
    append_request both;
    both.streams.push_back({"a", expected_revision::no_stream(), {numbered(1), numbered(2)}});
    both.streams.push_back({"b", expected_revision::no_stream(), {numbered(3)}});
    const auto where = s.append(both).value();
    check.is(
        where == appended{position{0}, position{2}, {revision{1}, revision{0}}},
        "the answer has the last revision of each stream"
    );
    both.streams[0].expected = expected_revision::exactly(revision{1});
    const auto lost = s.append(both);
    check.is(
        lost.conflict_or_null() != nullptr && lost.conflict_or_null()->stream == "b",
        "one stream that is not as expected prevents all"
    );
    check.equal(read_numbers(s), numbers{1, 2, 3}, "nothing of it is there");
    check.equal(s.last_revision("a"), std::optional{revision{1}}, "nor counted");
}

void whole_batches(checker& check, const subject& on) {
    auto s = on.open_empty();
    constexpr std::uint64_t batches = 200;
    constexpr std::uint64_t in_batch = 5;
    std::jthread writer{[&] {
        for (std::uint64_t i = 0; i < batches; ++i) {
            append_request both;
            std::vector<new_event> events;
            for (std::uint64_t k = 0; k + 1 < in_batch; ++k)
                events.push_back(numbered(i));
            both.streams.push_back({"a", expected_revision::any(), std::move(events)});
            both.streams.push_back({"b", expected_revision::any(), {numbered(i)}});
            s.append(both).value();
        }
    }};
    bool are_whole = true;
    bool are_prefixes = true;
    std::uint64_t seen = 0;
    while (seen < batches * in_batch) {
        const auto all = read_numbers(s);
        are_whole = are_whole && all.size() % in_batch == 0;
        are_prefixes = are_prefixes && all.size() >= seen && std::ranges::is_sorted(all);
        seen = all.size();
    }
    writer.join();
    check.is(are_whole, "no reader sees a part of an append");
    check.is(are_prefixes, "what a reader has seen stays, and what comes is behind it");
}

void selecting(checker& check, const subject& on) {
    auto s = on.open_empty();
    s.append(to_stream("user-1", {numbered(0, "made", {"user:1", "team:red"})})).value();
    s.append(to_stream("user-2", {numbered(1, "made", {"user:2", "team:red"})})).value();
    s.append(
         to_stream("order-1", {numbered(2, "made", {"user:1"}), numbered(3, "paid", {"user:1"})})
    )
        .value();
    s.append(to_stream("user-1", {numbered(4, "left", {"user:1"})})).value();
    const auto are = [&](const query& q, const numbers& wanted, const std::string& what) {
        check.equal(read_numbers(s, q), wanted, what);
    };
    are(query{}.stream("user-1"), {0, 4}, "a stream");
    are(query{}.category("user"), {0, 1, 4}, "a category");
    are(query{}.type("made"), {0, 1, 2}, "a type");
    are(query{}.type("paid").type("left"), {3, 4}, "any of two types");
    are(query{}.tag("user", 1), {0, 2, 3, 4}, "a tag");
    are(query{}.tag("user:1").tag("team", "red"), {0}, "all of two tags");
    are(query{}.tag("user:1").type("made"), {0, 2}, "a tag and a type");
    are(query{}.stream("order-1") | query{}.tag("team:red"), {0, 1, 2, 3}, "an alternative");
    are(query{}.stream("nobody"), {}, "a stream that is not there");
    are(query{}.tag("user:1").backwards().limit(2), {4, 3}, "the last two");
    are(query{}.from(position{1}).to(position{3}), {1, 2, 3}, "positions, both included");
    are(query{}.stream("order-1").from_revision(revision{1}), {3}, "from a revision");
    are(query{}.stream("user-1").to_revision(revision{0}), {0}, "to a revision");
    are(query{}.limit(0), {}, "none at all");
    are(query{}.where("/n", comparison::greater, 2), {3, 4}, "by what the data says");
}

void cursors(checker& check, const subject& on) {
    auto s = on.open_empty();
    for (std::uint64_t n = 0; n < 10; ++n)
        s.append(to_stream(n % 2 == 0 ? "even" : "odd", {numbered(n)})).value();
    for (const bool is_backwards : {false, true}) {
        auto q = query{}.stream("even");
        if (is_backwards)
            q.backwards();
        const auto whole = read_numbers(s, q);
        numbers in_pieces;
        std::optional<query_cursor> at;
        for (;;) {
            auto piece = q;
            piece.limit(2);
            if (at)
                piece.resume(*at);
            auto range = s.read(piece);
            std::size_t here = 0;
            for (const auto& e : range) {
                in_pieces.push_back(decode_as<counted>(e.payload).n);
                ++here;
            }
            at = range.cursor();
            if (here == 0 || in_pieces.size() > whole.size())
                break;
        }
        check.equal(in_pieces, whole, is_backwards ? "in pieces, backwards" : "in pieces");
    }
}

void fields(checker& check, const subject& on) {
    auto s = on.open_empty();
    auto e = numbered(1, "made", {"a:1", "b:2"});
    e.version = 3;
    e.id.octets.fill(std::byte{0x11});
    e.correlation_id.octets.fill(std::byte{0x22});
    e.causation_id.octets.fill(std::byte{0x33});
    encode(counted{77}, e.metadata);
    e.occurred_at = timestamp::from_nanoseconds(1'704'067'200'123'456'789);
    s.append(to_stream("a", {e, numbered(2)})).value();
    std::vector<uuid> ids;
    for (const auto& found : s.read()) {
        ids.push_back(found.id);
        if (found.log_position > position{0})
            continue;
        check.is(found.type == "made" && found.version == 3, "type and version");
        check.is(found.id == e.id, "the id that was given");
        check.is(found.correlation_id == e.correlation_id, "the correlation id");
        check.is(found.causation_id == e.causation_id, "the causation id");
        check.is(std::ranges::equal(found.tags, e.tags), "the tags");
        check.is(std::ranges::equal(found.metadata, e.metadata), "the metadata");
        check.is(std::ranges::equal(found.payload, e.payload), "the payload");
        check.is(found.occurred_at == *e.occurred_at, "when it happened, to the nanosecond");
    }
    check.is(
        ids.size() == 2 && !ids.back().is_nil() && ids.back() != ids.front(),
        "an event without an id gets one of its own"
    );
    std::vector<uuid> again;
    for (const auto& found : s.read())
        again.push_back(found.id);
    check.is(again == ids, "and keeps it");
}

void refusals(checker& check, const subject& on) {
    auto s = on.open_empty();
    const auto refuses = [&](const append_request& request, errc why, const std::string& what) {
        check.throws(
            why, [&] { s.append(request).value(); }, what
        );
    };
    refuses({}, errc::invalid, "an append to no stream");
    refuses(to_stream("a", {}), errc::invalid, "an append of no event");
    refuses(to_stream("", {numbered(1)}), errc::invalid, "a stream without a name");
    refuses(to_stream("a\nb", {numbered(1)}), errc::invalid, "a name with a control character");
    refuses(to_stream("a", {numbered(1, "")}), errc::invalid, "an event type without a name");
    auto twice = to_stream("a", {numbered(1)});
    twice.streams.push_back(twice.streams.front());
    refuses(twice, errc::invalid, "a stream named twice");
    auto garbage = numbered(1);
    garbage.payload = {std::byte{0xFF}};
    refuses(to_stream("a", {garbage}), errc::encoding, "a payload that is no CBOR");
    check.equal(s.end(), position{0}, "nothing was appended");
}

void conditions(checker& check, const subject& on) {
    auto s = on.open_empty();
    needs(s, &store_capabilities::query_conditions);
    s.append(to_stream("seat-1", {numbered(0, "taken", {"seat:1"})})).value();
    s.append(to_stream("log", {numbered(1)})).value();
    const auto attempt = [&](append_condition condition) {
        return s.append(on_condition(to_stream("new", {numbered(9)}), std::move(condition)))
            .is_appended();
    };
    check.is(!attempt(no_event_matching{query{}.tag("seat", 1), {}}), "a match prevents it");
    check.is(attempt(no_event_matching{query{}.tag("seat", 1), position{0}}), "but not before");
    check.is(attempt(no_event_matching{query{}.tag("seat", 2), {}}), "nor where nothing matches");
    check.is(
        !attempt(stream_condition{"log", expected_revision::no_stream()}),
        "a stream that is not written may be asked about"
    );
    check.is(attempt(stream_condition{"log", expected_revision::exactly(revision{0})}), "the same");
    const auto lost = s.append(
        on_condition(to_stream("new", {numbered(9)}), no_event_matching{query{}.tag("seat", 1), {}})
    );
    check.is(
        lost.conflict_or_null() != nullptr && lost.conflict_or_null()->unmet &&
            lost.conflict_or_null()->found == position{0},
        "the conflict says which condition, and which event"
    );
}

void idempotency(checker& check, const subject& on) {
    auto s = on.open_empty();
    const auto request = under_id(to_stream("a", {numbered(1), numbered(2)}), 7);
    const auto first = s.append(request).value();
    s.append(to_stream("b", {numbered(3)})).value();
    check.is(s.append(request).value() == first, "repeated under its id it has the same answer");
    check.equal(read_numbers(s), numbers{1, 2, 3}, "and is there once");
    check.throws(
        errc::invalid,
        [&] { s.append(under_id(to_stream("a", {numbered(8)}), 7)).value(); },
        "other events under the same id"
    );
    const auto exact = under_id(to_stream("c", {numbered(4)}, expected_revision::no_stream()), 8);
    const auto at = s.append(exact).value();
    s.append(to_stream("c", {numbered(5)})).value();
    check.is(s.append(exact).value() == at, "also where its expectation does not hold any more");
}

void unknown_results(checker& check, const subject& on) {
    // The answer is lost, after the append or before: whoever does not know, repeats it.
    auto s = on.open_empty();
    numbers wanted;
    std::optional<revision> last;
    for (std::uint8_t n = 0; n < 20; ++n) {
        const auto request =
            under_id(to_stream("a", {numbered(n)}, expected_revision::of(last)), n + 1);
        if (n % 2 == 0)
            static_cast<void>(s.append(request).is_appended());
        if (n % 5 == 0 && on.reopen)
            s = on.reopen(std::move(s));
        last = s.append(request).value().last_revisions.front();
        wanted.push_back(n);
    }
    check.equal(read_numbers(s, query{}.stream("a")), wanted, "each event is there once");
}

void races(checker& check, const subject& on) {
    auto s = on.open_empty();
    constexpr int racers = 4;
    std::vector<std::atomic<int>> wins(static_cast<std::size_t>(on.rounds) * 2);
    std::barrier start{racers};
    {
        std::vector<std::jthread> threads;
        for (int me = 0; me < racers; ++me)
            threads.emplace_back([&, me] {
                for (std::size_t round = 0; round < wins.size(); ++round) {
                    const auto name = std::to_string(round);
                    auto mine =
                        to_stream("r-" + name, {numbered(round)}, expected_revision::no_stream());
                    if (round % 2 == 1) // the boundary goes across streams
                        mine = on_condition(
                            to_stream(
                                "s-" + name + "-" + std::to_string(me),
                                {numbered(round, "counted", {"race:" + name})}
                            ),
                            no_event_matching{query{}.tag("race:" + name), {}}
                        );
                    start.arrive_and_wait();
                    if (s.append(mine).is_appended())
                        ++wins[round];
                }
            });
    }
    for (const auto& won : wins)
        check.equal(won.load(), 1, "of racing writers exactly one wins");
    check.equal(s.end(), position{wins.size()}, "and the others appended nothing");
}

void waiting(checker& check, const subject& on) {
    auto s = on.open_empty();
    check.is(!s.wait_for(position{0}, std::chrono::milliseconds{1}), "nothing comes by itself");
    std::jthread writer{[&] { s.append(to_stream("a", {numbered(1)})).value(); }};
    check.is(s.wait_for(position{0}, std::chrono::seconds{60}), "who waits sees what comes");
    check.equal(read_numbers(s), numbers{1}, "and can read it");
}

void removal(checker& check, const subject& on) {
    auto s = on.open_empty();
    needs(s, &store_capabilities::removal);
    for (std::uint64_t n = 0; n < 6; ++n)
        s.append(to_stream(n % 2 == 0 ? "a" : "b", {numbered(n)})).value();
    s.truncate("a", revision{2}).value();
    s.tombstone("b").value();
    const auto look = [&](const std::string& when) {
        check.equal(read_numbers(s), numbers{4}, "what can be reached, " + when);
        check.equal(s.last_revision("a"), std::optional{revision{2}}, "revisions stay, " + when);
        check.throws(
            errc::tombstoned,
            [&] { s.append(to_stream("b", {numbered(9)})).value(); },
            "an append to a stream that has ended, " + when
        );
        check.throws(
            errc::tombstoned,
            [&] { static_cast<void>(read_numbers(s, query{}.stream("b"))); },
            "reading a stream that has ended, " + when
        );
    };
    look("by the rules");
    check.equal(s.scavenge().events, std::uint64_t{5}, "events that were removed");
    look("after the removal");
    check.equal(positions_of(s, query{}.stream("a")), numbers{4}, "positions stay");
}

void snapshots(checker& check, const subject& on) {
    auto s = on.open_empty();
    needs(s, &store_capabilities::snapshots);
    s.append(to_stream("a", {numbered(1), numbered(2)})).value();
    snapshot kept{.stream = "a", .fold = "sum", .at = revision{1}, .log_position = position{1}};
    encode(counted{3}, kept.state);
    s.engine().save_snapshot(kept);
    check.is(s.engine().load_snapshot("a", "sum", revision{1}) == kept, "it comes back");
    check.is(!s.engine().load_snapshot("a", "sum", revision{0}), "not before its revision");
    check.is(!s.engine().load_snapshot("a", "other", revision{1}), "not for another fold");
    auto ahead = kept;
    ahead.at = revision{7};
    check.throws(
        errc::invalid, [&] { s.engine().save_snapshot(ahead); }, "one that is ahead of the log"
    );
}

void reopening(checker& check, const subject& on) {
    auto s = on.open_empty();
    const auto request = under_id(to_stream("a", {numbered(1, "made", {"t:1"})}), 5);
    const auto first = s.append(request).value();
    s.append(to_stream("b", {numbered(2)})).value();
    const auto id = s.log_id();
    s = reopened(on, std::move(s));
    check.is(s.log_id() == id, "the identity");
    check.equal(read_numbers(s), numbers{1, 2}, "the events");
    check.equal(read_numbers(s, query{}.tag("t:1")), numbers{1}, "by a tag");
    check.equal(s.last_revision("a"), std::optional{revision{0}}, "the last revision");
    check.is(s.append(request).value() == first, "an append is known again");
    check.equal(
        s.append(to_stream("a", {numbered(3)})).value().last, position{2}, "positions go on"
    );
}

void closing(checker& check, const subject& on) {
    auto s = on.open_empty();
    s.append(to_stream("a", {numbered(1)})).value();
    s.close();
    s.close();
    check.equal(read_numbers(s), numbers{1}, "it still reads");
    bool is_refused = false;
    try {
        static_cast<void>(s.append(to_stream("a", {numbered(2)})).is_appended());
    } catch (const error&) {
        is_refused = true;
    }
    check.is(is_refused, "and takes nothing more");
}

struct named_case {
    const char* name;
    void (*run)(checker&, const subject&);
};

constexpr std::array cases{
    named_case{"an empty store has no events, streams or end", empty_store},
    named_case{"events are read in the order in which they were appended", order},
    named_case{"an expectation that does not hold appends nothing", expectations},
    named_case{"an append over several streams is whole or not at all", atomicity},
    named_case{"no reader sees a part of an append, or misses one", whole_batches},
    named_case{"a query selects by stream, category, type, tags, bounds and data", selecting},
    named_case{"reading in pieces by cursors is reading at once", cursors},
    named_case{"an event keeps its id, causes, times, tags and metadata", fields},
    named_case{"what can't be meant is refused before anything is appended", refusals},
    named_case{"a condition about other streams or a query is held", conditions},
    named_case{"an append that is repeated under its id is made once", idempotency},
    named_case{
        "whoever does not know the result repeats the append, and it is there once",
        unknown_results},
    named_case{"of racing writers with one expectation or boundary exactly one wins", races},
    named_case{"who waits for an event is woken by it", waiting},
    named_case{"what rules put out of reach is not read, removed or not", removal},
    named_case{"a snapshot comes back for its fold and revision", snapshots},
    named_case{"after closing and opening all is as it was", reopening},
    named_case{"a closed store refuses appends and still reads", closing},
};

outcome result_of(const named_case& c, const subject& on) {
    outcome out{.name = c.name};
    checker check;
    std::string thrown;
    try {
        c.run(check, on);
    } catch (const not_able& e) {
        out.what = verdict::skipped;
        out.why = e.why;
        return out;
    } catch (const std::exception& e) {
        thrown = std::string{"the store threw: "} + e.what() + '\n';
    }
    out.checks = check.checks();
    for (const auto& what : check.failed())
        out.why += what + '\n';
    out.why += thrown;
    out.what = out.why.empty() ? verdict::holds : verdict::fails;
    return out;
}

} // namespace

bool report::holds() const noexcept {
    const auto is = [](verdict v) { return [v](const outcome& o) { return o.what == v; }; };
    return std::ranges::none_of(cases, is(verdict::fails)) &&
           std::ranges::any_of(cases, is(verdict::holds));
}

std::uint64_t report::checks() const noexcept {
    std::uint64_t out = 0;
    for (const auto& o : cases)
        out += o.checks;
    return out;
}

std::string report::to_string() const {
    std::ostringstream out;
    std::array<int, 3> counts{};
    for (const auto& o : cases) {
        ++counts[static_cast<std::size_t>(o.what)];
        out << (o.what == verdict::holds   ? "holds    "
                : o.what == verdict::fails ? "FAILS    "
                                           : "skipped  ")
            << o.name << '\n';
        std::istringstream lines{o.why};
        for (std::string line; std::getline(lines, line);)
            out << "           " << line << '\n';
    }
    out << counts[0] << " hold, " << counts[1] << " fail, " << counts[2] << " skipped; " << checks()
        << " checks\n";
    return out.str();
}

report run(const subject& s, std::string_view only) {
    report out;
    for (const auto& c : cases) {
        if (std::string_view{c.name}.find(only) != std::string_view::npos)
            out.cases.push_back(result_of(c, s));
    }
    return out;
}

} // namespace everfold::conformance
