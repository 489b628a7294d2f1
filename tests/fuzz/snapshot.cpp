// SPDX-License-Identifier: MIT
// A snapshot's file: what is read and saved again is read the same. The input: the file.

#include "fuzz.hpp"
#include "repairs.hpp"

#include <everfold/io/simulated.hpp>
#include <everfold/store/snapshot_files.hpp>

#include <algorithm>

namespace everfold::fuzz {

void run(bytes_view input) {
    const auto disk = std::make_shared<io::simulated_disk>(false);
    disk->make_directory("/log");
    const std::string name = "snap-0000000000000000-00000000000000000005.evs";
    disk->set_content("/log/" + name, {input.begin(), input.end()});
    snapshot_files files{io::simulated_machine(disk), "/log", {log_octets}};
    std::string why;
    const auto found = files.load(name, why);
    require(found.has_value() == why.empty(), "a snapshot that is refused comes with a reason");
    if (!found)
        return;
    const auto& s = found->content;
    disk->remove("/log/" + name);
    if (!answers([&] { files.save(s, found->chain); }))
        return;
    const auto names = files.names(s.stream, s.fold, s.at);
    require(names.size() == 1, "a saved snapshot is found");
    const auto again = files.load(names.front(), s.stream, s.fold, why);
    require(
        again && again->content == s && again->chain == found->chain, "a saved snapshot is the same"
    );
}

void repair(std::span<std::byte> input, std::uint32_t choice) {
    if (input.size() > 32 && !leaves_out(choice, 1))
        std::ranges::copy(log_octets, input.begin() + 16);
    repair_end(input, 0, choice);
}

} // namespace everfold::fuzz
