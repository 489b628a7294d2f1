// SPDX-License-Identifier: MIT
// How many bytes does an event take, how long does a log take to open, and how much memory then?
//
//   benchmark_log_size [EVENTS [MIB]]
//
// EVENTS is a multiple of ten, 1,000,000 without; MIB the size of a segment, else the store's own.
// A segment names each of its streams: the fewer events of a stream in it, the more bytes an event.
//
// The workload is that of tests/support/generate_workload.py: ten events for each user, shuffled.
#include "raw_scan.hpp"
#include "support/scratch_dir.hpp"

#include <everfold/everfold.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/log/event_log.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace {

using namespace std::string_view_literals;

struct user_created {
    static constexpr std::string_view event_type = "user_created";
    std::int64_t user_id{};
    std::string name{};
    std::optional<std::string> email{};
};

struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    std::int64_t user_id{};
    everfold::patch<std::string> name{};
    everfold::patch<std::string> email{};
    everfold::patch<std::string> phone{};
};

struct user_deleted {
    static constexpr std::string_view event_type = "user_deleted";
    std::int64_t user_id{};
};

constexpr std::int64_t events_of_a_user = 10;
constexpr std::int64_t batch = 64;

class workload {
public:
    explicit workload(std::int64_t events)
        : seen_(static_cast<std::size_t>(events / events_of_a_user)) {
        for (std::int64_t i = 0; i < events; ++i)
            order_.push_back(static_cast<std::uint32_t>(i / events_of_a_user));
        for (auto i = order_.size(); i > 1; --i)
            std::swap(order_[i - 1], order_[below(i)]);
    }

    [[nodiscard]] std::size_t size() const { return order_.size(); }

    /// The user of event `i`, from 1, and the event; to be asked for in order.
    [[nodiscard]] std::pair<std::int64_t, everfold::new_event> next(std::size_t i) {
        const auto user = order_[i];
        const auto nth = ++seen_[user];
        const auto id = std::int64_t{user} + 1;
        now_ms_ += static_cast<std::int64_t>(below(20));
        auto event = make(id, nth);
        event.occurred_at = everfold::timestamp::from_milliseconds(now_ms_);
        return {id, std::move(event)};
    }

private:
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

    std::string name() {
        static constexpr std::array first{
            "Alice"sv, "Bob"sv,   "Carol"sv,   "Dave"sv,  "Erin"sv,   "Frank"sv, "Grace"sv,
            "Heidi"sv, "Ivan"sv,  "Judy"sv,    "Niaj"sv,  "Olivia"sv, "Peggy"sv, "Rupert"sv,
            "Sybil"sv, "Trent"sv, "Mallory"sv, "Wendy"sv, "Victor"sv, "Walter"sv};
        static constexpr std::array last{"Smith"sv,     "Johnson"sv,  "Williams"sv,  "Brown"sv,
                                         "Jones"sv,     "Garcia"sv,   "Miller"sv,    "Davis"sv,
                                         "Rodriguez"sv, "Martinez"sv, "Hernandez"sv, "Lopez"sv,
                                         "Gonzalez"sv,  "Wilson"sv,   "Anderson"sv,  "Thomas"sv,
                                         "Taylor"sv,    "Moore"sv,    "Jackson"sv,   "Martin"sv};
        return std::string{first[below(20)]} + " " + std::string{last[below(20)]};
    }

    std::optional<std::string> email(std::int64_t user, std::size_t one_in) {
        static constexpr std::array domains{
            "example.com"sv, "mail.example.org"sv, "corp.example.net"sv};
        if (below(one_in) == 0)
            return {};
        return "user" + std::to_string(user) + "." + std::to_string(below(1000)) + "@" +
               std::string{domains[below(3)]};
    }

