// SPDX-License-Identifier: MIT
// The demo of the append-only log tutorial in four sections: plain logging, a web server, log
// rotation, users. Each keeps its log in a directory of its own, and each number that is printed
// was read back out of it.
//
//   tutorial [WORK_DIRECTORY]

#include <everfold/everfold.hpp>
#include <everfold/io/posix.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

// 1. Three things that happened, each a plain struct.

struct system_start {
    static constexpr std::string_view event_type = "system_start";
    std::string version{};
};

struct user_login {
    static constexpr std::string_view event_type = "user_login";
    std::int64_t user_id{};
    std::string username{};
};

struct data_processed {
    static constexpr std::string_view event_type = "data_processed";
    std::int64_t records{};
    std::int64_t duration_ms{};
};

std::uint64_t count_of(everfold::event_range events) {
    std::uint64_t count = 0;
    for ([[maybe_unused]] const auto& e : events)
        ++count;
    return count;
}

// The logs of this program are new: what an earlier run left would be counted again.
everfold::store open_new(const std::string& path, const everfold::store_options& options = {}) {
    auto store = everfold::open(path, options);
    if (store.end() != everfold::position{})
        throw everfold::error{
            everfold::errc::invalid,
            "'" + path + "' holds events already; give the tutorial an empty directory"};
    return store;
}

void basic_logging(const std::string& path) {
    std::cout << "\n1. Basic Logging Demo\n";
    auto log = open_new(path);
    log.append("demo", system_start{.version = "1.0.0"}).value();
    log.append("demo", user_login{.user_id = 123, .username = "alice"}).value();
    log.append("demo", data_processed{.records = 1000, .duration_ms = 150}).value();
    std::cout << "Logged " << count_of(log.read()) << " events\n";
}

// 2. A state is a value with an apply() for each of its events.

struct http_request {
    static constexpr std::string_view event_type = "http_request";
    std::string method{};
    std::string path{};
    std::int64_t status_code{};
    std::int64_t response_time_ms{};
    std::optional<std::string> user_agent{};
};

struct response_times {
    using events = everfold::events<http_request>;
    std::int64_t sum{};
    std::int64_t minimum{std::numeric_limits<std::int64_t>::max()};
    std::int64_t maximum{};
    std::int64_t count{};

    void apply(const http_request& e) {
        sum += e.response_time_ms;
        minimum = std::min(minimum, e.response_time_ms);
        maximum = std::max(maximum, e.response_time_ms);
        ++count;
    }

    [[nodiscard]] double average() const {
        return static_cast<double>(sum) / static_cast<double>(count);
    }
};

void web_server_logging(const std::string& path) {
    std::cout << "\n2. Web Server Logging Demo\n";
    auto log = open_new(path);
    for (std::int64_t i = 0; i < 10; ++i)
        log.append(
               "web_server",
               http_request{
                   .method = "GET",
                   .path = "/api/endpoint" + std::to_string(i),
                   .status_code = 200,
                   .response_time_ms = i * 10}
        )
            .value();
    response_times times;
    everfold::folder<response_times> fold;
    for (const auto& e : log.read(everfold::query{}.type<http_request>()))
        fold.apply(times, e);
    std::cout << "Response time stats: average " << times.average() << ", minimum " << times.minimum
              << ", maximum " << times.maximum << ", count " << times.count << '\n';
}

// 3. A log is rotated by itself: a segment that is full is followed by a new one. Here that is
// after 1 KiB of events; the first 4 KiB of each segment are its header.

struct counter_event {
    static constexpr std::string_view event_type = "counter_event";
    std::int64_t value{};
};

void log_rotation(const std::string& path) {
    std::cout << "\n3. Log Rotation Demo\n";
    auto log = open_new(path, {.segment_bytes_max = 5 * 1024});
    auto segments = log.stats().segments;
    for (std::int64_t i = 0; i < 20; ++i) {
        log.append("counter", counter_event{.value = i}).value();
        if (const auto now = log.stats().segments; now != segments) {
            segments = now;
            std::cout << "Rotated to segment " << segments << '\n';
        }
    }
    std::cout << "Total events across rotated segments: " << count_of(log.read()) << " in "
              << log.stats().segments << " segments\n";
}

