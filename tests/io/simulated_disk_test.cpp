// SPDX-License-Identifier: MIT
// What a simulated power cut leaves, how operations fail, and that all of it can be repeated.
#include <everfold/base/error.hpp>
#include <everfold/io/simulated.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace everfold;
using namespace everfold::io;

namespace {

using disk_ptr = std::shared_ptr<simulated_disk>;

constexpr std::uint64_t seeds = 400;

disk_ptr new_disk(bool keeps_unsynced = true) {
    auto disk = std::make_shared<simulated_disk>(keeps_unsynced);
    disk->make_directory("/d");
    disk->sync_directory("/");
    return disk;
}

std::unique_ptr<file> create(const disk_ptr& disk, const std::string& path) {
    return disk->open(path, open_mode::create_new);
}

void write(file& f, std::uint64_t at, std::string_view text) {
    f.write_at(byte_offset{at}, as_bytes(text));
}

// A file whose content and name are durable.
std::unique_ptr<file>
create_durably(const disk_ptr& disk, const std::string& path, std::string_view text) {
    auto f = create(disk, path);
    write(*f, 0, text);
    f->sync_all();
    disk->sync_directory(parent(path));
    return f;
}

std::string text_of(const simulated_disk& disk, const std::string& path) {
    return std::string{as_text(disk.content(path))};
}

// "missing", or the content: one word for what became of a file.
std::string state_of(const disk_ptr& disk, const std::string& path) {
    return disk->kind(path) == path_kind::missing ? "missing" : text_of(*disk, path);
}

// The whole disk as text: what two equal disks agree in.
std::map<std::string, std::string> picture_of(const disk_ptr& disk) {
    std::map<std::string, std::string> out;
    for (const auto& path : disk->files_below("/"))
        out[path] = text_of(*disk, path);
    return out;
}

template <class State>
auto states_after(const disk_ptr& disk, power_cut kind, State state) {
    std::set<decltype(state(disk))> out;
    for (std::uint64_t seed = 0; seed < seeds; ++seed)
        out.insert(state(disk->after_power_cut(kind, seed)));
    return out;
}

template <class Call>
int error_number_of(Call call) {
    try {
        call();
        return 0;
    } catch (const io_error& e) {
        return e.error_number();
    }
}

// A little of everything: each operation of the seam once at least.
void run_script(const disk_ptr& disk) {
    disk->make_directory("/d/e");
    const auto lock = disk->try_lock("/d/LOCK");
    auto f = create(disk, "/d/f");
    write(*f, 0, std::string(1000, 'a'));
    f->sync_data();
    disk->sync_directory("/d");
    write(*f, 500, std::string(1000, 'b'));
    f->truncate(1200);
    f->sync_all();
    byte_buffer piece(10);
    (void)f->read_at(byte_offset{0}, piece);
    replace_durably(*disk, "/d/e/g", as_bytes("first"));
    replace_durably(*disk, "/d/e/g", as_bytes("second"));
    disk->remove("/d/e/g");
    (void)disk->open("/d/f", open_mode::read);
    (void)disk->list("/d");
}

} // namespace

TEST_CASE("a write without a sync is lost, with one it stays") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "old");
    write(*f, 0, "new!");
    CHECK(text_of(*disk, "/d/f") == "new!");
    CHECK(text_of(*disk->after_power_cut(power_cut::lose_all, 1), "/d/f") == "old");
    CHECK(text_of(*disk->after_power_cut(power_cut::keep_all, 1), "/d/f") == "new!");
    SUBCASE("sync_data") {
        f->sync_data();
    }
    SUBCASE("sync_all") {
        f->sync_all();
    }
    for (const auto kind :
         {power_cut::lose_all, power_cut::keep_all, power_cut::random, power_cut::garble})
        CHECK(states_after(disk, kind, [](const auto& after) {
                  return text_of(*after, "/d/f");
              }) == std::set<std::string>{"new!"});
}

TEST_CASE("a new file's name is durable only after its directory was synced") {
    const auto disk = new_disk();
    const auto f = create(disk, "/d/f");
    write(*f, 0, "data");
    f->sync_all();
    const auto state = [](const auto& after) { return state_of(after, "/d/f"); };
    CHECK(states_after(disk, power_cut::lose_all, state) == std::set<std::string>{"missing"});
    CHECK(states_after(disk, power_cut::random, state) == std::set<std::string>{"missing", "data"});
    disk->sync_directory("/d");
    CHECK(states_after(disk, power_cut::lose_all, state) == std::set<std::string>{"data"});
}

