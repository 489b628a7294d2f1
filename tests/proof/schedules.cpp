// SPDX-License-Identifier: MIT
// T13: two or three threads at work on one log, of which one runs at a time. Another may go on at
// every operation of the disk, in every possible order; and at every lock, in random ones. Whoever
// reads sees a prefix, of what survives a power cut, with all that was acknowledged before; nobody
// waits for ever; and the next process finds the order that the appenders were told.

#include <everfold/base/error.hpp>
#include <everfold/projection/subscription.hpp>

#include <proof/one_at_a_time.hpp>
#include <proof/proof.hpp>
#include <support/stores.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace everfold::proof {

namespace {

using namespace testing;
using lines = std::vector<std::string>;

store_options options_of(open_mode mode) {
    store_options out;
    out.mode = mode;
    out.event_bytes_max = 512;
    out.batch_bytes_max = 640;
    out.compress_sealed = false;
    return out;
}

bool is_prefix(const lines& of, const lines& all) {
    return of.size() <= all.size() && std::equal(of.begin(), of.end(), all.begin());
}

/// A log with a few events, on which threads work.
class scene {
public:
    scene(const std::shared_ptr<io::simulated_disk>& on, bool shows_too_much, bool asks_the_disk)
        : disk_{on->after_kill()}
        , shows_too_much_{shows_too_much}
        , asks_the_disk_{asks_the_disk}
        , s_{open("/log", options_of(open_mode::existing), io::simulated_machine(disk_, 50))}
        , reader_{open("/log", options_of(open_mode::read_only), io::simulated_machine(disk_, 51))}
        , at_first_{lines_of(s_->read())} {
        disk_->observe([](std::uint64_t, io::operation, const std::string&) { schedule::point(); });
    }

    scene(const scene&) = delete;
    scene& operator=(const scene&) = delete;
    scene(scene&&) = delete;
    scene& operator=(scene&&) = delete;
    ~scene() = default;

    /// One event of a stream of the thread's own, or of all threads'.
    void append(std::uint32_t number, const std::string& stream, expected_revision expected) {
        guarded([&] {
            const auto before = told();
            auto e = numbered(number, "counted");
            e.tags.push_back("k:" + std::string(fill_, '.'));
            const auto result = s_->append(to_stream(stream, {e}, expected));
            if (!result.is_appended()) {
                const std::lock_guard lock{mutex_};
                ++refused_;
                return;
            }
            const auto line = std::to_string(result->first.value()) + " " + stream + "@" +
                              std::to_string(result->last_revisions.front().value()) +
                              " counted {\"n\":" + std::to_string(number) + "}";
            require(
                before.empty() || result->first.value() > before.rbegin()->first,
                "an append got a place before one that was acknowledged"
            );
            const std::lock_guard lock{mutex_};
            require(
                acknowledged_.emplace(result->first.value(), line).second,
                "two appends got one place"
            );
        });
    }

    void append_unless_closed(std::uint32_t number) {
        may_be_closed_ = true;
        append(number, "s", expected_revision::any());
    }

    /// Through the writer's own store.
    void read() {
        guarded([&] { look(*s_, seen_); });
    }

    /// As another process.
    void read_from_outside() {
        guarded([&] { look(*reader_, seen_outside_); });
    }

    void follow(subscription& by, lines& handled) {
        guarded([&] {
            const auto before = told();
            by.catch_up();
            check_seen(handled, before, false);
        });
    }

    void archive() {
        guarded([&] { s_->engine().archive("s", revision{99}, ""); });
    }

    void close() {
        guarded([&] { s_->close(); });
    }

    [[nodiscard]] store& writer() { return *s_; }

    [[nodiscard]] io::machine machine() const { return io::simulated_machine(disk_, 52); }

    void wants_long_names() { fill_ = 150; }