// 4. An aggregate is a state and the decisions that may change it.

struct user_created {
    static constexpr std::string_view event_type = "user_created";
    std::int64_t user_id{};
    std::string name{};
    static constexpr auto event_tags = everfold::tagged("user", &user_created::user_id);
};

/// What is absent stays as it is.
struct user_updated {
    static constexpr std::string_view event_type = "user_updated";
    std::int64_t user_id{};
    everfold::patch<std::string> email{};
    everfold::patch<std::string> phone{};
    static constexpr auto event_tags = everfold::tagged("user", &user_updated::user_id);
};

struct user {
    std::string name{};
    std::optional<std::string> email{};
    std::optional<std::string> phone{};
};

struct user_directory {
    using events = everfold::events<user_created, user_updated>;
    std::map<std::int64_t, user> users{};

    void apply(const user_created& e) { users[e.user_id] = {.name = e.name}; }

    void apply(const user_updated& e) {
        auto& u = users[e.user_id];
        e.email.apply_to(u.email);
        e.phone.apply_to(u.phone);
    }
};

struct user_management : everfold::aggregate<user_directory> {
    void create(std::int64_t id, std::string name) {
        if (state().users.contains(id))
            throw std::invalid_argument{"user " + std::to_string(id) + " exists already"};
        record(user_created{.user_id = id, .name = std::move(name)});
    }

    void update(const user_updated& changes) {
        if (!state().users.contains(changes.user_id))
            throw std::invalid_argument{"no user " + std::to_string(changes.user_id)};
        record(changes);
    }
};

void user_system(const std::string& path) {
    std::cout << "\n4. User Management System Demo\n";
    auto log = open_new(path);
    {
        everfold::repository<user_management> repository{log};
        repository.update("users", [](user_management& u) { u.create(1, "Alice"); });
        repository.update("users", [](user_management& u) { u.create(2, "Bob"); });
        repository.update("users", [](user_management& u) {
            u.update({.user_id = 1, .email = "alice@example.com"});
        });
        repository.update("users", [](user_management& u) {
            u.update({.user_id = 1, .phone = "555-0123"});
        });
    }
    // Another repository knows nothing but the log.
    const auto users = everfold::repository<user_management>{log}.load("users").state().users;
    std::cout << "Current users: [";
    for (const auto& [id, u] : users)
        std::cout << (id == users.begin()->first ? "" : ", ") << id;
    std::cout << "]\n";
    std::cout << users.at(1).name << " has " << count_of(log.read(everfold::query{}.tag("user", 1)))
              << " events in history\n";
    for (const auto& e : log.read(everfold::query{}.tag("user", 1)))
        std::cout << "  " << e.occurred_at << ": " << e.type << " - " << e.to_json() << '\n';
}

std::string work_directory(int argc, char** argv) {
    const auto machine = everfold::io::posix_machine();
    std::string path;
    if (argc > 1) {
        path = argv[1];
    } else {
        const auto* temporary = std::getenv("TMPDIR");
        path = everfold::io::join(
            temporary != nullptr && *temporary != '\0' ? temporary : "/tmp",
            "everfold_tutorial_" + machine.random->next_uuid().to_string()
        );
    }
    if (machine.files->kind(path, true) == everfold::io::path_kind::missing)
        machine.files->make_directory(path);
    return path;
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 2 || (argc == 2 && (argv[1][0] == '-' || argv[1][0] == '\0'))) {
        std::cerr << "usage: tutorial [WORK_DIRECTORY]\n";
        return 2;
    }
    try {
        const auto work = work_directory(argc, argv);
        std::cout << "=== Append-Only Log Demo ===\n";
        basic_logging(everfold::io::join(work, "demo_basic.everfold"));
        web_server_logging(everfold::io::join(work, "demo_web.everfold"));
        log_rotation(everfold::io::join(work, "demo_rotate.everfold"));
        user_system(everfold::io::join(work, "demo_users.everfold"));
        std::cout << "\n=== Demo Complete ===\n";
        std::cout << "The four logs are in " << everfold::printable(work) << '\n' << std::flush;
        return std::cout ? 0 : 6;
    } catch (const std::exception& e) {
        std::cout.flush();
        std::cerr << "tutorial: " << e.what() << '\n';
        return 1;
    }
}
