// SPDX-License-Identifier: MIT
// The suite that every store must pass, on ours; and that it finds what a store does wrong.

#include <everfold/base/error.hpp>
#include <everfold/testing/conformance.hpp>

#include <doctest/doctest.h>
#include <support/stores.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace everfold;
using namespace everfold::testing;
using conformance::verdict;

namespace {

/// A store that does what another one does.
class forwarding : public store_engine {
public:
    explicit forwarding(store to)
        : to_{std::move(to)} {}

    [[nodiscard]] uuid log_id() const override { return next().log_id(); }

    [[nodiscard]] std::shared_ptr<io::clock> clock() const override { return next().clock(); }

    [[nodiscard]] store_capabilities capabilities() const override { return next().capabilities(); }

    [[nodiscard]] open_report report() const override { return next().report(); }

    void note(std::string sentence) const override { next().note(std::move(sentence)); }

    [[nodiscard]] append_result append(const append_request& r) override {
        return next().append(r);
    }

    [[nodiscard]] std::future<append_result> append_async(const append_request& r) override {
        return next().append_async(r);
    }

    [[nodiscard]] position durable_position() override { return next().durable_position(); }

    [[nodiscard]] bool wait_durable(position p, std::chrono::milliseconds timeout) override {
        return next().wait_durable(p, timeout);
    }

    [[nodiscard]] std::unique_ptr<event_cursor> read(const query& q) override {
        return next().read(q);
    }

    [[nodiscard]] query_explanation explain(const query& q) override { return next().explain(q); }

    [[nodiscard]] position end() override { return next().end(); }

    [[nodiscard]] std::optional<revision> last_revision(std::string_view stream) override {
        return next().last_revision(stream);
    }

    [[nodiscard]] std::optional<position> position_at(timestamp t) override {
        return next().position_at(t);
    }

    [[nodiscard]] std::vector<std::string> streams() override { return next().streams(); }

    [[nodiscard]] bool wait_for(position p, std::chrono::milliseconds timeout) override {
        return next().wait_for(p, timeout);
    }

    scavenge_report
    remove(std::span<const position> positions, const scavenge_options& options) override {
        return next().remove(positions, options);
    }

    void save_snapshot(const snapshot& s) override { next().save_snapshot(s); }

    [[nodiscard]] std::optional<snapshot>
    load_snapshot(std::string_view stream, std::string_view fold, revision up_to) override {
        return next().load_snapshot(stream, fold, up_to);
    }

    archive_report archive(std::string_view stream, revision up_to, std::string_view why) override {
        return next().archive(stream, up_to, why);
    }

    [[nodiscard]] append_result
    truncate(std::string_view stream, revision begin, expected_revision expected) override {
        return next().truncate(stream, begin, expected);
    }

    [[nodiscard]] append_result
    tombstone(std::string_view stream, expected_revision expected, std::string_view why) override {
        return next().tombstone(stream, expected, why);
    }

    [[nodiscard]] append_result retain(std::string_view stream, const retention& kept) override {
        return next().retain(stream, kept);
    }

    [[nodiscard]] append_result
    describe(std::string_view stream, bytes_view metadata, expected_revision expected) override {
        return next().describe(stream, metadata, expected);
    }

    [[nodiscard]] stream_info about(std::string_view stream) override {
        return next().about(stream);
    }

    [[nodiscard]] std::unique_ptr<stream_cursor> list_streams() override {
        return next().list_streams();
    }

    [[nodiscard]] std::optional<stream_end> end_of(std::string_view stream) override {
        return next().end_of(stream);
    }

    scavenge_report scavenge(const scavenge_options& options) override {
        return next().scavenge(options);
    }

    [[nodiscard]] std::vector<compaction_record> compactions() override {
        return next().compactions();
    }
    [[nodiscard]] std::vector<removal_record> removals() override { return next().removals(); }

    [[nodiscard]] store_stats stats() override { return next().stats(); }

    void close() override { next().close(); }

    [[nodiscard]] checkpoint checkpoint_at(position p) override { return next().checkpoint_at(p); }

protected:
    [[nodiscard]] store_engine& next() const { return to_.engine(); }

private:
    store to_;
};

// ---- stores that do one thing wrong

struct admits_anything : forwarding {
    using forwarding::forwarding;

    append_result append(const append_request& r) override {
        auto changed = r;
        for (auto& to : changed.streams)
            to.expected = expected_revision::any();
        return forwarding::append(changed);
    }
};

struct ignores_conditions : forwarding {
    using forwarding::forwarding;

