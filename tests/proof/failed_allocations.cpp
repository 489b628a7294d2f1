// SPDX-License-Identifier: MIT
// T06: memory runs out at every allocation of what is done with a store: once, from there on, and
// until the store is gone. A process that goes on where there is memory again finds everything that
// was acknowledged, and nothing by halves; what it does once more comes out as if memory had never
// run out.

#include <everfold/aggregate/repository.hpp>
#include <everfold/base/error.hpp>
#include <everfold/projection/subscription.hpp>
#include <everfold/store/copy.hpp>
#include <everfold/store/tools.hpp>

#include <proof/failing_memory.hpp>
#include <proof/proof.hpp>
#include <support/stores.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace everfold::proof {

namespace {

using namespace testing;

struct violated {
    std::string what{};
};

void require(bool is_so, const std::string& what) {
    if (!is_so)
        throw violated{what}; // NOLINT(hicpp-exception-baseclass)
}

struct item_put {
    static constexpr std::string_view event_type = "item_put";
    std::string name{};
    std::int64_t count{};
};

struct stock {
    using events = everfold::events<item_put>;
    std::map<std::string, std::int64_t> items{};

    void apply(const item_put& e) { items[e.name] = e.count; }
};

class stock_book : public aggregate<stock> {
public:
    void put(std::string name, std::int64_t count) {
        record(item_put{.name = std::move(name), .count = count});
    }
};

uuid id_of(std::uint64_t number) {
    uuid out;
    for (std::size_t i = 0; i < 8; ++i)
        out.octets.at(i) = static_cast<std::byte>(number >> (8 * i));
    out.octets.back() = std::byte{7};
    return out;
}

using lines = std::vector<std::string>;

/// One process, or two after one another, with what it was told.
class world {
public:
    /// Each life of a disk, with another number, has other random numbers.
    world(std::shared_ptr<io::simulated_disk> on, bool lies, std::uint64_t life)
        : disk{std::move(on)}
        , lies_{lies}
        , life_{life} {
        options.segment_bytes_max = 4096 + 1500;
        options.event_bytes_max = 1024;
        options.batch_bytes_max = 2048;
        options.compress_sealed = false;
        restart();
    }

    /// Another process on the same disk.
    void restart() {
        reader.reset();
        s.reset();
        machine = io::simulated_machine(disk, life_++);
        machine.files = memory::with_memory_of_its_own(disk);
        machine.time = clock_;
    }

    store& opened() {
        if (!s)
            s.emplace(open("/log", options, machine));
        return *s;
    }

    /// `do_it`, which says that `promise` holds from then on.
    template <class Do>
    void acknowledged(const Do& do_it, const std::string& promise) {
        const auto told = [&] {
            const memory::plenty mine;
            promises.push_back(promise);
        };
        if (lies_)
            told(); // whatever comes of it
        do_it();
        if (!lies_)
            told();
    }

    /// What a question was answered. The same question has the same answer in each world.
    void answer(const std::string& question, lines said) {
        const memory::plenty mine;
        answers.emplace_back(question, std::move(said));
    }