TEST_CASE("a durable name without synced data leads to an empty file") {
    const auto disk = new_disk();
    const auto f = create(disk, "/d/f");
    write(*f, 0, "data");
    disk->sync_directory("/d");
    CHECK(text_of(*disk->after_power_cut(power_cut::lose_all, 1), "/d/f").empty());
}

TEST_CASE("a new directory needs a sync of its parent, and its files one of itself") {
    const auto disk = new_disk();
    disk->make_directory("/d/e");
    const auto f = create_durably(disk, "/d/e/f", "x");
    CHECK(disk->after_power_cut(power_cut::lose_all, 1)->kind("/d/e") == path_kind::missing);
    disk->sync_directory("/d");
    CHECK(state_of(disk->after_power_cut(power_cut::lose_all, 1), "/d/e/f") == "x");
}

TEST_CASE("a rename leaves the old or the new target, never none") {
    const auto disk = new_disk();
    (void)create_durably(disk, "/d/f", "old");
    (void)create_durably(disk, "/d/f.tmp", "new");
    disk->rename("/d/f.tmp", "/d/f");
    const auto state = [](const auto& after) {
        return state_of(after, "/d/f") + ' ' + state_of(after, "/d/f.tmp");
    };
    CHECK(states_after(disk, power_cut::lose_all, state) == std::set<std::string>{"old new"});
    CHECK(
        states_after(disk, power_cut::random, state) ==
        std::set<std::string>{"old new", "new missing"}
    );
    disk->sync_directory("/d");
    CHECK(states_after(disk, power_cut::random, state) == std::set<std::string>{"new missing"});
}

TEST_CASE("a rename between directories needs a sync of both") {
    const auto disk = new_disk();
    disk->make_directory("/d/e");
    (void)create_durably(disk, "/d/f", "x");
    disk->rename("/d/f", "/d/e/f");
    const auto state = [](const auto& after) {
        return state_of(after, "/d/f") + ' ' + state_of(after, "/d/e/f");
    };
    disk->sync_directory("/d/e");
    CHECK(
        states_after(disk, power_cut::random, state) == std::set<std::string>{"x x", "missing x"}
    );
    // Both names lead to one file, not to two that were equal.
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        const auto after = disk->after_power_cut(power_cut::random, seed);
        if (state(after) == "x x") {
            write(*after->open("/d/f", open_mode::write), 0, "y");
            CHECK(state(after) == "y y");
        }
    }
    disk->sync_directory("/d");
    CHECK(states_after(disk, power_cut::random, state) == std::set<std::string>{"missing x"});
}

TEST_CASE("a removed file comes back unless its directory was synced") {
    const auto disk = new_disk();
    (void)create_durably(disk, "/d/f", "x");
    disk->remove("/d/f");
    const auto state = [](const auto& after) { return state_of(after, "/d/f"); };
    CHECK(states_after(disk, power_cut::random, state) == std::set<std::string>{"missing", "x"});
    disk->sync_directory("/d");
    CHECK(states_after(disk, power_cut::random, state) == std::set<std::string>{"missing"});
}

TEST_CASE("names that do not depend on each other survive in every combination") {
    const auto disk = new_disk();
    for (const auto* path : {"/d/a", "/d/b", "/d/c"})
        (void)create(disk, path);
    CHECK(states_after(disk, power_cut::random, [](const auto& after) {
              return after->list("/d");
          }).size() == 8);
}

TEST_CASE("a write is torn at 512-byte offsets of the file, in every combination") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", std::string(2048, '-'));
    // Touches four sectors, the first and last in part.
    write(*f, 500, std::string(1100, '#'));
    std::set<std::string> expected;
    for (unsigned subset = 0; subset < 16; ++subset) {
        std::string text(2048, '-');
        for (std::size_t at = 500; at < 1600; ++at)
            if (((subset >> (at / 512)) & 1U) != 0)
                text[at] = '#';
        expected.insert(text);
    }
    CHECK(states_after(disk, power_cut::random, [](const auto& after) {
              return text_of(*after, "/d/f");
          }) == expected);
}

