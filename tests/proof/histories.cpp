// SPDX-License-Identifier: MIT
// T14: what clients on several threads were told about appends with conditions and reads, while a
// process may die: is there one order in which all of it is true? The order of a stream's events is
// known in the end, so that each answer belongs to a place in it, and only real time can
// contradict.

#include <everfold/base/error.hpp>

#include <proof/proof.hpp>
#include <support/stores.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace everfold::proof {

namespace {

using namespace testing;

constexpr auto never = std::numeric_limits<std::uint64_t>::max();

enum class answer : std::uint8_t { appended, refused, unknown, read };

/// One call of one client. Times are ticks of a clock that all share.
struct call {
    std::uint64_t invoked{};
    std::uint64_t returned{never};
    std::uint32_t stream{};
    answer said{answer::unknown};
    std::optional<std::uint64_t> expected{}; ///< of an append: so many events before it
    std::uint32_t number{};                  ///< of an append: its event
    std::uint64_t place{};                   ///< of an append: the revision that it got
    std::vector<std::uint32_t> seen{};       ///< of a read
};

struct history {
    std::vector<call> calls{};
    std::map<std::uint32_t, std::vector<std::uint32_t>> events{}; ///< of each stream, in the end
};

/// When a call is true: it finds `before` events in its stream, and leaves `after`.
struct fixed_call {
    const call* what{};
    std::uint64_t before{};
    std::uint64_t after{};
};

/// What is wrong with the calls of one stream, or nothing.
std::string
fault_in(const std::vector<const call*>& calls, const std::vector<std::uint32_t>& events) {
    std::map<std::uint32_t, std::uint64_t> places;
    for (std::size_t i = 0; i < events.size(); ++i)
        if (!places.emplace(events[i], i).second)
            return "an event is there twice";
    std::vector<fixed_call> fixed;
    std::vector<const call*> refused;
    std::size_t known = 0;
    for (const auto* c : calls) {
        const auto found = places.find(c->number);
        const bool is_there = c->said != answer::read && found != places.end();
        known += is_there ? 1U : 0U;
        if (c->said == answer::read) {
            if (c->seen.size() > events.size() ||
                !std::equal(c->seen.begin(), c->seen.end(), events.begin()))
                return "a read is no prefix of the stream";
            fixed.push_back({c, c->seen.size(), c->seen.size()});
        } else if (c->said == answer::refused) {
            if (is_there)
                return "a refused event is there";
            refused.push_back(c);
        } else if (is_there) {
            if (c->expected && *c->expected != found->second)
                return "an append took place against its condition";
            if (c->said == answer::appended && c->place != found->second)
                return "an event is at another revision than was said";
            fixed.push_back({c, found->second, found->second + 1});
        } else if (c->said == answer::appended) {
            return "an acknowledged event is gone";
        }
    }
    if (known != events.size())
        return "an event is there that nobody has appended";
    for (const auto& first : fixed)
        for (const auto& next : fixed)
            if (first.what->returned < next.what->invoked && first.after > next.before)
                return "a later call finds less than an earlier one has left";
    std::ranges::sort(refused, {}, &call::invoked);
    for (std::size_t i = 0; i < refused.size(); ++i) {
        std::uint64_t least = 0;
        std::uint64_t most = events.size();
        for (const auto& c : fixed) {
            if (c.what->returned < refused[i]->invoked)
                least = std::max(least, c.after);
            if (refused[i]->returned < c.what->invoked)
                most = std::min(most, c.before);
        }
        if (least > most || (least == most && least == refused[i]->expected))
            return "an append was refused whose condition held all the time";
    }
    return "";
}

std::string fault_in(const history& h) {
    std::map<std::uint32_t, std::vector<const call*>> calls;
    for (const auto& c : h.calls)
        calls[c.stream].push_back(&c);
    for (const auto& [stream, events] : h.events)
        calls[stream]; // also of streams that nobody has asked about
    for (const auto& [stream, of_stream] : calls) {
        const auto found = h.events.find(stream);
        static const std::vector<std::uint32_t> none;
        auto fault = fault_in(of_stream, found == h.events.end() ? none : found->second);
        if (!fault.empty())
            return fault;
    }
    return "";
}

std::string name_of_stream(std::uint32_t stream) {
    return "s-" + std::to_string(stream);
}

std::vector<std::uint32_t> numbers_in(store& s, std::uint32_t stream) {
    std::vector<std::uint32_t> out;
    for (const auto& e : s.read(query{}.stream(name_of_stream(stream)))) {
        const auto text = e.to_json();
        out.push_back(static_cast<std::uint32_t>(std::stoul(text.substr(text.find(':') + 1))));
    }
    return out;
}

constexpr std::uint32_t streams = 2;

/// Clients at work, each on a thread of its own, until all have made their calls.
class clients {
public:
    clients(std::uint64_t seed, bool lies)
        : random_{seed}
        , lies_{lies} {}