    std::shared_ptr<io::simulated_disk> disk;
    io::machine machine{};
    store_options options{};
    std::optional<store> s{};
    std::optional<store> reader{};
    lines promises{}; // lines that are there from then on
    std::vector<std::pair<std::string, lines>> answers{};
    std::set<std::uint64_t> handled{};
    std::uint64_t attempts{};

private:
    bool lies_;
    std::uint64_t life_;
    std::shared_ptr<io::simulated_clock> clock_{std::make_shared<io::simulated_clock>()};
};

/// All that can be asked, in lines.
lines picture_of(store& s) {
    auto out = lines_of(s.read());
    for (const auto& stream : s.list_streams())
        out.push_back(
            stream.name + ": " + std::string{to_text(stream.state)} + ", " +
            std::to_string(stream.events) + " events, begins at " +
            std::to_string(stream.begins_at.value()) + ", metadata of " +
            std::to_string(stream.metadata.size())
        );
    for (const auto* tag : {"k:0", "k:1", "k:2"})
        for (auto& line : lines_of(s.read(query{}.tag(tag).backwards())))
            out.push_back(std::string{tag} + " " + line);
    return out;
}

append_request request_of(
    std::uint64_t number, const std::string& stream, std::uint32_t events, std::size_t more
) {
    append_request out;
    auto& to = out.streams.emplace_back();
    to.stream = stream;
    for (std::uint32_t i = 0; i < events; ++i) {
        const auto n = static_cast<std::uint32_t>(number * 10 + i);
        auto& e = to.events.emplace_back(
            numbered(n, "counted-" + std::to_string(n % 3), {"k:" + std::to_string(n % 3)})
        );
        if (more == 0)
            continue;
        // {"n": n, "x": "....."}
        e.payload.front() = std::byte{0xA2};
        e.payload.insert(e.payload.end(), {std::byte{0x61}, std::byte{'x'}});
        if (more < 256) {
            e.payload.push_back(std::byte{0x78});
        } else {
            e.payload.push_back(std::byte{0x79});
            e.payload.push_back(static_cast<std::byte>(more >> 8U));
        }
        e.payload.push_back(static_cast<std::byte>(more & 0xFFU));
        e.payload.insert(e.payload.end(), more, std::byte{'.'});
    }
    out.append_id = id_of(number);
    return out;
}

/// Appends under an id: the same again is no other.
void append(world& w, const append_request& request) {
    std::string promise;
    {
        const memory::plenty mine;
        promise = "id " + std::to_string(std::to_integer<unsigned>(request.append_id.octets[0]));
    }
    w.acknowledged(
        [&] {
            const auto result = w.opened().append(request);
            require(result.is_appended(), "an append was refused whose condition holds");
        },
        promise
    );
}

void grow(store& s) {
    for (std::uint64_t i = 0; i < 14; ++i)
        static_cast<void>(s.append(request_of(100 + i, "s-" + std::to_string(i % 4), 2, 40)).value()
        );
    s.engine().save_snapshot({"s-1", "f", revision{1}, position{3}, 7, 1, number_payload(3)});
    static_cast<void>(s.describe("s-3", number_payload(9)));
}

enum class disk_state : std::uint8_t { empty, closed, killed, cut };

std::shared_ptr<io::simulated_disk> disk_in(disk_state how) {
    auto disk = std::make_shared<io::simulated_disk>();
    if (how == disk_state::empty)
        return disk;
    world w{disk, false, 1};
    grow(w.opened());
    if (how == disk_state::closed) {
        w.s->engine().archive("s-0", revision{1}, "");
        w.s->close();
        w.restart();
        return disk->after_kill();
    }
    disk->power_off_at(disk->operation_count() + 1);
    try {
        static_cast<void>(w.s->append(request_of(150, "s-0", 2, 400)));
    } catch (const io::simulated_disk::powered_off&) { // NOLINT(bugprone-empty-catch)
    }
    return how == disk_state::killed ? disk->after_kill()
                                     : disk->after_power_cut(io::power_cut::garble, 5);
}

struct act {
    const char* name;
    disk_state on;
    void (*prepare)(world&);
    /// The same again has no other effect, once it was done.
    void (*play)(world&);
    bool is_harmless{}; ///< it leaves a store as usable as it was
};

void open_it(world& w) {
    static_cast<void>(w.opened());
}

void nothing(world&) {}

void play_open(world& w) {
    w.s.reset();
    w.answer("everything", picture_of(w.opened()));
}

void play_append(world& w) {
    append(w, request_of(1, "s-1", 1, 0));
    append(w, request_of(2, "fresh", 3, 40));
    auto conditional = request_of(3, "s-2", 2, 0);
    conditional.streams.push_back(request_of(4, "other", 1, 0).streams.front());
    conditional.conditions.emplace_back(no_event_matching{query{}.tag("nobody"), {}});
    append(w, conditional);
}

void play_refusal(world& w) {
    const auto wrong = to_stream("s-1", {numbered(1)}, expected_revision::exactly(revision{4711}));
    require(!w.opened().append(wrong).is_appended(), "an append took place against its condition");
    append_request matching = to_stream("s-1", {numbered(1)});
    matching.conditions.emplace_back(no_event_matching{query{}.tag("k:1"), {}});
    require(!w.opened().append(matching).is_appended(), "a condition was not looked at");
}

void play_rotation(world& w) {
    for (std::uint64_t i = 0; i < 8; ++i)
        append(w, request_of(20 + i, "r-" + std::to_string(i % 3), 2, 300));
}

void play_async(world& w) {
    for (std::uint64_t i = 0; i < 3; ++i)
        w.acknowledged(
            [&] {
                auto later = w.opened().append_async(request_of(40 + i, "s-1", 1, 0));
                require(later.get().is_appended(), "an append was refused");
            },
            "id " + std::to_string(40 + i)
        );
}

void play_full_disk(world& w) {
    const auto fill = [&](bool is_full) {
        const memory::plenty mine;
        w.disk->fail_at(w.disk->operation_count(), 0);
        if (is_full)
            w.disk->fail_at(w.disk->operation_count(), ENOSPC);
    };
    static_cast<void>(w.opened());
    fill(true);
    try {
        append(w, request_of(60, "full", 2, 0));
    } catch (const io_error& e) {
        fill(false);
        require(e.is_disk_full(), "a full disk is told as something else");
    } catch (...) {
        fill(false);
        throw;
    }
    fill(false);
    // It may be on its way since memory ran out: no matter.
    append(w, request_of(60, "full", 2, 0));
    append(w, request_of(61, "full", 2, 0));
}

void play_read(world& w) {
    auto& s = w.opened();
    w.answer("everything", picture_of(s));
    w.answer("a stream", lines_of(s.read(query{}.stream("s-1").backwards().limit(3))));
    w.answer("a category", lines_of(s.read(query{}.category("s").type("counted-1"))));
    w.answer(
        "a payload",
        lines_of(s.read(query{}.where("/n", comparison::equal, payload_value{std::int64_t{1051}})))
    );
    w.answer("streams", s.streams());
    w.answer("the last", {std::to_string(s.last_revision("s-2")->value())});
    w.answer("explained", {std::to_string(s.explain(query{}.tag("k:1")).segments)});
    w.answer("when", {s.position_at(timestamp::from_milliseconds(1'904'067'200'000)) ? "is" : ""});
}

void play_snapshot(world& w) {
    auto& s = w.opened();
    s.engine().save_snapshot({"s-2", "f", revision{1}, position{5}, 7, 1, number_payload(5)});
    const auto found = s.engine().load_snapshot("s-2", "f", revision{9});
    require(found && found->state == number_payload(5), "a snapshot is gone that was saved");
}

void play_archive(world& w) {
    w.opened().engine().archive("s-2", revision{9}, "of no use");
    w.answer("everything", picture_of(*w.s));
}

void play_scavenge(world& w) {
    auto& s = w.opened();
    if (s.about("s-1").begins_at != revision{3})
        w.acknowledged(
            [&] { static_cast<void>(s.truncate("s-1", revision{3}).value()); }, "s-1 begins at 3"
        );
    s.scavenge({.why = "of age"});
    if (!s.about("s-2").end)
        w.acknowledged(
            [&] {
                static_cast<void>(s.tombstone("s-2", expected_revision::any(), "it is over").value()
                );
            },
            "s-2 is over"
        );
    bool is_refused = false;
    try {
        static_cast<void>(s.append(to_stream("s-2", {numbered(1)})));
    } catch (const error& e) {
        is_refused = e.code() == errc::tombstoned || e.code() == errc::writer_failed;
    }
    require(is_refused, "a stream that has ended goes on");
    s.scavenge({.why = "over"});
    w.answer("everything", picture_of(s));
}

void play_subscription(world& w) {
    subscription events{w.opened(), checkpoint_file{"/kept", w.machine}, query{}.tag("k:1")};
    events.on_any([&](const recorded_event& e) {
        const memory::plenty mine;
        require(
            w.handled.empty() || *w.handled.rbegin() < e.log_position.value() || w.attempts > 1,
            "an event was handled out of order"
        );
        w.handled.insert(e.log_position.value());
    });
    events.catch_up();
    lines all;
    const memory::plenty mine;
    for (const auto at : w.handled)
        all.push_back(std::to_string(at));
    w.answer("handled", all);
}

void play_repository(world& w) {
    repository<stock_book> books{w.opened(), {.snapshots = snapshot_policy::every(2)}};
    for (const auto* name : {"bolt", "nut", "washer"}) {
        auto book = books.load("stock");
        if (book.state().items.contains(name))
            continue;
        book.put(name, 12);
        w.acknowledged([&] { books.save(book); }, std::string{"item "} + name);
    }
    w.answer("items", {std::to_string(books.load("stock").state().items.size())});
}

/// Each attempt leaves what it makes at a place of its own.
std::string place_of(world& w, const char* what) {
    return "/" + std::string{what} + "-" + std::to_string(w.attempts);
}

void play_backup(world& w) {
    const auto intact = verify("/log", {}, w.machine);
    require(intact.is_intact(), "an intact log is said to be damaged");
    w.answer("intact", {std::to_string(intact.events)});
    const auto to = place_of(w, "backup");
    back_up("/log", to, sealed_files::copied, w.machine);
    auto copied = open(to, w.options, w.machine);
    w.answer("backed up", lines_of(copied.read()));
}

void play_repair(world& w) {
    const auto repaired = repair("/log", place_of(w, "repaired"), {}, w.machine);
    w.answer("repaired", {std::to_string(repaired.events)});
}

void play_copy(world& w) {
    auto copied = open(place_of(w, "copied"), w.options, w.machine);
    copy(w.opened(), copied);
    w.answer("copied", lines_of(copied.read()));
}

void prepare_reader(world& w) {
    open_it(w);
    auto reading = w.options;
    reading.mode = open_mode::read_only;
    w.reader.emplace(open("/log", reading, w.machine));
    static_cast<void>(lines_of(w.reader->read()));
    for (std::uint64_t i = 0; i < 8; ++i)
        static_cast<void>(w.s->append(request_of(70 + i, "r-" + std::to_string(i), 2, 300)));
    w.s->engine().archive("s-1", revision{99}, "");
}

void play_reader(world& w) {
    require(w.reader.has_value(), "the reader is there");
    w.answer("followed", picture_of(*w.reader));
}

void play_close(world& w) {
    append(w, request_of(80, "s-1", 1, 0));
    w.opened().close();
    w.s.reset();
}

void prepare_mirror(world& w) {
    w.options.mirror = "/mirror";
}

void play_mirror(world& w) {
    append(w, request_of(90, "s-1", 1, 0));
    for (std::uint64_t i = 0; i < 3; ++i)
        append(w, request_of(91 + i, "m", 2, 300));
}

constexpr std::array acts{
    act{"create", disk_state::empty, nothing, play_open},
    act{"open", disk_state::closed, nothing, play_open},
    act{"recover after a kill", disk_state::killed, nothing, play_open},
    act{"recover after a power cut", disk_state::cut, nothing, play_open},
    act{"append", disk_state::closed, open_it, play_append},
    act{"append to a new log", disk_state::empty, open_it, play_append},
    act{"be refused", disk_state::closed, open_it, play_refusal},
    act{"rotate", disk_state::closed, open_it, play_rotation},
    act{"append later", disk_state::closed, open_it, play_async},
    act{"append to a full disk", disk_state::closed, open_it, play_full_disk},
    act{"read", disk_state::closed, open_it, play_read, true},
    act{"take a snapshot", disk_state::closed, open_it, play_snapshot},
    act{"archive", disk_state::closed, open_it, play_archive},
    act{"truncate, tombstone, scavenge", disk_state::closed, open_it, play_scavenge},
    act{"catch up", disk_state::closed, open_it, play_subscription, true},
    act{"load and save", disk_state::closed, open_it, play_repository},
    act{"verify and back up", disk_state::closed, open_it, play_backup, true},
    act{"repair", disk_state::closed, open_it, play_repair, true},
    act{"copy", disk_state::closed, open_it, play_copy, true},
    act{"follow a writer", disk_state::closed, prepare_reader, play_reader, true},
    act{"close", disk_state::closed, open_it, play_close},
    act{"open with a mirror", disk_state::closed, prepare_mirror, play_mirror}};

enum class outage : std::uint8_t { once, until_healed, until_gone };

constexpr std::array outages{outage::once, outage::until_healed, outage::until_gone};

std::string in_words(outage how) {
    return how == outage::once           ? "once"
           : how == outage::until_healed ? "and each later one until it is done"
                                         : "and each later one until the store is gone";
}

/// Whether each promise holds.
std::string broken_promise(world& w, store& s) {
    for (const auto& promise : w.promises) {
        bool holds = false;
        if (promise.starts_with("id ")) {
            // Its first event has that number.
            const auto number = std::stoull(promise.substr(3)) * 10;
            const auto text = "{\"n\":" + std::to_string(number);
            for (const auto& e : s.read()) {
                const auto found = e.to_json();
                holds = holds || found == text + "}" || found.starts_with(text + ",");
            }
        } else if (promise.starts_with("item ")) {
            for (const auto& e : s.read(query{}.stream("stock")))
                holds = holds || e.to_json().find(promise.substr(5)) != std::string::npos;
        } else if (promise == "s-1 begins at 3") {
            holds = s.about("s-1").begins_at == revision{3};
        } else {
            holds = s.about("s-2").end.has_value();
        }
        if (!holds)
            return "lost: " + promise;
    }
    return "";
}

/// What the reference has come to: answers, and the whole in the end.
struct outcome {
    std::vector<std::pair<std::string, lines>> answers{};
    lines in_the_end{};
};

std::string wrong_answer(const world& w, const outcome& right) {
    for (const auto& [question, said] : w.answers) {
        const auto found =
            std::ranges::find(right.answers, question, &std::pair<std::string, lines>::first);
        if (found == right.answers.end() || found->second != said)
            return "another answer to '" + question + "'";
    }
    return "";
}

/// As the next process finds it, after the death of this one or a power cut.
std::string fault_of_next(world& w, std::shared_ptr<io::simulated_disk> disk, const char* after) {
    world next{std::move(disk), false, 300};
    next.options = w.options;
    next.options.mirror.clear();
    auto found = broken_promise(w, next.opened());
    if (found.empty() && !verify("/log", {}, next.machine).is_intact())
        found = "it is damaged";
    return found.empty() ? found : found + ", " + after;
}

/// Plays it, with memory that runs out at allocation `at` (0: never). `has_run_out` says whether
/// it did.
std::string play(
    const act& a,
    const std::shared_ptr<io::simulated_disk>& on,
    std::uint64_t at,
    outage how,
    bool lies,
    outcome& right,
    bool& has_run_out
) {
    world w{on->after_kill(), lies, 100};
    a.prepare(w);
    bool has_failed = false;
    memory::fail_at(at, how != outage::once);
    try {
        ++w.attempts;
        a.play(w);
    } catch (const std::bad_alloc&) {
        has_failed = true;
    } catch (const error& e) {
        require(at != 0, std::string{a.name} + ": " + e.what());
        has_failed = true;
    }
    if (has_failed && how == outage::until_gone) {
        w.reader.reset();
        w.s.reset();
    }
    has_run_out = memory::heal() > 0;
    if (at == 0) {
        right.answers = w.answers;
        right.in_the_end = picture_of(w.opened());
        return {};
    }
    if (has_failed && !has_run_out)
        return "it fails though there was memory";
    if (auto found = wrong_answer(w, right); !found.empty())
        return found + " while memory ran out";
    // The same store goes on, or says that it can't.
    if (w.s) {
        if (auto found = broken_promise(w, *w.s); !found.empty())
            return found + ", in the store that has met it";
    }
    // What was shown or acknowledged stays, whatever comes.
    if (auto found = fault_of_next(w, w.disk->after_kill(), "after a kill"); !found.empty())
        return found;
    if (auto found = fault_of_next(
            w, w.disk->after_power_cut(io::power_cut::lose_all, 0), "after a power cut"
        );
        !found.empty())
        return found;
    for (int i = 0; i < 3; ++i) {
        try {
            ++w.attempts;
            if (a.is_harmless && i == 0 && (how == outage::until_gone && has_failed))
                a.prepare(w);
            a.play(w);
            break;
        } catch (const error& e) {
            if (a.is_harmless)
                return std::string{"it fails again, with memory: "} + e.what();
            constexpr std::array possible{
                errc::writer_failed, errc::read_only, errc::in_use, errc::conflict};
            if (i == 0 && w.s && std::ranges::find(possible, e.code()) == possible.end())
                return std::string{"it fails again, with memory: "} + e.what();
            if (i == 2)
                return std::string{"it fails for good: "} + e.what();
            if (e.code() == errc::conflict)
                continue; // with what was on its way when memory ran out
            w.restart();
        }
    }
    if (auto found = wrong_answer(w, right); !found.empty())
        return found + " once more";
    try {
        if (w.s)
            w.s->close();
    } catch (const error& e) {
        if (e.code() != errc::writer_failed)
            return std::string{"it does not close: "} + e.what();
    }
    w.restart();
    if (picture_of(w.opened()) != right.in_the_end)
        return "it comes to something else than with memory";
    return verify("/log", {}, w.machine).is_intact() ? "" : "it is damaged in the end";
}

/// For a process that ends in the middle of a case.
std::string current; // NOLINT(cert-err58-cpp)

extern "C" void say_which(int /*signal*/) {
    static_cast<void>(!::write(2, current.data(), current.size()));
    std::signal(SIGABRT, SIG_DFL);
    std::signal(SIGALRM, SIG_DFL);
    std::abort();
}

} // namespace