TEST_CASE("size and data of an extending write survive independently") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "ab");
    write(*f, 2, "cd");
    const auto found = states_after(disk, power_cut::random, [](const auto& after) {
        return text_of(*after, "/d/f");
    });
    CHECK(found == std::set<std::string>{"ab", "abcd", std::string{"ab\0\0", 4}});
}

TEST_CASE("data whose size was lost shows once a later size arrives") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "");
    write(*f, 0, "ab");
    write(*f, 2, "cd");
    const auto found = states_after(disk, power_cut::random, [](const auto& after) {
        return text_of(*after, "/d/f");
    });
    CHECK(
        found ==
        std::set<std::string>{
            "",
            "ab",
            std::string(2, '\0'),
            "abcd",
            std::string{"ab\0\0", 4},
            std::string{"\0\0cd", 4},
            std::string(4, '\0')}
    );
}

TEST_CASE("a truncation without a sync may be undone, and bytes behind it come back or not") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "abcd");
    f->truncate(2);
    write(*f, 2, "X");
    const auto found = states_after(disk, power_cut::random, [](const auto& after) {
        return text_of(*after, "/d/f");
    });
    CHECK(
        found == std::set<std::string>{"abcd", "abXd", "ab", "abX", std::string{"ab\0", 3}, "abc"}
    );
}

TEST_CASE("garbage stays inside the written range") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", std::string(1536, '-'));
    write(*f, 600, std::string(300, '#'));
    std::set<std::string> found;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        const auto text = text_of(*disk->after_power_cut(power_cut::garble, seed), "/d/f");
        REQUIRE(text.size() == 1536);
        CHECK(text.substr(0, 600) == std::string(600, '-'));
        CHECK(text.substr(900) == std::string(636, '-'));
        found.insert(text.substr(600, 300));
    }
    CHECK(found.contains(std::string(300, '-')));
    CHECK(found.contains(std::string(300, '#')));
    CHECK(found.contains(std::string(300, '\0')));
    CHECK(found.size() > seeds / 8); // garbage differs by seed
}

TEST_CASE("the same seed gives the same disk, another seed another") {
    const auto disk = new_disk();
    run_script(disk);
    const auto f = disk->open("/d/f", open_mode::write);
    for (std::uint64_t i = 0; i < 20; ++i)
        write(*f, i * 300, std::string(400, static_cast<char>('A' + i)));
    for (const auto kind : {power_cut::random, power_cut::garble}) {
        std::set<std::map<std::string, std::string>> different;
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            CAPTURE(seed);
            const auto picture = picture_of(disk->after_power_cut(kind, seed));
            CHECK(picture == picture_of(disk->after_power_cut(kind, seed)));
            // A copy breaks in the same way as what it was copied from.
            CHECK(picture == picture_of(disk->after_kill()->after_power_cut(kind, seed)));
            different.insert(picture);
        }
        CHECK(different.size() > 40);
    }
}

TEST_CASE("what a power cut left is durable in its turn, and apart from the old disk") {
    const auto disk = new_disk();
    const auto f = create(disk, "/d/f");
    write(*f, 0, "data");
    const auto after = disk->after_power_cut(power_cut::keep_all, 1);
    write(*f, 0, "DATA");
    CHECK(text_of(*after, "/d/f") == "data");
    write(*after->open("/d/f", open_mode::write), 0, "####");
    CHECK(text_of(*disk, "/d/f") == "DATA");
    CHECK(text_of(*after->after_power_cut(power_cut::lose_all, 1), "/d/f") == "data");
}

TEST_CASE("after a kill every write is there, and still not synced") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "old");
    write(*f, 0, "new");
    (void)create(disk, "/d/g");
    disk->remove("/d/g");
    (void)create(disk, "/d/h");
    const auto lock = disk->try_lock("/d/LOCK");
    const auto after = disk->after_kill();
    CHECK(picture_of(after) == picture_of(disk));
    CHECK(after->try_lock("/d/LOCK") != nullptr);
    CHECK(disk->try_lock("/d/LOCK") == nullptr);
    CHECK(after->operation_count() == 1);
    CHECK(text_of(*after->after_power_cut(power_cut::lose_all, 1), "/d/f") == "old");
    const auto again = after->open("/d/f", open_mode::write);
    again->sync_data();
    CHECK(text_of(*after->after_power_cut(power_cut::lose_all, 1), "/d/f") == "new");
    CHECK(text_of(*disk->after_power_cut(power_cut::lose_all, 1), "/d/f") == "old");
    after->sync_directory("/d");
    CHECK(after->after_power_cut(power_cut::lose_all, 1)->kind("/d/h") == path_kind::regular_file);
}