    std::string phone() {
        std::array<char, 32> text{};
        std::snprintf(
            text.data(),
            text.size(),
            "+1-%03zu-%03zu-%04zu",
            200 + below(800),
            below(1000),
            below(10'000)
        );
        return text.data();
    }

    everfold::new_event make(std::int64_t id, int nth) {
        if (nth == 1)
            return everfold::encoded(user_created{
                .user_id = id, .name = name(), .email = email(id, 10)});
        if (nth == events_of_a_user && below(5) == 0)
            return everfold::encoded(user_deleted{.user_id = id});
        user_updated e{.user_id = id};
        const auto chosen = 1 + below(7);
        if ((chosen & 1U) != 0)
            e.name = name();
        if ((chosen & 2U) != 0) {
            if (auto address = email(id, 20))
                e.email = *address;
            else
                e.email = nullptr;
        }
        if ((chosen & 4U) != 0)
            e.phone = phone();
        return everfold::encoded(e);
    }

    std::mt19937_64 random_{1};
    std::vector<std::uint32_t> order_{};
    std::vector<std::uint8_t> seen_;
    std::int64_t now_ms_{1'704'067'200'000};
};

/// One stream a user, or one for all and a tag for each user.
enum class shape { streams, tags };

/// Appends `count` events from event `from` on; returns the bytes of their payloads.
std::uint64_t append(
    everfold::store& to,
    workload& w,
    std::size_t from,
    std::size_t count,
    std::size_t at_once,
    shape how
) {
    std::uint64_t payload = 0;
    for (auto i = from; i < from + count;) {
        everfold::append_request request;
        for (std::size_t k = 0; k < at_once && i < from + count; ++k, ++i) {
            auto [user, event] = w.next(i);
            payload += event.payload.size();
            auto stream = how == shape::streams ? "user-" + std::to_string(user) : "users";
            if (how == shape::tags)
                event.tags.push_back("user:" + std::to_string(user));
            auto found =
                std::ranges::find(request.streams, stream, &everfold::stream_append::stream);
            if (found == request.streams.end()) {
                request.streams.push_back({.stream = std::move(stream)});
                found = request.streams.end() - 1;
            }
            found->events.push_back(std::move(event));
        }
        to.append(request).value();
    }
    return payload;
}

/// Resident memory of this process.
std::uint64_t resident() {
    std::ifstream file{"/proc/self/statm"};
    std::uint64_t all = 0;
    std::uint64_t here = 0;
    file >> all >> here;
    return here * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// What `work` answers in a process of its own, which ends without any clean-up.
template <class Work>
auto in_child(const Work& work) {
    using answer = std::invoke_result_t<Work>;
    static_assert(std::is_trivially_copyable_v<answer>);
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0)
        throw std::runtime_error{"no pipe"};
    std::fflush(stdout);
    const auto child = ::fork();
    if (child == 0) {
        try {
            const answer said = work();
            const bool is_said = ::write(ends[1], &said, sizeof said) == sizeof said;
            ::_exit(is_said ? 0 : 1);
        } catch (const std::exception& e) {
            std::fprintf(stderr, "%s\n", e.what());
            ::_exit(1);
        }
    }
    ::close(ends[1]);
    answer said{};
    const auto n = ::read(ends[0], &said, sizeof said);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (n != static_cast<ssize_t>(sizeof said) || status != 0)
        throw std::runtime_error{"a child failed"};
    return said;
}

std::uint64_t bytes_of(const std::string& directory, std::string_view ending) {
    std::uint64_t out = 0;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        if (entry.path().extension() == ending)
            out += entry.file_size();
    }
    return out;
}

struct opened {
    double milliseconds{};
    std::uint64_t memory{};
};

/// The process ends with the store open: no destructor closes it.
void leave_open(everfold::store s) {
    static std::vector<everfold::store> left;
    left.push_back(std::move(s));
}

enum class ending { closed, killed };

/// In a process of its own, which ends as `how` says.
opened open_once(const std::string& directory, everfold::open_mode mode, ending how) {
    return in_child([&] {
        using clock = std::chrono::steady_clock;
        const auto before = resident();
        const auto started = clock::now();
        auto store = everfold::open(directory, {.mode = mode, .compress_sealed = false});
        const auto taken = clock::now() - started;
        const auto memory = resident();
        if (store.end() == everfold::position{})
            throw std::runtime_error{"the log is empty"};
        if (how == ending::closed)
            store.close();
        else
            leave_open(std::move(store));
        return opened{
            std::chrono::duration<double, std::milli>(taken).count(),
            memory > before ? memory - before : 0};
    });
}

opened median(std::vector<opened> all) {
    std::ranges::sort(all, {}, &opened::milliseconds);
    return all[all.size() / 2];
}