void prove_failed_allocations(run& r) {
    auto& in = r.line("T06", "memory runs out at every allocation: once, and from there on");
    const auto before_abort = std::signal(SIGABRT, say_which);
    const auto before_alarm = std::signal(SIGALRM, say_which);
    std::map<disk_state, std::shared_ptr<io::simulated_disk>> disks;
    for (const auto how :
         {disk_state::empty, disk_state::closed, disk_state::killed, disk_state::cut})
        disks[how] = disk_in(how);
    constexpr std::uint64_t stretch = 100; // allocations of a step
    for (const auto& a : acts) {
        outcome right;
        bool has_run_out = false;
        // Twice: what is made once in the life of a process is made here.
        for (int i = 0; i < 2; ++i)
            static_cast<void>(play(a, disks[a.on], 0, outage::once, false, right, has_run_out));
        bool is_over = false;
        has_run_out = true;
        r.steps(10'000 / stretch, 1, [&](std::uint64_t step) {
            for (auto at = step * stretch + 1; !is_over && at <= (step + 1) * stretch;
                 at += r.share<std::uint64_t>(97, 1))
                for (const auto how : outages) {
                    current = "\nT06: the process ends, or stands still: " + std::string{a.name} +
                              ", allocation " + std::to_string(at) + " fails, " + in_words(how) +
                              "\n";
                    const auto what = [&] {
                        return std::string{a.name} + ": allocation " + std::to_string(at) +
                               " fails, " + in_words(how);
                    };
                    r.judge(
                        in,
                        [&]() -> std::string {
                            ::alarm(20);
                            memory::watch(memory::watched::this_thread);
                            std::string found;
                            try {
                                found = play(
                                    a, disks[a.on], at, how, r.is_planted(), right, has_run_out
                                );
                            } catch (const violated& v) {
                                memory::heal();
                                found = v.what;
                            } catch (const std::exception& e) {
                                memory::heal();
                                found = std::string{"it fails with memory: "} + e.what();
                            }
                            auto words = found.empty() ? std::string{} : found;
                            const auto left = memory::now_alive();
                            memory::watch(memory::watched::nobody);
                            ::alarm(0);
                            if (words.empty() && left.blocks != 0)
                                words = "lost: " + std::to_string(left.blocks) + " blocks of " +
                                        std::to_string(left.bytes) + " bytes";
                            return words;
                        },
                        what
                    );
                    is_over = is_over || !has_run_out;
                }
        });
    }
    std::signal(SIGABRT, before_abort);
    std::signal(SIGALRM, before_alarm);
}

} // namespace everfold::proof
