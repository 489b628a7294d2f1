// SPDX-License-Identifier: MIT
// Does one operation once, for a profiler that counts what profiled_part() does: see
// tests/benchmarks/profile.py.
//
//     profiled OPERATION EVENTS DIRECTORY
#include "users.hpp"
#include "workload.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

// The profiler knows it by this name.
extern "C" [[gnu::noinline]] void profiled_part(const std::function<void()>& what) {
    what();
}

void append_in(const std::string& at, const workload& w, std::size_t batch, durability level) {
    std::filesystem::remove_all(at);
    const append_plan plan{w.events(), batch, shape::a_stream_each};
    auto to = open(at, {.compress_sealed = false, .level = level});
    profiled_part([&] { plan.run(to); });
    to.close();
}

void scan(store& from) {
    std::uint64_t bytes = 0;
    for (const auto& e : from.read())
        bytes += e.payload.size();
    if (bytes == 0)
        throw std::runtime_error{"nothing was read"};
}

void fold_into_map(store& from) {
    user_book book;
    folder<user_book> fold;
    for (const auto& e : from.read())
        fold.apply(book, e);
    if (book.users.empty())
        throw std::runtime_error{"nothing was folded"};
}

void fold_into_table(store& from) {
    if (fold_streams<user>(from, "user").size() == 0)
        throw std::runtime_error{"nothing was folded"};
}

void run(std::string_view operation, const workload& w, const std::string& directory) {
    const auto fresh = directory + "/appended";
    if (operation == "append")
        return append_in(fresh, w, 1000, durability::os());
    if (operation == "append_one")
        return append_in(fresh, w, 1, durability::os());
    if (operation == "durable_append")
        return append_in(fresh, w, 1, durability::commit());
    const std::map<std::string_view, void (*)(store&)> readers{
        {"scan", scan}, {"replay_map", fold_into_map}, {"replay_table", fold_into_table}};
    auto from = open(log_of(w, directory), {.mode = open_mode::read_only});
    profiled_part([&] { readers.at(operation)(from); });
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc != 4)
            throw std::runtime_error{"profiled OPERATION EVENTS DIRECTORY"};
        run(argv[1], workload{std::strtoull(argv[2], nullptr, 10)}, argv[3]);
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "profiled: %s\n", e.what());
        return 1;
    }
}