TEST_CASE("a power cut frees the locks") {
    const auto disk = new_disk();
    const auto lock = disk->try_lock("/d/LOCK");
    disk->sync_directory("/d");
    CHECK(disk->after_power_cut(power_cut::keep_all, 1)->try_lock("/d/LOCK") != nullptr);
}

TEST_CASE("a failed sync makes nothing durable, and no later one makes up for it") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "old");
    write(*f, 0, "new");
    disk->fail_at(disk->operation_count(), EIO);
    CHECK(error_number_of([&] { f->sync_data(); }) == EIO);
    CHECK(text_of(*disk, "/d/f") == "new");
    f->sync_data(); // says that all is well
    CHECK(text_of(*disk, "/d/f") == "new");
    CHECK(text_of(*disk->after_power_cut(power_cut::keep_all, 1), "/d/f") == "old");
    write(*f, 3, "er");
    f->sync_data();
    CHECK(text_of(*disk->after_power_cut(power_cut::lose_all, 1), "/d/f") == "older");
}

TEST_CASE("a sync that fails late returns, and the next one says so") {
    const auto disk = new_disk();
    disk->syncs_fail_as(failed_sync::late);
    const auto f = create_durably(disk, "/d/f", "old");
    write(*f, 0, "new");
    disk->fail_at(disk->operation_count(), EIO);
    f->sync_data(); // says that all is well
    CHECK(text_of(*disk->after_power_cut(power_cut::keep_all, 1), "/d/f") == "old");
    write(*f, 3, "er");
    CHECK(error_number_of([&] { f->sync_data(); }) == EIO);
    f->sync_data();
    CHECK(text_of(*disk->after_power_cut(power_cut::lose_all, 1), "/d/f") == "older");
}

TEST_CASE("where a failed sync reverts, running processes see again what is durable") {
    const auto disk = new_disk();
    disk->syncs_fail_as(failed_sync::revert);
    const auto f = create_durably(disk, "/d/f", "old");
    write(*f, 0, "newer");
    disk->fail_at(disk->operation_count(), EIO);
    CHECK(error_number_of([&] { f->sync_data(); }) == EIO);
    CHECK(text_of(*disk, "/d/f") == "old");
}

TEST_CASE("where a failed sync shuts the file system down, it can only be read from then on") {
    const auto disk = new_disk();
    disk->syncs_fail_as(failed_sync::shut_down);
    const auto f = create_durably(disk, "/d/f", "old");
    write(*f, 0, "new");
    disk->fail_at(disk->operation_count(), EIO);
    CHECK(error_number_of([&] { f->sync_data(); }) == EIO);
    CHECK(error_number_of([&] { write(*f, 0, "more"); }) == EIO);
    CHECK(error_number_of([&] { disk->remove("/d/f"); }) == EIO);
    std::array<std::byte, 8> found{};
    CHECK(f->read_at(byte_offset{0}, found) == 3);
    CHECK(text_of(*disk->after_kill(), "/d/f") == "old");
    CHECK(text_of(*disk->after_power_cut(power_cut::lose_all, 1), "/d/f") == "old");
}

TEST_CASE("a disk that lies makes nothing durable from then on") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "old");
    disk->lie_from(disk->operation_count());
    write(*f, 0, "new");
    f->sync_all();
    (void)create(disk, "/d/g");
    disk->sync_directory("/d");
    const auto left = disk->after_power_cut(power_cut::lose_all, 1);
    CHECK(state_of(left, "/d/f") == "old");
    CHECK(state_of(left, "/d/g") == "missing");
}

