// SPDX-License-Identifier: MIT
// Events are removed for good; what is left has its positions, its revisions and its place in the
// chain.

#include <everfold/base/error.hpp>
#include <everfold/log/frame_walk.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/rewriting.hpp>
#include <everfold/log/segment_file.hpp>
#include <everfold/log/verification.hpp>

#include <doctest/doctest.h>
#include <support/log_verbs.hpp>
#include <support/random_log.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using log::event_log;

namespace {

log::log_options sealing(bool compresses) {
    auto out = small_log(log::access::existing, small_segment);
    out.compress_sealed = compresses;
    return out;
}

/// An event with all that a reader can know of it.
struct full_event {
    std::uint64_t at{};
    std::string stream{};
    std::uint64_t revision{};
    std::string type{};
    std::uint32_t version{};
    std::vector<std::string> tags{};
    std::int64_t recorded_ns{};
    timestamp occurred_at{};
    std::string payload{};

    friend bool operator==(const full_event&, const full_event&) = default;
};

std::vector<full_event> read_full(event_log& from, log::selection wanted = {}) {
    if (wanted.items.empty())
        wanted.items.emplace_back();
    const auto& index = from.index();
    log::log_cursor cursor{index, std::move(wanted)};
    std::vector<full_event> out;
    while (const auto* event = cursor.next()) {
        const auto& type = index.type(event->type);
        full_event e{
            .at = event->at.value(),
            .stream = std::string{event->stream},
            .revision = event->stream_revision.value(),
            .type = type.name,
            .version = type.version,
            .recorded_ns = event->record.recorded_ns,
            .occurred_at = event->record.occurred_at,
            .payload = std::string{as_text(event->record.payload)}};
        const auto& in = *event->in->index;
        for (std::size_t i = 0; i < event->record.tag_count(); ++i)
            e.tags.emplace_back(in.tag(in.tag_number(event->record.tag(i))));
        out.push_back(std::move(e));
    }
    return out;
}

std::map<std::string, std::uint64_t>
next_revisions(event_log& of, const std::vector<full_event>& events) {
    std::map<std::string, std::uint64_t> out;
    for (const auto& e : events)
        out[e.stream] = of.index().next_revision(e.stream).value_or(0);
    return out;
}

std::vector<std::string> texts(event_log& of) {
    std::vector<std::string> out;
    for (const auto& e : read_all(of))
        out.push_back(e.payload);
    return out;
}

/// Every way to ask gives what the model says.
void check_answers(event_log& of, const std::vector<full_event>& model, std::mt19937_64& random) {
    const auto& index = of.index();
    CHECK(read_full(of) == model);
    const auto matching = [&](const auto& is_wanted) {
        std::vector<full_event> out;
        std::ranges::copy_if(model, std::back_inserter(out), is_wanted);
        return out;
    };
    for (const auto* stream : {"a", "a-1", "b-11", "zürich-1"}) {
        log::selection one;
        one.items.emplace_back().streams = log::selection_item::stream_names{.exact = {stream}};
        CHECK(read_full(of, one) == matching([&](const full_event& e) {
                  return e.stream == stream;
              }));
        one.is_backwards = true;
        auto reversed = matching([&](const full_event& e) { return e.stream == stream; });
        std::ranges::reverse(reversed);
        CHECK(read_full(of, one) == reversed);
    }
    for (const auto* tag : {"k:1", "lang:é"}) {
        log::selection one;
        one.items.emplace_back().tags = {tag};
        CHECK(read_full(of, one) == matching([&](const full_event& e) {
                  return std::ranges::find(e.tags, tag) != e.tags.end();
              }));
    }
    log::selection typed;
    typed.items.emplace_back().types = {"closed"};
    CHECK(read_full(of, typed) == matching([](const full_event& e) { return e.type == "closed"; }));
    log::selection timed;
    timed.items.emplace_back();
    timed.since = timestamp::from_milliseconds(300);
    timed.until = timestamp::from_milliseconds(600);
    CHECK(read_full(of, timed) == matching([&](const full_event& e) {
              return e.occurred_at >= *timed.since && e.occurred_at <= *timed.until;
          }));
    for (int i = 0; i < 20; ++i) {
        log::selection part;
        part.items.emplace_back();
        part.from = position{random() % (index.end().value() + 2)};
        part.to = position{random() % (index.end().value() + 2)};
        part.is_backwards = i % 2 == 0;
        auto wanted = matching([&](const full_event& e) {
            return e.at >= part.from.value() && e.at <= part.to.value();
        });
        if (part.is_backwards)
            std::ranges::reverse(wanted);
        CHECK(read_full(of, part) == wanted);
    }
    std::set<std::string> streams;
    for (const auto& e : model) {
        streams.insert(e.stream);
        const auto found = index.position_of(e.stream, revision{e.revision});
        CHECK(found == position{e.at});
        CHECK(index.chain_at(position{e.at}).has_value());
        const auto at = index.position_at(timestamp::from_nanoseconds(e.recorded_ns));
        const auto last = std::ranges::find_if(model.rbegin(), model.rend(), [&](const auto& o) {
            return o.recorded_ns <= e.recorded_ns;
        });
        CHECK(at == position{last->at});
    }
    const auto names = index.stream_names();
    CHECK(std::set<std::string>(names.begin(), names.end()) == streams);
}

} // namespace

