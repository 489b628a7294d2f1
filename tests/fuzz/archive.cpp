// SPDX-License-Identifier: MIT
// An archived segment: what is read of it does not depend on how, and what salvages it reads the
// same. The input: the file.

#include "fuzz.hpp"
#include "repairs.hpp"

#include <everfold/io/simulated.hpp>
#include <everfold/log/source.hpp>

#include <algorithm>

namespace everfold::fuzz {

namespace {

constexpr std::uint64_t size_max = std::uint64_t{1} << 20U;

byte_buffer content_of(log::segment_source& source, std::size_t step) {
    byte_buffer out(static_cast<std::size_t>(source.size()));
    log::segment_source::scratch mine;
    std::size_t done = 0;
    while (done < out.size()) {
        const auto into = std::span{out}.subspan(done, std::min(step, out.size() - done));
        require(
            source.read_at(byte_offset{done}, into, mine) == into.size(),
            "an archive has all that it says"
        );
        done += into.size();
    }
    return out;
}

} // namespace

void run(bytes_view input) {
    io::simulated_disk disk{false};
    disk.set_content("/archive", {input.begin(), input.end()});
    const auto file = [&] {
        return std::shared_ptr<io::file>{disk.open("/archive", io::open_mode::read)};
    };
    byte_buffer whole;
    const bool opens = answers([&] {
        const auto source = log::open_archive(file(), "/archive", {log_octets}, segment_id);
        if (source->size() <= size_max) {
            whole = content_of(*source, size_max);
            require(content_of(*source, 5003) == whole, "an archive reads the same in parts");
        }
    });
    byte_buffer saved;
    const bool is_saved = answers([&] {
        const auto source = log::salvage_archive(file(), "/archive", segment_id);
        if (source != nullptr && source->size() <= size_max)
            saved = content_of(*source, size_max);
    });
    if (opens && !whole.empty())
        require(is_saved && saved == whole, "what is whole is salvaged whole");
}

void repair(std::span<std::byte> input, std::uint32_t choice) {
    repair_archive(input, choice);
}

} // namespace everfold::fuzz