    /// Once all threads are at their end.
    [[nodiscard]] std::string fault() {
        disk_->observe({});
        if (!fault_.empty())
            return fault_;
        auto expected = at_first_;
        for (const auto& [at, line] : acknowledged_) {
            if (at != expected.size())
                return "there is a gap between the places of appends";
            expected.push_back(line);
        }
        if (!may_be_closed_ && lines_of(reader_->read()) != expected)
            return "a reader does not see in the end what was acknowledged";
        if (cut() != expected)
            return "a power cut leaves something else than was acknowledged";
        try {
            s_->close();
        } catch (const error& e) {
            return std::string{"it does not close: "} + e.what();
        }
        s_.reset();
        auto next = open(
            "/log", options_of(open_mode::existing), io::simulated_machine(disk_->after_kill(), 60)
        );
        return lines_of(next.read()) == expected ? "" : "the next process finds something else";
    }

    [[nodiscard]] std::size_t refused() const { return refused_; }

private:
    using places = std::map<std::uint64_t, std::string>;

    struct violated {
        std::string what{};
    };

    static void require(bool is_so, const char* what) {
        if (!is_so)
            throw violated{what}; // NOLINT(hicpp-exception-baseclass)
    }

    template <class Do>
    void guarded(const Do& work) {
        std::string found;
        try {
            work();
        } catch (const violated& v) {
            found = v.what;
        } catch (const error& e) {
            if (!may_be_closed_ || e.code() != errc::read_only)
                found = std::string{"an error where nothing fails: "} + e.what();
        }
        const std::lock_guard lock{mutex_};
        if (fault_.empty())
            fault_ = found;
    }

    [[nodiscard]] places told() {
        const std::lock_guard lock{mutex_};
        return acknowledged_;
    }

    void look(store& by, lines& seen_before) {
        const auto before = told();
        auto seen = shows_too_much_ ? written() : lines_of(by.read());
        require(is_prefix(seen_before, seen), "a reader sees less than it has seen before");
        check_seen(seen, before, true);
        seen_before = std::move(seen);
    }

    void check_seen(const lines& seen, const places& before, bool is_whole) {
        require(!is_whole || is_prefix(at_first_, seen), "a reader does not see what was there");
        for (const auto& [at, line] : before)
            require(
                std::find(seen.begin(), seen.end(), line) != seen.end(),
                "a reader does not see what was acknowledged before it began"
            );
        for (std::size_t i = 0; is_whole && i < seen.size(); ++i)
            require(
                seen[i].starts_with(std::to_string(i) + " "), "a reader sees events out of order"
            );
        if (is_whole && asks_the_disk_)
            require(is_prefix(seen, cut()), "a reader sees what a power cut takes away");
    }

    /// What the next process would find if the power went now.
    [[nodiscard]] lines cut() const {
        auto after = open(
            "/log",
            options_of(open_mode::existing),
            io::simulated_machine(disk_->after_power_cut(io::power_cut::lose_all, 1), 61, 2)
        );
        return lines_of(after.read());
    }

    /// For a test of the test: all that is written, durable or not.
    [[nodiscard]] lines written() const {
        auto after = open(
            "/log", options_of(open_mode::existing), io::simulated_machine(disk_->after_kill(), 62)
        );
        return lines_of(after.read());
    }