TEST_CASE("each choice that a power cut leaves can be made") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "old");
    write(*f, 0, "new");
    const auto left_by = [&](power_cut kind, std::uint64_t choice) {
        return state_of(
            disk->after_chosen_cut(kind, [&](std::uint64_t answers) { return choice % answers; }),
            "/d/f"
        );
    };
    CHECK(left_by(power_cut::random, 0) == "old");
    CHECK(left_by(power_cut::random, 1) == "new");
    CHECK(left_by(power_cut::garble, 0) == "old");
    CHECK(left_by(power_cut::garble, 1) == "new");
    CHECK(left_by(power_cut::garble, 2) == std::string(3, '\0'));
    CHECK(left_by(power_cut::garble, 3).size() == 3);
}

TEST_CASE("a failed sync of a directory leaves its names to the next one") {
    const auto disk = new_disk();
    (void)create(disk, "/d/f");
    disk->fail_at(disk->operation_count(), EIO);
    CHECK(error_number_of([&] { disk->sync_directory("/d"); }) == EIO);
    CHECK(disk->after_power_cut(power_cut::lose_all, 1)->kind("/d/f") == path_kind::missing);
    disk->sync_directory("/d");
    CHECK(disk->after_power_cut(power_cut::lose_all, 1)->kind("/d/f") != path_kind::missing);
}

TEST_CASE("a failing write leaves half of its bytes") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "");
    disk->fail_at(disk->operation_count(), ENOSPC);
    CHECK(error_number_of([&] { write(*f, 0, "12345678"); }) == ENOSPC);
    CHECK(text_of(*disk, "/d/f") == "1234");
    CHECK(text_of(*disk->after_power_cut(power_cut::lose_all, 1), "/d/f").empty());
    write(*f, 0, "12345678");
    CHECK(text_of(*disk, "/d/f") == "12345678");
}

TEST_CASE("a sticky failure stays until it is healed") {
    const auto disk = new_disk();
    disk->fail_at(disk->operation_count() + 1, EROFS, true);
    (void)create(disk, "/d/a");
    for (int i = 0; i < 3; ++i)
        CHECK(error_number_of([&] { (void)create(disk, "/d/b"); }) == EROFS);
    disk->fail_at(0, 0);
    (void)create(disk, "/d/b");
}

TEST_CASE("at every operation of a script a failure reaches the caller and stops nothing else") {
    const auto whole = new_disk();
    const auto first = whole->operation_count();
    run_script(whole);
    const auto last = whole->operation_count();
    REQUIRE(last - first == 23);
    for (auto at = first; at < last; ++at) {
        CAPTURE(at);
        const auto disk = new_disk();
        disk->fail_at(at, EIO);
        CHECK(error_number_of([&] { run_script(disk); }) == EIO);
        CHECK(disk->operation_count() == at + 1);
        // What was begun can be taken up by the next: the disk itself is whole.
        (void)picture_of(disk);
        const auto next = disk->after_power_cut(power_cut::lose_all, at);
        if (next->kind("/d/e") == path_kind::missing && next->kind("/d/f") == path_kind::missing)
            CHECK(error_number_of([&] { run_script(next); }) == 0);
    }
    const auto disk = new_disk();
    disk->fail_at(last, EIO);
    CHECK(error_number_of([&] { run_script(disk); }) == 0);
}

TEST_CASE("from its last operation on a machine without power does nothing") {
    const auto whole = new_disk();
    const auto first = whole->operation_count();
    std::vector<std::pair<operation, std::map<std::string, std::string>>> before;
    whole->observe([&](std::uint64_t, operation op, const std::string&) {
        before.emplace_back(op, picture_of(whole));
    });
    run_script(whole);
    whole->observe({});
    const auto last = whole->operation_count();
    REQUIRE(before.size() == last - first);
    for (auto at = first; at < last; ++at) {
        CAPTURE(at);
        const auto disk = new_disk();
        disk->power_off_at(at);
        CHECK_THROWS_AS(run_script(disk), simulated_disk::powered_off);
        const auto& [op, picture] = before[at - first];
        // The torn write is the one thing that a last operation may still change.
        if (op != operation::write)
            CHECK(picture_of(disk->after_kill()) == picture);
        CHECK_THROWS_AS((void)disk->kind("/"), simulated_disk::powered_off);
        CHECK_THROWS_AS((void)disk->try_lock("/LOCK"), simulated_disk::powered_off);
        CHECK_THROWS_AS((void)disk->list("/"), simulated_disk::powered_off);
        CHECK(disk->after_power_cut(power_cut::random, at)->kind("/d") == path_kind::directory);
    }
}

