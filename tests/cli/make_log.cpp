// SPDX-License-Identifier: MIT
// make_log KIND DIRECTORY: a log that the command itself would not write, for its tests.

#include <everfold/io/posix.hpp>
#include <everfold/log/event_log.hpp>
#include <everfold/log/format.hpp>
#include <everfold/log/manifest.hpp>
#include <everfold/log/slots.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

using namespace everfold;

std::unique_ptr<log::event_log> small_segments(const std::string& directory) {
    return log::event_log::open(
        io::posix_machine(),
        directory,
        {.limits =
             {.segment_bytes_max = 16'384, .event_bytes_max = 4096, .batch_bytes_max = 65'536},
         .compress_sealed = false}
    );
}

void append(log::event_log& to, bytes_view payload) {
    const log::draft draft{.stream = "s", .type = "t", .payload = payload};
    static_cast<void>(to.append({&draft, 1}, uuid{}, [](const log::stream_heads&) { return true; })
    );
}

// {"n": 70,000 + i, "t": 100 bytes of text}.
void fill(log::event_log& to, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
        byte_buffer payload;
        append_bytes(payload, as_bytes(std::string_view{"\xa2\x61n\x1a", 4}));
        for (const auto shift : {24U, 16U, 8U, 0U})
            payload.push_back(static_cast<std::byte>(((70'000 + i) >> shift) & 0xFFU));
        append_bytes(payload, as_bytes("\x61t\x78\x64" + std::string(100, 'x')));
        append(to, payload);
    }
}

// A manifest that says it is of the next format, and checks.
void make_newer(const std::string& directory) {
    const auto files = io::posix_files();
    files->make_directory(directory);
    log::slot_content content{.generation = 1};
    append_le(content.payload, std::uint32_t{log::format_major + 1});
    append_le(content.payload, std::uint32_t{0});
    io::replace_durably(
        *files,
        io::join(directory, log::manifest_name),
        encode_slots(log::slot_kind::manifest, content, log::manifest_slot_unit)
    );
}

bool make(std::string_view kind, const std::string& directory) {
    if (kind == "newer") {
        make_newer(directory);
        return true;
    }
    const bool is_archived = kind == "archived";
    if (!is_archived && kind != "segments" && kind != "malformed")
        return false;
    const auto made = small_segments(directory);
    fill(*made, kind == "malformed" ? 5 : 1000);
    if (kind == "malformed")
        append(*made, as_bytes("\xa1\x61")); // a map that ends too early; its checksum is right
    if (is_archived)
        static_cast<void>(made->archive([](const log::segment_index& s) {
            return s.first() < position{500};
        }));
    made->close();
    return true;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 3 && make(argv[1], argv[2]))
        return 0;
    static_cast<void>(std::fputs("make_log newer|segments|archived|malformed DIRECTORY\n", stderr));
    return 2;
}