opened open_again(const std::string& directory, everfold::open_mode mode) {
    std::vector<opened> all;
    for (int i = 0; i < 7; ++i)
        all.push_back(open_once(directory, mode, ending::closed));
    return median(std::move(all));
}

void row(const char* what, double value, const char* unit, std::optional<double> target = {}) {
    std::printf("%-58s %10.2f %-6s", what, value, unit);
    if (target)
        std::printf("  target %6.0f  %s", *target, value <= *target ? "met" : "missed");
    std::printf("\n");
}

double each(std::uint64_t bytes, std::size_t count) {
    return static_cast<double>(bytes) / static_cast<double>(count);
}

double in_mib(std::uint64_t bytes) {
    return static_cast<double>(bytes) / (1024.0 * 1024.0);
}

void measure_sizes(
    const std::string& directory,
    std::int64_t events,
    std::optional<std::uint64_t> segment_bytes,
    shape how
) {
    const bool is_main = how == shape::streams;
    const auto count = static_cast<std::size_t>(events);
    const auto payload = in_child([&] {
        workload w{events};
        everfold::store_options options{.compress_sealed = false};
        options.segment_bytes_max = segment_bytes.value_or(options.segment_bytes_max);
        auto store = everfold::open(directory, options);
        const auto out = append(store, w, 0, w.size(), batch, how);
        store.close();
        return out;
    });
    std::printf("\n%s\n", is_main ? "a stream for each user" : "one stream, a tag for each user");
    row("  payload an event", each(payload, count), "bytes");
    row("  as written, appends of 64",
        each(bytes_of(directory, ".evl"), count),
        "bytes",
        is_main ? std::optional{96.0} : std::nullopt);
}

void measure_single(std::int64_t events) {
    const auto some = std::min<std::int64_t>(events, 200'000);
    const auto bytes = in_child([&] {
        workload w{some};
        auto store = everfold::open("memory:");
        static_cast<void>(append(store, w, 0, w.size(), 1, shape::streams));
        return store.stats().bytes;
    });
    row("  as written, single appends (at most 200,000)",
        each(bytes, static_cast<std::size_t>(some)),
        "bytes");
}

void measure_archive(const std::string& directory, std::int64_t events) {
    const auto count = static_cast<std::size_t>(events);
    const auto raw = bytes_of(directory, ".evl");
    const auto seconds = in_child([&] {
        const auto log = everfold::log::event_log::open(
            everfold::io::posix_machine(),
            directory,
            {.mode = everfold::log::access::existing, .compress_sealed = false}
        );
        const auto started = std::chrono::steady_clock::now();
        log->archive([](const everfold::log::segment_index&) { return true; });
        const auto taken = std::chrono::steady_clock::now() - started;
        log->close();
        return std::chrono::duration<double>(taken).count();
    });
    const auto archive = bytes_of(directory, ".evz");
    const auto index = bytes_of(directory, ".evi");
    row("  archived, without indexes", each(archive, count), "bytes", 24);
    row("  archived, with indexes", each(archive + index, count), "bytes");
    row("  archived, compared and synced, of what was written", in_mib(raw) / seconds, "MiB/s");
}

std::filesystem::path active_segment(const std::string& directory) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        if (entry.path().extension() == ".evl")
            files.push_back(entry.path());
    }
    return *std::ranges::max_element(files);
}

double milliseconds_of_raw_scan(const std::string& file) {
    return in_child([&] {
        using clock = std::chrono::steady_clock;
        const auto started = clock::now();
        if (everfold::testing::scan_raw(file) == 0)
            throw std::runtime_error{"the segment is empty"};
        return std::chrono::duration<double, std::milli>(clock::now() - started).count();
    });
}

struct opening_times {
    opened writing{};
    opened reading{};
    double raw{};
};

/// Median of seven rounds, in each of which all three have their turn.
opening_times open_in_turn(const std::string& directory, ending how) {
    std::vector<opened> writing;
    std::vector<opened> reading;
    std::vector<double> raw;
    for (int i = 0; i < 7; ++i) {
        writing.push_back(open_once(directory, everfold::open_mode::existing, how));
        raw.push_back(milliseconds_of_raw_scan(active_segment(directory)));
        reading.push_back(open_once(directory, everfold::open_mode::read_only, how));
    }
    std::ranges::sort(raw);
    return {median(std::move(writing)), median(std::move(reading)), raw[raw.size() / 2]};
}

