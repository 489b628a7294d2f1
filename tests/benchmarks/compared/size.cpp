// SPDX-License-Identifier: MIT
// How many bytes does an event take, and how much memory a replay beside its state?
#include "child_answer.hpp"
#include "compared.hpp"
#include "peers/peer.hpp"
#include "users.hpp"
#include "workload.hpp"

#include <everfold/io/posix.hpp>
#include <everfold/log/event_log.hpp>

#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace everfold;
using namespace everfold::benchmarks;

double bytes_of(const std::string& directory, std::string_view ending) {
    double out = 0;
    for (const auto& entry : std::filesystem::directory_iterator{directory})
        if (ending.empty() || entry.path().extension() == ending)
            out += static_cast<double>(entry.file_size());
    return out;
}

/// Blocks that are taken, as some have files with holes.
double taken_by(const std::string& directory) {
    double out = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
        struct stat about {};
        if (entry.is_regular_file() && ::stat(entry.path().c_str(), &about) == 0)
            out += static_cast<double>(about.st_blocks) * 512;
    }
    return out;
}

void ask_bytes(options how, const workload& w) {
    how.pairs = 1; // it is the same each time
    const auto path = how.data + "/size";
    const auto events = static_cast<double>(w.events().size());
    std::filesystem::remove_all(path);
    {
        auto to = open(path, {.compress_sealed = false, .level = durability::os()});
        append_plan{w.events(), 64, shape::a_stream_each}.run(to);
        to.close();
    }
    contest c;
    c.operation = "bytes an event";
    c.events = how.events;
    c.work = "appends of 64, CBOR that names its fields; the others the packed payload of 48 bytes";
    c.aspects = {{.what = "as written", .unit = "bytes", .target = at_most(96)}};
    c.ours = {"Everfold", [&] { return measured{{bytes_of(path, ".evl") / events}, {}}; }};
    for (const auto& kind : peers())
        c.peers
            .push_back({kind.name, [&, kind] {
                            return measured{{taken_by(peer_data(kind, w, how.data)) / events}, {}};
                        }});
    compare(how, c);
    c.aspects = {{.what = "archived", .unit = "bytes", .target = at_most(24)}};
    c.peers.clear();
    c.ours.run = [&] {
        const auto log = log::event_log::open(
            io::posix_machine(), path, {.mode = log::access::existing, .compress_sealed = false}
        );
        log->archive([](const log::segment_index&) { return true; });
        log->close();
        return measured{{bytes_of(path, ".evz") / events}, {}};
    };
    compare(how, c);
    std::filesystem::remove_all(path);
}

/// In bytes, from the kernel.
double status_of(std::string_view name) {
    std::ifstream file{"/proc/self/status"};
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(name))
            return std::stod(line.substr(name.size() + 1)) * 1024;
    throw std::runtime_error{"the kernel does not say how much memory there is"};
}

double allocated() {
    const auto info = ::mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
}

/// The most that was resident meanwhile, less what the state takes in the end.
double memory_beside_state(const std::string& log) {
    return in_child([&] {
        auto store = open(log, {.mode = open_mode::read_only});
        ::malloc_trim(0);
        std::ofstream{"/proc/self/clear_refs"} << 5; // the peak begins anew
        const auto before = status_of("VmRSS:");
        const auto allocated_before = allocated();
        const auto table = fold_streams<user>(store, "user");
        const auto state = allocated() - allocated_before;
        if (table.size() == 0)
            throw std::runtime_error{"nothing was folded"};
        return status_of("VmHWM:") - before - state;
    });
}

void ask_memory(options how, const workload& w) {
    how.pairs = std::min(how.pairs, 3U);
    const auto log = log_of(w, how.data);
    contest c;
    c.operation = "memory of a replay beside its state";
    c.events = how.events;
    c.work = "fold_streams, in a process of its own";
    c.aspects = {{.unit = "MiB", .target = at_most(4)}};
    c.ours = {"Everfold", [&] { return measured{{memory_beside_state(log) / 1024 / 1024}, {}}; }};
    compare(how, c);
}

void questions(const options& how) {
    const workload w{how.events};
    ask_bytes(how, w);
    ask_memory(how, w);
}

} // namespace

int main(int argc, char** argv) {
    return answer(argc, argv, questions);
}