    append_result append(const append_request& r) override {
        auto changed = r;
        changed.conditions.clear();
        return forwarding::append(changed);
    }
};

struct forgets_append_ids : forwarding {
    using forwarding::forwarding;

    append_result append(const append_request& r) override {
        auto changed = r;
        changed.append_id = {};
        return forwarding::append(changed);
    }
};

struct appends_stream_by_stream : forwarding {
    using forwarding::forwarding;

    append_result append(const append_request& r) override {
        if (r.streams.size() < 2)
            return forwarding::append(r);
        std::optional<appended> all;
        for (const auto& to : r.streams) {
            append_request one;
            one.streams.push_back(to);
            const auto done = forwarding::append(one);
            if (!done)
                return done;
            if (!all) {
                all = *done;
            } else {
                all->last = done->last;
                all->last_revisions.push_back(done->last_revisions.front());
            }
        }
        return *all;
    }
};

struct drops_metadata : forwarding {
    using forwarding::forwarding;

    append_result append(const append_request& r) override {
        auto changed = r;
        for (auto& to : changed.streams)
            for (auto& e : to.events)
                e.metadata.clear();
        return forwarding::append(changed);
    }
};

struct rounds_times : forwarding {
    using forwarding::forwarding;

    append_result append(const append_request& r) override {
        auto changed = r;
        for (auto& to : changed.streams)
            for (auto& e : to.events)
                if (e.occurred_at)
                    e.occurred_at = timestamp::from_milliseconds(e.occurred_at->to_milliseconds());
        return forwarding::append(changed);
    }
};

struct answers_off_by_one : forwarding {
    using forwarding::forwarding;

    append_result append(const append_request& r) override {
        const auto done = forwarding::append(r);
        if (!done)
            return done;
        auto changed = *done;
        changed.last = changed.last.next();
        return changed;
    }
};

struct reads_forwards_only : forwarding {
    using forwarding::forwarding;

    std::unique_ptr<event_cursor> read(const query& q) override {
        if (!q.within().is_backwards)
            return forwarding::read(q);
        auto all = query{};
        return forwarding::read(all);
    }
};

class without_the_first final : public event_cursor {
public:
    explicit without_the_first(std::unique_ptr<event_cursor> of)
        : of_{std::move(of)} {}

    const recorded_event* next() override {
        if (std::exchange(is_first_, false))
            static_cast<void>(of_->next());
        return of_->next();
    }

    [[nodiscard]] query_cursor cursor() const override { return of_->cursor(); }

    [[nodiscard]] query_explanation explanation() const override { return of_->explanation(); }

private:
    std::unique_ptr<event_cursor> of_;
    bool is_first_{true};
};

struct resumes_one_too_far : forwarding {
    using forwarding::forwarding;

    std::unique_ptr<event_cursor> read(const query& q) override {
        auto found = forwarding::read(q);
        if (!q.resumed())
            return found;
        return std::make_unique<without_the_first>(std::move(found));
    }
};

struct takes_appends_when_closed : forwarding {
    using forwarding::forwarding;

    void close() override {}
};

struct never_wakes : forwarding {
    using forwarding::forwarding;

    bool wait_for(position /*p*/, std::chrono::milliseconds /*timeout*/) override { return false; }
};

struct loses_snapshots : forwarding {
    using forwarding::forwarding;

    void save_snapshot(const snapshot& /*s*/) override {}
};

struct removes_nothing : forwarding {
    using forwarding::forwarding;

    append_result truncate(
        std::string_view /*stream*/, revision /*begin*/, expected_revision /*expected*/
    ) override {
        return appended{};
    }
};

struct counts_too_few : forwarding {
    using forwarding::forwarding;

    position end() override {
        const auto all = forwarding::end();
        return all == position{} ? all : position{all.value() - 1};
    }
};

template <class Wrong>
conformance::report of_wrong() {
    return conformance::run(
        {.open_empty = [] { return store{std::make_shared<Wrong>(open("memory:"))}; }, .rounds = 3}
    );
}

bool fails(const conformance::report& found, const std::string& part_of_name) {
    return std::ranges::any_of(found.cases, [&](const conformance::outcome& o) {
        return o.what == verdict::fails && o.name.find(part_of_name) != std::string::npos;
    });
}

} // namespace

