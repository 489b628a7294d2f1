// SPDX-License-Identifier: MIT
// A log whose active segment is any frames, opened as a whole: it is open, torn or damaged as
// log_format.md, "Opening", has it of what the reference reader sees; a reader sees what the next
// writer keeps; and what a writer has kept, the next one finds as it is. The input: u32 durable
// offset, u32 of which bit 0 says that the log was closed, and frames.

#include "fuzz.hpp"
#include "reference_frames.hpp"
#include "repairs.hpp"

#include <everfold/io/simulated.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/store/open.hpp>
#include <everfold/store/tools.hpp>

#include <algorithm>
#include <string>

namespace everfold::fuzz {

namespace {

const std::string directory = "/log";
const std::string segment_file = "seg-00000000000000000000-2021222324252627.evl";

struct verdict {
    bool is_damaged{};
    std::uint64_t torn{};
};

/// Rules 4 to 7.
verdict judge(bytes_view file, const reference::segment& found, std::uint64_t durable) {
    if (found.is_malformed)
        return {.is_damaged = true};
    std::uint64_t used = 0;
    for (auto at = found.at; at < file.size(); ++at)
        if (file[at] != std::byte{0})
            used = at + 1 - found.at;
    auto known = std::max(durable, found.watermark);
    for (auto at = found.at; at + 64 <= file.size(); at += 8)
        if (reference::is_header(file, at, frames_seed()))
            known = std::max(known, load_le<std::uint64_t>(file.data() + at + 32));
    const bool is_too_much = used > 2 * (std::uint64_t{batch_bytes_max} + 72);
    const bool has_no_epoch_left = used > 0 && found.epoch == 0xFFFF'FFFF;
    return {found.at < known || is_too_much || has_no_epoch_left, used};
}

std::shared_ptr<io::simulated_disk>
disk_with(bytes_view frames, std::uint64_t durable, bool is_closed, const uuid& boot) {
    auto disk = std::make_shared<io::simulated_disk>(false);
    disk->make_directory(directory);
    log::segment_header header;
    header.log_id = {log_octets};
    header.id = segment_id;
    header.event_bytes_max = 2048;
    header.batch_bytes_max = batch_bytes_max;
    auto file = encode(header);
    file.reserve(file.size() + frames.size());
    append_bytes(file, frames);
    disk->set_content(directory + "/" + segment_file, std::move(file));
    log::head_mark mark;
    mark.segment_id = segment_id;
    mark.durable = byte_offset{durable};
    mark.state = is_closed ? log::head_state::closed : log::head_state::open;
    mark.boot_id = boot;
    log::replace_head_mark(*disk, directory, header.log_id, mark, 2);
    log::manifest m{.log_id = header.log_id, .generation = 2};
    m.limits = {std::uint64_t{1} << 20U, header.event_bytes_max, batch_bytes_max};
    log::segment_entry entry;
    entry.id = segment_id;
    entry.file = segment_file;
    m.segments.push_back(entry);
    log::replace_manifest(*disk, directory, m);
    return disk;
}

/// What a program sees of all events; each of them in two ways.
std::vector<std::string> everything(store& s) {
    std::vector<std::string> out;
    for (const auto& e : s.read()) {
        auto line = std::to_string(e.log_position.value());
        for (const auto& part :
             {std::string{e.stream},
              std::to_string(e.stream_revision.value()),
              std::string{e.type},
              std::to_string(e.version),
              e.id.to_string(),
              e.recorded_at.to_string(),
              e.occurred_at.to_string(),
              std::string{as_text(e.payload)},
              std::string{as_text(e.metadata)}})
            line += "|" + part;
        for (const auto tag : e.tags)
            line += "|" + std::string{tag};
        out.push_back(std::move(line));
    }
    for (const auto& stream : s.streams()) {
        std::uint64_t count = 0;
        static_cast<void>(answers([&] {
            for (const auto& e : s.read(query{}.stream(stream)))
                count += e.stream == stream ? 1 : 1000;
        }));
        out.push_back(stream + " " + std::to_string(count));
    }
    return out;
}

struct opened {
    bool is_open{};
    std::uint64_t torn{};
    std::uint64_t end{};
    bool is_read{};
    std::vector<std::string> lines{};
};

opened open_in(const std::shared_ptr<io::simulated_disk>& disk, open_mode mode) {
    opened out;
    out.is_open = answers([&] {
        auto s = open(
            directory,
            {.mode = mode, .compress_sealed = false},
            // Another boot than the mark's: nobody writes, and all that checks is on the disk.
            io::simulated_machine(disk, 7, 2)
        );
        out.torn = s.report().torn_bytes;
        out.end = s.end().value();
        out.is_read = answers([&] { out.lines = everything(s); });
        if (mode != open_mode::read_only)
            s.close();
    });
    return out;
}

} // namespace

void run(bytes_view input) {
    input_reader in{input};
    const auto durable = std::uint64_t{in.number<std::uint32_t>()};
    const bool is_closed = in.number<std::uint32_t>() % 2 != 0;
    const auto boot = io::simulated_machine(std::make_shared<io::simulated_disk>(false)).boot_id;
    const auto disk = disk_with(in.rest(), durable, is_closed, boot);
    const auto file = disk->content(directory + "/" + segment_file);
    const auto theirs = reference::read(file, frames_seed(), batch_bytes_max, false);
    const auto expected = judge(file, theirs, durable);
    const auto read = open_in(disk, open_mode::read_only);
    const auto written = open_in(disk, open_mode::existing);
    // A writer needs a segment that goes on: it refuses one that is sealed.
    require(read.is_open == !expected.is_damaged, "what is damaged is not opened, and the rest is");
    require(written.is_open == read.is_open || theirs.is_sealed, "reader and writer agree");
    if (read.is_open) {
        require(read.torn == expected.torn, "a torn tail is as long as it is");
        require(read.end == theirs.next, "the log ends where the reference reader says");
    }
    if (!written.is_open)
        return;
    require(
        written.torn == read.torn && written.end == read.end, "a writer sees what a reader saw"
    );
    require(written.is_read == read.is_read && written.lines == read.lines, "both read the same");
    const auto again = open_in(disk, open_mode::existing);
    require(again.is_open && again.torn == 0, "what a writer has closed is whole");
    require(again.end == written.end && again.lines == written.lines, "and holds the same");
}

void repair(std::span<std::byte> input, std::uint32_t choice) {
    if (input.size() < 8)
        return;
    if (!leaves_out(choice, 9))
        store_le(
            input.data(),
            load_le<std::uint32_t>(input.data()) %
                static_cast<std::uint32_t>(input.size() + frames_at)
        );
    repair_frames(input.subspan(8), choice);
}

} // namespace everfold::fuzz