    history live() {
        const auto count = 2 + random_() % 7;
        const auto calls = 8 + random_() % (200 / count - 7);
        std::optional<store> s{open("/log", options(), io::simulated_machine(disk_, 1, 1))};
        // The picture that the next process finds, if this one dies at that operation.
        const bool dies = random_() % 2 == 0;
        const auto dies_at = disk_->operation_count() + random_() % (count * calls);
        if (dies)
            disk_->observe([this,
                            dies_at](std::uint64_t number, io::operation, const std::string&) {
                if (number != dies_at)
                    return;
                killed_from_ = now();
                left_ = disk_->after_kill();
                killed_to_ = now();
            });
        std::vector<std::vector<call>> made(count);
        {
            std::vector<std::jthread> threads;
            for (auto& mine : made)
                threads.emplace_back([&, seed = random_()] { work(*s, seed, calls, mine); });
        }
        disk_->observe({});
        history out;
        for (const auto& mine : made)
            for (const auto& c : mine)
                take(c, out);
        s.reset();
        auto after =
            open("/log", options(), io::simulated_machine(left_ == nullptr ? disk_ : left_, 2, 1));
        for (std::uint32_t stream = 0; stream < streams; ++stream)
            out.events[stream] = numbers_in(after, stream);
        return out;
    }

private:
    store_options options() {
        store_options out{
            .segment_bytes_max = 6000,
            .event_bytes_max = 512,
            .batch_bytes_max = 1024,
            .compress_sealed = false};
        out.level = is_strict_ ? durability::commit() : durability::os();
        return out;
    }

    std::uint64_t now() noexcept { return tick_.fetch_add(1); }

    void work(store& s, std::uint64_t seed, std::uint64_t calls, std::vector<call>& made) {
        std::mt19937_64 random{seed};
        std::array<std::uint64_t, streams> known{};
        for (std::uint64_t i = 0; i < calls; ++i) {
            call c{.stream = static_cast<std::uint32_t>(random() % streams)};
            auto& of_stream = known.at(c.stream);
            if (random() % 3 == 0) {
                c.invoked = now();
                c.seen = numbers_in(s, c.stream);
                if (lies_ && i > 3 && !c.seen.empty())
                    c.seen.pop_back();
                c.said = answer::read;
                c.returned = now();
                of_stream = c.seen.size();
            } else {
                c.number = 1 + next_number_.fetch_add(1);
                if (random() % 4 != 0)
                    c.expected = of_stream;
                const auto expected = !c.expected ? expected_revision::any()
                                      : *c.expected == 0
                                          ? expected_revision::no_stream()
                                          : expected_revision::exactly(revision{*c.expected - 1});
                const auto request =
                    to_stream(name_of_stream(c.stream), {numbered(c.number)}, expected);
                c.invoked = now();
                const auto result = s.append(request);
                c.returned = now();
                c.said = result.is_appended() ? answer::appended : answer::refused;
                if (result.is_appended())
                    c.place = result->last_revisions.front().value();
                of_stream = result.is_appended() ? c.place + 1 : of_stream + random() % 3;
            }
            made.push_back(std::move(c));
        }
    }

    /// What the caller has got to know of it before the process died.
    void take(call c, history& to) const {
        if (left_ != nullptr && c.invoked > killed_to_)
            return;
        if (left_ != nullptr && c.returned > killed_from_) {
            if (c.said == answer::read)
                return;
            c.said = answer::unknown;
            c.returned = never;
        }
        to.calls.push_back(std::move(c));
    }

