// SPDX-License-Identifier: MIT
// The manifest and the head mark: what is read and written again is read the same. The input: a
// byte that is odd for a head mark, and the file.

#include "fuzz.hpp"
#include "repairs.hpp"

#include <everfold/io/simulated.hpp>
#include <everfold/log/manifest.hpp>

namespace everfold::fuzz {

namespace {

void run_manifest(io::simulated_disk& disk) {
    log::manifest_read first;
    if (!answers([&] { first = log::read_manifest(disk, "/log"); }))
        return;
    const auto& m = first.content;
    require(!m.segments.empty(), "a log has a segment");
    log::replace_manifest(disk, "/log", m);
    const auto second = log::read_manifest(disk, "/log");
    require(second.are_both_whole && !second.is_incomplete, "what was written is whole");
    require(
        second.content.segments == m.segments && second.content.dead == m.dead &&
            second.content.limits == m.limits && second.content.log_id == m.log_id &&
            second.content.generation == m.generation && second.content.created_ns == m.created_ns,
        "a manifest that was written again is the same"
    );
    auto third = m;
    if (log::commit_manifest(disk, "/log", third) == log::copies::one)
        log::complete_manifest(disk, "/log", third);
    const auto last = log::read_manifest(disk, "/log");
    require(
        last.are_both_whole && !last.is_incomplete && last.content.segments == m.segments,
        "a manifest that was committed again is the same"
    );
}

void run_head(io::simulated_disk& disk) {
    log::head_mark_read first;
    if (!answers([&] { first = log::read_head_mark(disk, "/log", {log_octets}); }))
        return;
    log::replace_head_mark(disk, "/log", {log_octets}, first.mark, first.generation + 1);
    const auto second = log::read_head_mark(disk, "/log", {log_octets});
    require(second.are_both_whole && second.mark == first.mark, "a mark written again is the same");
}

} // namespace

void run(bytes_view input) {
    input_reader in{input};
    const bool is_head = in.number<std::uint8_t>() % 2 != 0;
    io::simulated_disk disk{false};
    disk.make_directory("/log");
    disk.set_content(is_head ? "/log/head" : "/log/LOG", {in.rest().begin(), in.rest().end()});
    if (is_head)
        run_head(disk);
    else
        run_manifest(disk);
}

void repair(std::span<std::byte> input, std::uint32_t choice) {
    if (!input.empty())
        repair_slots(input.subspan(1), std::to_integer<int>(input[0]) % 2 != 0 ? 'H' : 'L', choice);
}

} // namespace everfold::fuzz