void measure_opening(const std::string& directory, std::int64_t events) {
    const auto report = [&](ending how) {
        const auto [writing, reading, raw] = open_in_turn(directory, how);
        const bool is_closed = how == ending::closed;
        std::printf(
            "\nafter a %s; %.1f MiB in the active segment\n",
            is_closed ? "clean close" : "kill",
            in_mib(std::filesystem::file_size(active_segment(directory)))
        );
        const auto target = is_closed ? std::optional{5.0} : std::nullopt;
        const auto ratio = is_closed ? std::nullopt : std::optional{2.0};
        row("  a raw scan and index of it", raw, "ms");
        row("  open for writing", writing.milliseconds, "ms", target);
        row("  open for writing, to the raw scan", writing.milliseconds / raw, "times", ratio);
        row("  open for reading", reading.milliseconds, "ms", target);
        row("  open for reading, to the raw scan", reading.milliseconds / raw, "times", ratio);
        row("  memory after opening for writing", in_mib(writing.memory), "MiB");
    };
    report(ending::closed);
    static_cast<void>(in_child([&] {
        workload w{events};
        auto store = everfold::open(
            directory, {.mode = everfold::open_mode::existing, .compress_sealed = false}
        );
        const auto more = std::min<std::size_t>(w.size(), 100'000);
        const auto out = append(store, w, 0, more, batch, shape::streams);
        leave_open(std::move(store));
        return out;
    }));
    report(ending::killed);
}

void measure_streams(const std::string& directory) {
    constexpr std::size_t streams = 1'000'000;
    const auto writing = in_child([&] {
        auto store = everfold::open(directory, {.compress_sealed = false});
        const auto before = resident();
        for (std::size_t i = 0; i < streams;) {
            everfold::append_request request;
            for (std::int64_t k = 0; k < batch && i < streams; ++k, ++i)
                request.streams.push_back(
                    {.stream = "user-" + std::to_string(i),
                     .events = {everfold::encoded(user_deleted{
                         .user_id = static_cast<std::int64_t>(i)})}}
                );
            store.append(request).value();
        }
        const auto after = resident();
        store.close();
        return after - before;
    });
    const auto opening = open_again(directory, everfold::open_mode::existing);
    std::printf("\n1,000,000 streams of one event\n");
    row("  memory a stream, by the writer that made them", each(writing, streams), "bytes");
    row("  memory a stream, after opening", each(opening.memory, streams), "bytes");
    row("  open for writing", opening.milliseconds, "ms");
}

int run(std::int64_t events, std::optional<std::uint64_t> segment_bytes) {
    const everfold::testing::scratch_dir scratch;
    std::printf("%lld events\n", static_cast<long long>(events));
    const auto main_log = scratch / "streams";
    measure_sizes(main_log, events, segment_bytes, shape::streams);
    measure_single(events);
    measure_opening(main_log, events);
    const auto tagged = scratch / "tags";
    measure_sizes(tagged, events, segment_bytes, shape::tags);
    measure_archive(tagged, events);
    std::filesystem::remove_all(tagged);
    // Once more, as opening has added events to it.
    std::filesystem::remove_all(main_log);
    measure_sizes(main_log, events, segment_bytes, shape::streams);
    measure_archive(main_log, events);
    const auto archived = open_again(main_log, everfold::open_mode::existing);
    row("  open for writing, all sealed", archived.milliseconds, "ms", 5);
    row("  memory after opening for writing", in_mib(archived.memory), "MiB");
    measure_streams(scratch / "many");
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const auto events = argc > 1 ? std::strtoll(argv[1], nullptr, 10) : 1'000'000;
    std::optional<std::uint64_t> segment_bytes;
    if (argc > 2)
        segment_bytes = std::strtoull(argv[2], nullptr, 10) << 20U;
    if (argc > 3 || events <= 0 || events % events_of_a_user != 0 || segment_bytes == 0) {
        std::fprintf(
            stderr, "benchmark_log_size [EVENTS, a multiple of ten [MIB, of a segment]]\n"
        );
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    try {
        return run(events, segment_bytes);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