    std::mt19937_64 random_;
    bool lies_;
    bool is_strict_{random_() % 2 == 0};
    std::shared_ptr<io::simulated_disk> disk_{std::make_shared<io::simulated_disk>()};
    std::shared_ptr<io::simulated_disk> left_{}; // where the process died
    std::atomic<std::uint64_t> tick_{1};
    std::atomic<std::uint32_t> next_number_{};
    std::uint64_t killed_from_{};
    std::uint64_t killed_to_{};
};

/// Ways to make a history untrue. False where this one offers no place for it.
bool spoil(history& h, std::uint64_t kind, std::mt19937_64& random) {
    auto& events = h.events[static_cast<std::uint32_t>(random() % streams)];
    const auto any_of = [&](answer said) -> call* {
        std::vector<call*> found;
        for (auto& c : h.calls)
            if (c.said == said)
                found.push_back(&c);
        return found.empty() ? nullptr : found[random() % found.size()];
    };
    if (events.size() < 4)
        return false;
    // Only an acknowledged event is missed: the others may have been lost, or be in either order.
    std::vector<std::ptrdiff_t> promised;
    for (std::size_t i = 0; i < events.size(); ++i)
        if (std::ranges::any_of(h.calls, [&](const call& c) {
                return c.said == answer::appended && c.number == events[i];
            }))
            promised.push_back(static_cast<std::ptrdiff_t>(i));
    if (promised.empty())
        return false;
    const auto at = promised[random() % promised.size()];
    switch (kind % 8) {
    case 0: // lost
        events.erase(events.begin() + at);
        return true;
    case 1: // twice
        events.push_back(*(events.begin() + at));
        return true;
    case 2: // from nowhere
        events.push_back(4'000'000);
        return true;
    case 3: // in another order
        std::iter_swap(events.begin() + at, events.begin() + (at == 0 ? 1 : at - 1));
        return true;
    case 4: { // a read of what nobody wrote
        auto* c = any_of(answer::read);
        if (c == nullptr || c->seen.empty())
            return false;
        c->seen.back() += 1'000'000;
        return true;
    }
    case 5: { // a read that is too old
        for (auto& c : h.calls) {
            const auto* before = &c;
            for (const auto& earlier : h.calls)
                if (earlier.stream == c.stream && earlier.said == answer::appended &&
                    earlier.returned < c.invoked && c.said == answer::read &&
                    c.seen.size() > earlier.place) {
                    before = &earlier;
                    break;
                }
            if (before != &c) {
                c.seen.resize(before->place);
                return true;
            }
        }
        return false;
    }
    case 6: { // an acknowledgement at another place
        auto* c = any_of(answer::appended);
        if (c == nullptr)
            return false;
        ++c->place;
        return true;
    }
    default: { // a refusal of what took place
        auto* c = any_of(answer::appended);
        if (c == nullptr)
            return false;
        c->said = answer::refused;
        return true;
    }
    }
}

} // namespace

void prove_histories(run& r) {
    auto& in = r.line("T14", "appends with conditions and reads of 2 to 8 clients, in one order");
    auto& spoiled = r.line("T14", "histories that were made untrue, and must be refused");
    r.steps(r.share<std::uint64_t>(150, 10'000), 1, [&](std::uint64_t i) {
        history h;
        r.judge(
            in,
            [&]() -> std::string {
                try {
                    h = clients{r.seed() * 1'000'000 + i, r.is_planted()}.live();
                } catch (const error& e) {
                    return std::string{"an error where nothing fails: "} + e.what();
                }
                return fault_in(h);
            },
            [&] { return "history " + std::to_string(i); }
        );
        std::mt19937_64 random{r.seed() * 31 + i};
        if (i >= 80 || r.is_planted() || h.calls.empty() || !spoil(h, i, random))
            return;
        r.judge(
            spoiled,
            [&] { return fault_in(h).empty() ? "an untrue history passes" : ""; },
            [&] { return "spoiled history " + std::to_string(i); }
        );
    });
}

} // namespace everfold::proof