TEST_CASE("P15: what is left after removals is what was there, in its place") {
    std::uint64_t removed_in_all = 0;
    std::uint64_t logs = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random{seed};
        const auto disk = random_log(seed, 60);
        auto lives = 1000 * seed;
        const auto open = [&] {
            return event_log::open(
                io::simulated_machine(disk, ++lives, 2), "/log", sealing(seed % 2 == 0)
            );
        };
        auto to = open();
        auto model = read_full(*to);
        const auto revisions = next_revisions(*to, model);
        const auto end = to->index().end();
        std::map<std::uint64_t, std::uint64_t> chains;
        for (const auto& e : model)
            chains[e.at] = to->index().chain_at(position{e.at}).value();
        for (int round = 0; round < 4; ++round) {
            CAPTURE(round);
            std::set<std::uint64_t> gone;
            const auto from = random() % end.value();
            const auto share = 1 + random() % 4;
            for (const auto& e : model) {
                // A run, all of a stream, and some here and there.
                if ((e.at >= from && e.at < from + 20) || (round == 2 && e.stream == "a-1") ||
                    random() % (share * 3) == 0)
                    gone.insert(e.at);
            }
            // The last event of a stream stays as long as others do.
            std::map<std::string, std::pair<std::uint64_t, bool>> last;
            for (const auto& e : model) {
                auto& [at, any_left] = last[e.stream];
                at = e.at;
                any_left = any_left || !gone.contains(e.at);
            }
            for (const auto& [stream, of] : last) {
                if (of.second)
                    gone.erase(of.first);
            }
            const auto done = to->scavenge(plan_for(gone), "a test");
            CHECK(done.events == gone.size());
            removed_in_all += gone.size();
            std::erase_if(model, [&](const full_event& e) { return gone.contains(e.at); });
            check_answers(*to, model, random);
            for (const auto& e : model) {
                const auto chain = to->index().chain_at(position{e.at});
                CHECK(chain == chains[e.at]);
            }
            for (const auto& [stream, next] : revisions)
                CHECK(to->index().next_revision(stream) == next);
            if (round % 2 == 1) {
                to->close();
                to = open();
                CHECK(to->notes().notes.empty());
                check_answers(*to, model, random);
            }
            CHECK(to->index().end() == end);
            const auto checked = log::verify_log(
                to->machine(), "/log", [](const auto&) { return std::string{}; }, [](auto) {}
            );
            CHECK(checked.damage.empty());
            CHECK(checked.notes.empty());
            CHECK(checked.events == model.size());
            CHECK(checked.removed_events == end.value() - model.size());
            std::uint64_t recorded = 0;
            for (const auto& r : checked.removals) {
                CHECK(r.why == "a test");
                recorded += r.events;
            }
            CHECK(recorded == checked.removed_events);
            CHECK(to->take_notes().empty());
        }
        // It goes on.
        append_texts(*to, "a-1", {"after"});
        CHECK(to->index().next_revision("a-1") == revisions.at("a-1") + 1);
        ++logs;
    }
    std::printf(
        "scavenge: %llu logs, %llu events removed, every answer that of the events left\n",
        static_cast<unsigned long long>(logs),
        static_cast<unsigned long long>(removed_in_all)
    );
}

TEST_CASE("P15: the last event of a stream stays while others of it do, whatever is asked") {
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto to = event_log::open(io::simulated_machine(disk), "/log", small_log());
    append_texts(*to, "s", {"zero", "one", "two"});
    append_texts(*to, "t", {"zero", "one"});
    const std::set<std::uint64_t> gone{1, 2, 3, 4};
    CHECK(to->scavenge(plan_for(gone), "a test").events == 3);
    CHECK(texts(*to) == std::vector<std::string>{"zero", "two"});
    append_texts(*to, "s", {"three"});
    append_texts(*to, "t", {"two"});
    CHECK(to->index().position_of("s", revision{3}) == position{5});
    CHECK(to->index().position_of("t", revision{2}) == position{6});
    CHECK_FALSE(to->index().position_of("s", revision{1}));
    CHECK_FALSE(to->index().chain_at(position{1}));
}