TEST_CASE_TEMPLATE(
    "each of our stores passes the suite for stores",
    Stores,
    memory_stores,
    directory_stores,
    simulated_stores
) {
    std::vector<std::unique_ptr<Stores>> kept; // a directory goes with the object
    conformance::subject on;
    on.open_empty = [&] {
        kept.push_back(std::make_unique<Stores>());
        return kept.back()->open_store();
    };
    if (Stores::can_reopen)
        on.reopen = [&](store s) {
            s.close();
            auto& last = *kept.back();
            s = open("memory:"); // gives up the log before it is opened again
            return last.open_store();
        };
    const auto found = conformance::run(on);
    std::printf(
        "%zu cases, %llu checks\n",
        found.cases.size(),
        static_cast<unsigned long long>(found.checks())
    );
    CHECK_MESSAGE(found.holds(), found.to_string());
    const auto skipped =
        std::ranges::count(found.cases, verdict::skipped, &conformance::outcome::what);
    CHECK(skipped == (Stores::can_reopen ? 0 : 1));
}

TEST_CASE("a store that does one thing wrong fails the case that is about it") {
    const auto right = of_wrong<forwarding>();
    CHECK_MESSAGE(right.holds(), right.to_string());
    CHECK(fails(of_wrong<admits_anything>(), "an expectation that does not hold"));
    CHECK(fails(of_wrong<admits_anything>(), "exactly one wins"));
    CHECK(fails(of_wrong<ignores_conditions>(), "a condition about other streams"));
    CHECK(fails(of_wrong<forgets_append_ids>(), "repeated under its id"));
    CHECK(fails(of_wrong<forgets_append_ids>(), "does not know the result"));
    CHECK(fails(of_wrong<appends_stream_by_stream>(), "whole or not at all"));
    CHECK(fails(of_wrong<drops_metadata>(), "an event keeps its id"));
    CHECK(fails(of_wrong<rounds_times>(), "an event keeps its id"));
    CHECK(fails(of_wrong<answers_off_by_one>(), "in the order in which"));
    CHECK(fails(of_wrong<reads_forwards_only>(), "in the order in which"));
    CHECK(fails(of_wrong<resumes_one_too_far>(), "reading in pieces"));
    CHECK(fails(of_wrong<takes_appends_when_closed>(), "a closed store refuses"));
    CHECK(fails(of_wrong<never_wakes>(), "who waits for an event"));
    CHECK(fails(of_wrong<loses_snapshots>(), "a snapshot comes back"));
    CHECK(fails(of_wrong<removes_nothing>(), "what rules put out of reach"));
    CHECK(fails(of_wrong<counts_too_few>(), "in the order in which"));
}

TEST_CASE("what a store says that it can't do is skipped, and said") {
    struct modest : forwarding {
        using forwarding::forwarding;

        store_capabilities capabilities() const override { return {}; }
    };
    const auto found = of_wrong<modest>();
    CHECK_MESSAGE(found.holds(), found.to_string());
    const auto text = found.to_string();
    CHECK(
        text.find("skipped  a condition about other streams or a query is held\n") !=
        std::string::npos
    );
    CHECK(text.find("an append may demand that nothing matches a query") != std::string::npos);
    CHECK(text.find("14 hold, 0 fail, 4 skipped; ") != std::string::npos);
}

TEST_CASE("a suite of which nothing ran holds nothing") {
    const auto found =
        conformance::run({.open_empty = [] { return open("memory:"); }}, "no such case");
    CHECK(found.cases.empty());
    CHECK_FALSE(found.holds());
}

TEST_CASE("a store that lacks what the program needs is not opened, and the error says what") {
    store_options options;
    options.needs.outlives_process = true;
    try {
        static_cast<void>(open("memory:", options));
        FAIL("it was opened");
    } catch (const error& e) {
        CHECK(e.code() == errc::unsupported);
        CHECK(
            e.message() == "the store 'memory:' can't do what the program needs: events outlive "
                           "the process. Open a "
                           "directory instead of 'memory:'"
        );
    }
    options.needs = {.query_conditions = true, .removal = true, .snapshots = true};
    CHECK(open("memory:", options).capabilities() == options.needs);

    const scratch_dir directory;
    options.needs.mirrored = true;
    try {
        static_cast<void>(open(directory / "log", options));
        FAIL("it was opened");
    } catch (const error& e) {
        CHECK(e.message().find("a second directory") != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(directory / "log"));
    options.mirror = directory / "mirror";
    const auto both = open(directory / "log", options);
    CHECK(both.capabilities().mirrored);
    CHECK(
        both.capabilities().to_string().find("yes  each append is in a second directory") !=
        std::string::npos
    );
}
