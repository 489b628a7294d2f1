// SPDX-License-Identifier: MIT
// Texts that say where somebody was: a checkpoint, in its file too, and a query's cursor. What is
// read is the one text of what it says. The input: the text.

#include "fuzz.hpp"
#include "repairs.hpp"

#include <everfold/io/simulated.hpp>
#include <everfold/log/derived_id.hpp>
#include <everfold/projection/checkpoint_file.hpp>
#include <everfold/store/query_cursor.hpp>

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace everfold::fuzz {

void run(bytes_view input) {
    const auto text = as_text(input);
    if (const auto cursor = query_cursor::parse(text)) {
        require(cursor->to_string() == text, "a cursor is its text");
        const auto id = log::derived_id(cursor->log_id, cursor->boundary);
        require(std::to_integer<unsigned>(id.octets[6]) >> 4U == 8, "a derived id is of version 8");
        const position next{cursor->boundary.value() + 1};
        require(log::derived_id(cursor->log_id, next) != id, "two events have two ids");
    }
    std::optional<checkpoint> mark;
    if (answers([&] { mark = checkpoint::parse(text); }))
        require(mark->to_string() == text, "a checkpoint is its text");
    const auto disk = std::make_shared<io::simulated_disk>(false);
    disk->make_directory("/marks");
    disk->set_content("/marks/a", {input.begin(), input.end()});
    checkpoint_file file{"/marks/a", io::simulated_machine(disk)};
    std::optional<checkpoint> loaded;
    const bool is_loaded = answers([&] { loaded = file.load(); });
    // Where it threw, GCC 12 leaves `loaded` with something in it.
    require(!is_loaded || loaded.has_value(), "a file that is there is never taken for none");
    if (mark) {
        require(!is_loaded, "a file's line has an end");
        file.save(*mark);
        require(file.load() == mark, "a checkpoint that was saved is loaded");
    }
}

void repair(std::span<std::byte> input, std::uint32_t choice) {
    // The last word is the checksum of all before it.
    const auto text = as_text(input);
    const auto word = text.find_last_of(". ");
    if (leaves_out(choice, 0) || word == std::string_view::npos)
        return;
    const auto covered = word + (text[word] == '.' ? 1 : 0);
    std::array<std::byte, 8> sum{};
    store_le(sum.data(), std::uint64_t{XXH3_64bits(text.data(), covered)});
    if (text[word] == ' ')
        std::ranges::reverse(sum); // a checkpoint has its high digits first
    const auto hex = to_hex(sum);
    const auto room = std::min(hex.size(), input.size() - word - 1);
    std::ranges::copy(
        as_bytes(hex).first(room), input.begin() + static_cast<std::ptrdiff_t>(word + 1)
    );
}

} // namespace everfold::fuzz
