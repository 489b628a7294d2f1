// SPDX-License-Identifier: MIT
// How long do a snapshot of all users take to load, and a history to compact?
#include "compared.hpp"
#include "raw_log.hpp"
#include "users.hpp"
#include "workload.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

store copied(const std::string& log, const std::string& path) {
    std::filesystem::remove_all(path);
    std::filesystem::copy(log, path);
    return open(path, {.mode = open_mode::existing, .compress_sealed = false});
}

std::string digest_of(const stream_table<user>& table) {
    state_digest out;
    for (const auto& row : table)
        row.state.add_to(out);
    return out.text();
}

void ask_load(const options& how, const workload& w) {
    const auto path = how.data + "/snapshot";
    const auto packed = how.data + "/snapshot.packed";
    auto store = copied(log_of(w, how.data), path);
    if (!fold_streams<user>(store, "user").save_snapshot())
        throw std::runtime_error{"there is no snapshot"};
    user_map all;
    fold_views(raw_frames(w.events()), all);
    write_file(packed, pack_users(all));
    const auto users = static_cast<double>(w.users());
    contest c;
    c.operation = "load of a snapshot of all users";
    c.events = how.events;
    c.work = "every stream's state by name; the limit's by number";
    c.aspects = {{.unit = "users/s", .target = at_least(0.7)}};
    c.digest = benchmarks::digest_of(w.events());
    c.warms_up = true;
    c.ours = {"Everfold", [&] {
                  const stopwatch watch;
                  const auto table = fold_streams<user>(store, "user");
                  const auto value = users / watch.seconds();
                  if (table.stats().snapshots_used != 1 || table.stats().events_replayed != 0)
                      throw std::runtime_error{"the snapshot was not used"};
                  return measured{{value}, digest_of(table)};
              }};
    c.limit = {"packed users in one block, checked", [&] {
                   std::vector<user_strings> into;
                   const stopwatch watch;
                   unpack_users(read_whole(packed), into);
                   const auto value = users / watch.seconds();
                   return measured{{value}, benchmarks::digest_of(into)};
               }};
    compare(how, c);
    store.close();
    std::filesystem::remove_all(path);
    std::filesystem::remove(packed);
}

void ask_compact(const options& how) {
    // A cost for each event; the whole would take the longest of all questions.
    const workload w{std::min<std::uint64_t>(how.events, 200'000)};
    const auto path = how.data + "/compact";
    const auto log = log_of(w, how.data, shape::one_stream);
    const auto frames = raw_frames(w.events());
    const auto events = static_cast<double>(w.events().size());
    contest c;
    c.operation = "compaction of one stream";
    c.events = w.events().size();
    c.work = "the limit folds and writes; compact() also compresses the events and compares them";
    c.aspects = {{.unit = "events/s", .target = at_least(0.5)}};
    c.digest = benchmarks::digest_of(w.events());
    c.ours = {"Everfold", [&] {
                  auto store = copied(log, path);
                  repository<all_users> users{store};
                  const stopwatch watch;
                  users.compact("users");
                  const auto value = events / watch.seconds();
                  return measured{{value}, benchmarks::digest_of(users.load("users").state())};
              }};
    c.limit = {"scan, fold, pack, write", [&] {
                   user_map users;
                   const stopwatch watch;
                   fold_views(frames, users);
                   write_file(path + ".packed", pack_users(users));
                   const auto value = events / watch.seconds();
                   return measured{{value}, users.digest()};
               }};
    compare(how, c);
    std::filesystem::remove_all(path);
    std::filesystem::remove(path + ".packed");
}

void questions(const options& how) {
    const workload w{how.events};
    ask_load(how, w);
    ask_compact(how);
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