    std::shared_ptr<io::simulated_disk> disk_;
    bool shows_too_much_;
    bool asks_the_disk_;
    std::optional<store> s_;
    std::optional<store> reader_;
    lines at_first_;
    lines seen_{};
    lines seen_outside_{};
    std::size_t fill_{1};
    std::atomic<bool> may_be_closed_{};
    std::mutex mutex_{}; // of the three below
    places acknowledged_{};
    std::size_t refused_{};
    std::string fault_{};
};

using threads = std::vector<std::function<void()>>;

/// Who works beside whom.
struct cast {
    const char* name;
    threads (*of)(scene&);
    bool has_refusals{}; ///< one of the appends finds its condition unmet
    bool rotates{};
};

constexpr auto any = [] { return expected_revision::any(); };

const std::array casts{
    cast{
        "two appenders",
        [](scene& w) {
            return threads{[&] { w.append(1, "s", any()); }, [&] { w.append(2, "s", any()); }};
        }},
    cast{
        "two appenders that want to be the first",
        [](scene& w) {
            return threads{
                [&] { w.append(1, "new", expected_revision::no_stream()); },
                [&] { w.append(2, "new", expected_revision::no_stream()); }};
        },
        true},
    cast{
        "an appender and a reader of its store",
        [](scene& w) {
            return threads{
                [&] {
                    w.append(1, "s", any());
                    w.append(2, "t", any());
                },
                [&] {
                    w.read();
                    w.read();
                }};
        }},
    cast{
        "an appender and a reader of another process",
        [](scene& w) {
            return threads{
                [&] {
                    w.append(1, "s", any());
                    w.append(2, "t", any());
                },
                [&] {
                    w.read_from_outside();
                    w.read_from_outside();
                }};
        }},
    cast{
        "an appender and a subscription",
        [](scene& w) {
            return threads{
                [&] { w.append(1, "s", any()); },
                [&] {
                    lines handled;
                    subscription by{w.writer(), checkpoint_file{"/kept", w.machine()}};
                    by.on_any([&](const recorded_event& e) {
                        handled.push_back(
                            std::to_string(e.log_position.value()) + " " + std::string{e.stream} +
                            "@" + std::to_string(e.stream_revision.value()) + " " +
                            std::string{e.type} + " " + e.to_json()
                        );
                    });
                    w.follow(by, handled);
                    w.follow(by, handled);
                }};
        }},
    cast{
        "an appender that rotates, and two readers",
        [](scene& w) {
            w.wants_long_names();
            return threads{
                [&] {
                    w.append(1, "s", any());
                    w.append(2, "s", any());
                    w.append(3, "s", any());
                },
                [&] { w.read(); },
                [&] { w.read_from_outside(); }};
        },
        false,
        true},
    cast{
        "an appender, an archive and a reader",
        [](scene& w) {
            return threads{
                [&] { w.append(1, "s", any()); },
                [&] { w.archive(); },
                [&] { w.read_from_outside(); }};
        }},
    cast{
        "closing while an append is in flight",
        [](scene& w) {
            return threads{
                [&] { w.append_unless_closed(1); },
                [&] { w.append_unless_closed(2); },
                [&] { w.close(); }};
        }},
    cast{"three appenders", [](scene& w) {
             return threads{
                 [&] { w.append(1, "s", any()); },
                 [&] { w.append(2, "t", any()); },
                 [&] { w.append(3, "s", any()); }};
         }}};

using disk_ptr = std::shared_ptr<io::simulated_disk>;

struct disks {
    disk_ptr of_large_segments{};
    disk_ptr of_small_segments{};

    [[nodiscard]] const disk_ptr& of(const cast& who) const {
        return who.rotates ? of_small_segments : of_large_segments;
    }
};

disk_ptr disk_of(std::uint64_t segment_bytes) {
    const auto disk = std::make_shared<io::simulated_disk>();
    auto options = options_of(open_mode::create);
    options.segment_bytes_max = segment_bytes;
    auto s = open("/log", options, io::simulated_machine(disk, 1));
    for (std::uint32_t i = 0; i < 2; ++i)
        static_cast<void>(s.append(to_stream("s", {numbered(100 + i, "counted")})));
    s.close();
    return disk;
}

/// Plays it once; what was wrong, or nothing.
std::string play(
    const cast& who,
    const std::shared_ptr<io::simulated_disk>& on,
    schedule::points where,
    const schedule::chooser& choose,
    bool shows_too_much,
    bool asks_the_disk,
    const std::function<void(const std::string&)>& before_the_end
) {
    scene w{on, shows_too_much, asks_the_disk};
    const auto done = schedule::run(who.of(w), where, choose);
    if (done.has_deadlock) {
        // Threads that wait for ever can't be ended, and the scene is theirs.
        before_the_end("threads wait for ever:" + done.waiting);
        std::_Exit(1);
    }
    auto found = w.fault();
    if (found.empty() && w.refused() != (who.has_refusals ? 1U : 0U))
        found = "not the appends were refused that had to be";
    return found;
}

/// The choices of one run after the other, until there are no others.
class every_order {
public:
    [[nodiscard]] std::size_t choose(std::size_t of) {
        if (at_ == made_.size())
            made_.push_back({0, of});
        return made_[at_++].chosen;
    }

