// SPDX-License-Identifier: MIT
// How many lines of JSON a second does the command import, durably?
#include "compared.hpp"
#include "raw_log.hpp"
#include "users.hpp"
#include "workload.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

nlohmann::ordered_json data_of(const user_event& e) {
    nlohmann::ordered_json out{{"user_id", e.user}};
    const auto add = [&](std::uint8_t which, const char* key, std::string_view text) {
        if ((e.fields & which) != 0)
            out[key] = text;
    };
    add(has_name, "name", e.name);
    if ((e.fields & email_is_null) != 0)
        out["email"] = nullptr;
    else
        add(has_email, "email", e.email);
    add(has_phone, "phone", e.phone);
    return out;
}

/// As the tutorial writes them.
std::string lines_of(const workload& w) {
    std::string out;
    for (const auto& e : w.events()) {
        const auto at = static_cast<std::int64_t>(e.at_ms);
        auto when = timestamp::from_milliseconds(at).to_string();
        when.pop_back();
        const nlohmann::ordered_json line{
            {"timestamp", at},
            {"datetime", when},
            {"event_type", name_of(e.what)},
            {"data", data_of(e)}};
        out += line.dump();
        out += '\n';
    }
    return out;
}

/// Takes all that it is told, and makes nothing of it.
struct listener {
    using json = nlohmann::json;
    // NOLINTBEGIN(readability-convert-member-functions-to-static): the parser's interface
    bool null() { return true; }

    bool boolean(bool /*value*/) { return true; }

    bool number_integer(std::int64_t /*value*/) { return true; }

    bool number_unsigned(std::uint64_t /*value*/) { return true; }

    bool number_float(double /*value*/, const std::string& /*text*/) { return true; }

    bool string(std::string& value) {
        bytes += value.size();
        return true;
    }

    bool binary(json::binary_t& /*value*/) { return true; }

    bool start_object(std::size_t /*size*/) { return true; }

    bool key(std::string& /*name*/) { return true; }

    bool end_object() { return true; }

    bool start_array(std::size_t /*size*/) { return true; }

    bool end_array() { return true; }

    template <class Failure>
    bool parse_error(std::size_t /*at*/, const std::string& /*token*/, const Failure& /*why*/) {
        return false;
    }
    // NOLINTEND(readability-convert-member-functions-to-static)

    std::uint64_t bytes{};
};

/// Reads the file and parses it line by line; how many there are.
std::uint64_t parse_lines(const std::string& path) {
    const auto text = read_whole(path);
    listener all;
    std::uint64_t lines = 0;
    for (std::size_t at = 0; at < text.size(); ++lines) {
        const auto end = text.find('\n', at);
        if (!nlohmann::json::sax_parse(text.data() + at, text.data() + end, &all))
            throw std::runtime_error{"a line is no JSON"};
        at = end + 1;
    }
    if (all.bytes == 0)
        throw std::runtime_error{"nothing was parsed"};
    return lines;
}

/// `everfold import`, beside which this program was built.
void import(const std::string& file, const std::string& log) {
    const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    auto command = (here / "../../../framework/everfold/cli/everfold").lexically_normal().string();
    std::string verb{"import"};
    std::string to{log};
    std::string from{file};
    std::string option{"--stream"};
    std::string name{"user-{user_id}"};
    std::array<char*, 7> words{
        command.data(), verb.data(), to.data(), from.data(), option.data(), name.data(), nullptr};
    ::posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::pid_t child = 0;
    const auto failed =
        ::posix_spawn(&child, command.c_str(), &actions, nullptr, words.data(), ::environ);
    ::posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    if (failed != 0 || ::waitpid(child, &status, 0) != child || status != 0)
        throw std::runtime_error{command + " import did not succeed"};
}

void questions(const options& how) {
    const workload w{how.events};
    const auto file = how.data + "/lines.jsonl";
    const auto log = how.data + "/imported";
    write_file(file, lines_of(w));
    const auto events = static_cast<double>(w.events().size());
    const auto count = std::to_string(w.events().size());
    contest c;
    c.operation = "import of JSON Lines";
    c.events = how.events;
    c.work = "a process of the command, which syncs each thousand events; the limit parses alone";
    c.aspects = {{.unit = "events/s", .target = at_least(0.8)}};
    c.digest = benchmarks::digest_of(w.events());
    c.warms_up = true;
    c.ours = {"Everfold", [&] {
                  std::filesystem::remove_all(log);
                  const stopwatch watch;
                  import(file, log);
                  const auto value = events / watch.seconds();
                  auto imported = open(log, {.mode = open_mode::read_only});
                  return measured{{value}, benchmarks::digest_of(imported)};
              }};
    c.limit = {"nlohmann_json's SAX parser, and nothing is done with what it says", [&] {
                   const stopwatch watch;
                   const auto lines = parse_lines(file);
                   const auto value = events / watch.seconds();
                   if (std::to_string(lines) != count)
                       throw std::runtime_error{"a line is missing"};
                   return measured{{value}, c.digest};
               }};
    compare(how, c);
    std::filesystem::remove_all(log);
    std::filesystem::remove(file);
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
