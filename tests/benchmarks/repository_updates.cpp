// SPDX-License-Identifier: MIT
// Do ten thousand updates through one repository cost ten times as much as one thousand? They would
// cost a hundred times as much if each read or copied all that was there before it.
#include "support/scratch_dir.hpp"

#include <everfold/everfold.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <string>
#include <string_view>

namespace {

struct user_renamed {
    static constexpr std::string_view event_type = "user_renamed";
    std::int64_t user_id{};
    std::string name{};
    static constexpr auto event_tags = everfold::tagged("user", &user_renamed::user_id);
};

struct directory {
    using events = everfold::events<user_renamed>;
    std::map<std::int64_t, std::string> names{};

    void apply(const user_renamed& e) { names[e.user_id] = e.name; }
};

class user_directory : public everfold::aggregate<directory> {
public:
    void rename(std::int64_t id, std::string name) {
        record(user_renamed{.user_id = id, .name = std::move(name)});
    }
};

// Every update makes a user more, so that the state grows with the stream.
double seconds_for(everfold::store store, std::int64_t count) {
    using clock = std::chrono::steady_clock;
    auto users = everfold::repository<user_directory>{std::move(store)};
    const auto start = clock::now();
    for (std::int64_t i = 0; i < count; ++i)
        users.update("users", [&](user_directory& u) { u.rename(i, "user " + std::to_string(i)); });
    const auto seconds = std::chrono::duration<double>(clock::now() - start).count();
    const auto size =
        users.inspect("users", [](const user_directory& u) { return u.state().names.size(); });
    if (size != static_cast<std::size_t>(count)) {
        std::fprintf(stderr, "%zu users instead of %lld\n", size, static_cast<long long>(count));
        std::exit(1);
    }
    return seconds;
}

template <class Open>
void compare(const char* where, const Open& open) {
    constexpr std::int64_t few = 1'000;
    constexpr std::int64_t many = 10'000;
    static_cast<void>(seconds_for(open("warm"), few));
    const auto few_seconds = seconds_for(open("few"), few);
    const auto many_seconds = seconds_for(open("many"), many);
    const auto per_update = [](double seconds, std::int64_t count) {
        return seconds / static_cast<double>(count) * 1e6;
    };
    const auto a = per_update(few_seconds, few);
    const auto b = per_update(many_seconds, many);
    std::printf(
        "%-12s %6lld updates %8.3f s  %8.2f us each\n"
        "%-12s %6lld updates %8.3f s  %8.2f us each   ratio per update %.2f\n",
        where,
        static_cast<long long>(few),
        few_seconds,
        a,
        where,
        static_cast<long long>(many),
        many_seconds,
        b,
        b / a
    );
}

} // namespace

int main() {
    try {
        compare("in memory", [](std::string_view) { return everfold::open("memory:"); });
        const everfold::testing::scratch_dir directory;
        compare("on disk", [&](std::string_view name) { return everfold::open(directory / name); });
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