    /// Whether there is another one.
    bool next() {
        at_ = 0;
        while (!made_.empty() && made_.back().chosen + 1 == made_.back().of)
            made_.pop_back();
        if (made_.empty())
            return false;
        ++made_.back().chosen;
        return true;
    }

private:
    struct choice {
        std::size_t chosen{};
        std::size_t of{};
    };

    std::vector<choice> made_{};
    std::size_t at_{};
};

void die_with(run& r, const std::string& what, const std::string& where) {
    std::printf(
        "T13 violated: %s\n  seed=%llu, %s\n",
        what.c_str(),
        static_cast<unsigned long long>(r.seed()),
        where.c_str()
    );
    std::fflush(stdout);
}

void prove_every_order(run& r, const disks& on) {
    auto& in = r.line("T13", "two or three threads on one log, in every order of their operations");
    const auto most = r.share<std::uint64_t>(60, 12'000);
    r.steps(casts.size(), 1, [&](std::uint64_t i) {
        const auto& who = casts.at(i);
        every_order orders;
        bool is_more = true;
        std::uint64_t number = 0;
        for (; is_more && number < most && !r.is_done(); ++number) {
            const auto what = [&] {
                return std::string{who.name} + ", order " + std::to_string(number);
            };
            const auto begun = std::chrono::steady_clock::now();
            const auto found = play(
                who,
                on.of(who),
                schedule::points::calls,
                [&](std::size_t of) { return orders.choose(of); },
                r.is_planted(),
                number % 8 == 0,
                [&](const std::string& why) { die_with(r, why, what()); }
            );
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
            r.judge(
                in, [&] { return found; }, what
            );
            in.seconds += took.count();
            is_more = schedule::is_controlled() && orders.next();
        }
        if (r.is_full() && !r.is_planted())
            std::printf(
                "%s: %llu orders%s\n",
                who.name,
                static_cast<unsigned long long>(number),
                is_more ? ", and there are more" : ", which are all"
            );
    });
}

void prove_random_orders(run& r, const disks& on) {
    auto& in = r.line("T13", "the same, in random orders of their operations and locks");
    constexpr std::uint64_t runs = 100; // of a step
    r.steps(1000, 200, [&](std::uint64_t step) {
        for (std::uint64_t i = 0; i < runs; ++i) {
            const auto& who = casts.at((step + i) % casts.size());
            const auto what = [&] {
                return std::string{who.name} + ", random order " + std::to_string(step * runs + i);
            };
            r.judge(
                in,
                [&] {
                    std::mt19937_64 random{r.seed() * 10'000'000 + step * runs + i};
                    // Some go on for long, others take turns.
                    const auto stays = random() % 4;
                    const auto choose = [&](std::size_t of) -> std::size_t {
                        return random() % 4 < stays ? 0 : random() % of;
                    };
                    return play(
                        who,
                        on.of(who),
                        i % 4 == 0 ? schedule::points::calls : schedule::points::calls_and_locks,
                        choose,
                        r.is_planted(),
                        i % 8 == 0,
                        [&](const std::string& why) { die_with(r, why, what()); }
                    );
                },
                what
            );
        }
    });
}

} // namespace

void prove_schedules(run& r) {
    const disks on{disk_of(64U << 10U), disk_of(4096 + 700)};
    prove_every_order(r, on);
    prove_random_orders(r, on);
}

} // namespace everfold::proof
