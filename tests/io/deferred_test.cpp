// SPDX-License-Identifier: MIT
#include <everfold/io/deferred.hpp>
#include <everfold/io/simulated.hpp>

#include <doctest/doctest.h>

using namespace everfold;
using io::open_mode;
using io::path_kind;

TEST_CASE("a directory of deferred files has its last file once all of them are durable") {
    const auto disk = std::make_shared<io::simulated_disk>();
    disk->make_directory("/d");
    disk->sync_directory("/");
    io::deferred_files files{disk, "/d", "LAST"};
    files.open("/d/one", open_mode::create_new)->write_at(byte_offset{0}, as_bytes("1"));
    io::replace_durably(files, "/d/LAST", as_bytes("all"));

    // Whoever asks by way of them finds it, nobody else.
    CHECK(files.kind("/d/LAST", false) == path_kind::regular_file);
    CHECK(disk->kind("/d/LAST") == path_kind::missing);
    const auto early = disk->after_power_cut(io::power_cut::lose_all, 1);
    CHECK(early->files_below("/d").empty());

    files.finish();
    const auto late = disk->after_power_cut(io::power_cut::lose_all, 1);
    CHECK(late->files_below("/d") == std::vector<std::string>{"/d/LAST", "/d/one"});
    CHECK(as_text(late->content("/d/LAST")) == "all");
    CHECK(as_text(late->content("/d/one")) == "1");
}

TEST_CASE("power lost while deferred files are finished leaves the last one away or all of them") {
    for (std::uint64_t at = 0;; ++at) {
        CAPTURE(at);
        const auto disk = std::make_shared<io::simulated_disk>();
        disk->make_directory("/d");
        io::deferred_files files{disk, "/d", "LAST"};
        files.open("/d/one", open_mode::create_new)->write_at(byte_offset{0}, as_bytes("1"));
        io::replace_durably(files, "/d/LAST", as_bytes("all"));
        disk->power_off_at(disk->operation_count() + at);
        bool is_done = false;
        try {
            files.finish();
            is_done = true;
        } catch (const io::simulated_disk::powered_off&) {
        }
        for (const auto kind :
             {io::power_cut::lose_all, io::power_cut::keep_all, io::power_cut::random}) {
            const auto left = disk->after_power_cut(kind, at);
            const auto is_there = left->kind("/d/LAST") != path_kind::missing;
            CHECK((is_there || !is_done));
            if (!is_there)
                continue;
            CHECK(as_text(left->content("/d/LAST")) == "all");
            CHECK(as_text(left->content("/d/one")) == "1");
        }
        if (is_done)
            break;
    }
}