TEST_CASE("the write that meets the end of power is torn in half") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "--------");
    disk->power_off_at(disk->operation_count());
    CHECK_THROWS_AS(write(*f, 0, "12345678"), simulated_disk::powered_off);
    CHECK_THROWS_AS(write(*f, 0, "abcdefgh"), simulated_disk::powered_off);
    CHECK(text_of(*disk->after_power_cut(power_cut::keep_all, 1), "/d/f") == "1234----");
    CHECK(text_of(*disk->after_power_cut(power_cut::lose_all, 1), "/d/f") == "--------");
}

TEST_CASE("files and locks close quietly on a machine without power") {
    const auto disk = new_disk();
    {
        const auto f = create(disk, "/d/f");
        const auto lock = disk->try_lock("/d/LOCK");
        disk->power_off_at(disk->operation_count());
        CHECK_THROWS_AS(f->sync_all(), simulated_disk::powered_off);
        CHECK_THROWS_AS((void)f->size(), simulated_disk::powered_off);
        CHECK_THROWS_AS((void)lock->is_held(), simulated_disk::powered_off);
    }
    CHECK(disk->after_kill()->try_lock("/d/LOCK") != nullptr);
}

TEST_CASE("only operations count, and the observer hears of each with its number and path") {
    const auto disk = std::make_shared<simulated_disk>();
    std::vector<std::string> heard;
    disk->observe([&](std::uint64_t number, operation op, const std::string& path) {
        CHECK(disk->operation_count() == number + 1);
        heard.push_back(std::to_string(number) + ' ' + std::string{name_of(op)} + ' ' + path);
    });
    disk->make_directory("/d");
    {
        const auto lock = disk->try_lock("/d/LOCK");
        const auto f = create(disk, "/d/f");
        write(*f, 0, "x");
        byte_buffer piece(1);
        (void)f->read_at(byte_offset{0}, piece);
        (void)f->size();
        lock->write_owner("x");
        (void)lock->is_held();
        (void)disk->lock_owner("/d/LOCK");
        (void)disk->kind("/d");
        (void)disk->unsafe_kind("/d");
        f->truncate(0);
        f->sync_data();
        f->sync_all();
    }
    (void)disk->open("/d/f", open_mode::write);
    (void)disk->list("/d");
    disk->rename("/d/f", "/d/g");
    disk->remove("/d/g");
    disk->sync_directory("/d");
    CHECK(
        heard ==
        std::vector<std::string>{
            "0 make_directory /d",
            "1 lock /d/LOCK",
            "2 create /d/f",
            "3 write /d/f",
            "4 read /d/f",
            "5 truncate /d/f",
            "6 sync_data /d/f",
            "7 sync_all /d/f",
            "8 open /d/f",
            "9 list /d",
            "10 rename /d/f",
            "11 remove /d/g",
            "12 sync_directory /d"}
    );
    CHECK(disk->operation_count() == 13);
}

TEST_CASE("an observer may decide the fate of the operation that it is told of") {
    const auto disk = new_disk();
    disk->observe([&](std::uint64_t number, operation, const std::string& path) {
        if (path == "/d/bad")
            disk->fail_at(number, EACCES);
        if (path == "/d/last")
            disk->power_off_at(number);
    });
    (void)create(disk, "/d/good");
    CHECK(error_number_of([&] { (void)create(disk, "/d/bad"); }) == EACCES);
    (void)create(disk, "/d/fine");
    CHECK_THROWS_AS((void)create(disk, "/d/last"), simulated_disk::powered_off);
}

TEST_CASE("bytes changed behind the program's back are durable, new files and all") {
    const auto disk = new_disk();
    const auto f = create_durably(disk, "/d/f", "old");
    write(*f, 0, "unsynced");
    const auto bytes = as_bytes("set");
    disk->set_content("/d/f", {bytes.begin(), bytes.end()});
    disk->set_content("/d/g", {bytes.begin(), bytes.end()});
    for (std::uint64_t seed = 0; seed < seeds; ++seed)
        CHECK(
            picture_of(disk->after_power_cut(power_cut::garble, seed)) ==
            std::map<std::string, std::string>{{"/d/f", "set"}, {"/d/g", "set"}}
        );
    std::string text(3, '?');
    (void)f->read_at(byte_offset{0}, std::as_writable_bytes(std::span{text}));
    CHECK(text == "set");
    CHECK_THROWS_AS((void)disk->content("/d/missing"), io_error);
}

TEST_CASE("files_below walks the whole tree, and an absent one has none") {
    const auto disk = new_disk();
    disk->make_directory("/d/e");
    for (const auto* path : {"/d/z", "/d/e/x", "/d/a", "/top"})
        (void)create(disk, path);
    CHECK(disk->files_below("/d") == std::vector<std::string>{"/d/a", "/d/e/x", "/d/z"});
    CHECK(disk->files_below("/").size() == 4);
    CHECK(disk->files_below("/missing").empty());
}

TEST_CASE("paths with dots and doubled slashes mean the same place") {
    const auto disk = new_disk();
    (void)create(disk, "d//./f");
    CHECK(disk->kind("/d/f") == path_kind::regular_file);
    CHECK(disk->kind("./d/../d/f") == path_kind::regular_file);
    CHECK(error_number_of([&] { (void)disk->open("", open_mode::read); }) == ENOENT);
}

TEST_CASE("a disk that forgets the second picture keeps everything") {
    const auto disk = new_disk(false);
    const auto f = create(disk, "/d/f");
    write(*f, 0, "data");
    CHECK(text_of(*disk->after_power_cut(power_cut::lose_all, 1), "/d/f") == "data");
    CHECK(text_of(*disk->after_kill(), "/d/f") == "data");
}

TEST_CASE("random changes end in a picture between the durable one and the current one") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        simulated_random random{seed};
        const auto below = [&](std::uint64_t n) { return random.next_u64() % n; };
        const auto disk = new_disk();
        std::map<std::string, std::string> durable;
        for (int step = 0; step < 60; ++step) {
            const auto path = "/d/" + std::to_string(below(4));
            const auto is_there = disk->kind(path) != path_kind::missing;
            switch (below(6)) {
            case 0:
                if (!is_there)
                    (void)create(disk, path);
                break;
            case 1:
                if (is_there)
                    disk->remove(path);
                break;
            case 2:
                if (is_there)
                    disk->rename(path, "/d/" + std::to_string(below(4)));
                break;
            case 3:
            case 4:
                if (is_there)
                    write(
                        *disk->open(path, open_mode::write),
                        below(2000),
                        std::string(below(1500), static_cast<char>('a' + below(26)))
                    );
                break;
            default:
                if (is_there)
                    disk->open(path, open_mode::write)->truncate(below(3000));
            }
            if (below(10) == 0) {
                for (const auto& p : disk->files_below("/d"))
                    disk->open(p, open_mode::write)->sync_data();
                disk->sync_directory("/d");
                durable = picture_of(disk);
            }
        }
        CHECK(picture_of(disk->after_power_cut(power_cut::lose_all, seed)) == durable);
        CHECK(picture_of(disk->after_power_cut(power_cut::keep_all, seed)) == picture_of(disk));
        for (const auto& [path, text] : picture_of(disk->after_power_cut(power_cut::garble, seed)))
            CHECK(text.size() <= 4000);
    }
}

TEST_CASE("readers and a writer may share a file across threads") {
    for (const bool keeps_unsynced : {true, false}) {
        const auto disk = new_disk(keeps_unsynced);
        const auto f = create(disk, "/d/f");
        std::vector<std::thread> threads;
        std::vector<int> wrong(3, 0);
        for (auto& count : wrong)
            threads.emplace_back([&] {
                std::string text(100, '?');
                for (int i = 0; i < 500; ++i) {
                    const auto size =
                        f->read_at(byte_offset{0}, std::as_writable_bytes(std::span{text}));
                    // Each write is whole: all bytes are those of one of them.
                    if (text.find_first_not_of(text[0], 0) < size)
                        ++count;
                }
            });
        for (int i = 0; i < 500; ++i) {
            write(*f, 0, std::string(100, static_cast<char>('a' + i % 26)));
            if (i % 50 == 0)
                f->sync_data();
            if (i % 100 == 0)
                (void)disk->after_power_cut(power_cut::random, 1)
                    ->open("/d/f2", open_mode::create_new);
        }
        for (auto& t : threads)
            t.join();
        CHECK(wrong == std::vector<int>(3, 0));
    }
}
