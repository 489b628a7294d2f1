// SPDX-License-Identifier: MIT
#include <everfold/base/error.hpp>
#include <everfold/io/mirrored.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/io/simulated.hpp>

#include <doctest/doctest.h>
#include <support/scratch_dir.hpp>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace everfold;
using io::open_mode;
using io::path_kind;

namespace {

struct pair_of_directories {
    pair_of_directories() {
        disk->make_directory("/d");
        disk->make_directory("/m");
        disk->sync_directory("/");
    }

    /// Whether the two hold the same, as running processes see it and as a power cut leaves it.
    [[nodiscard]] bool are_same() const {
        const auto same = [](const io::simulated_disk& on) {
            const auto mine = on.files_below("/d");
            auto theirs = on.files_below("/m");
            if (mine.size() != theirs.size())
                return false;
            for (std::size_t i = 0; i < mine.size(); ++i) {
                if (mine[i].substr(2) != theirs[i].substr(2) ||
                    on.content(mine[i]) != on.content(theirs[i]))
                    return false;
            }
            return true;
        };
        return same(*disk) && same(*disk->after_power_cut(io::power_cut::lose_all, 1));
    }

    std::shared_ptr<io::simulated_disk> disk = std::make_shared<io::simulated_disk>();
    io::mirrored_files files{disk, "/d", "/m"};
};

} // namespace

TEST_CASE("what is changed and synced in a mirrored directory is so in both") {
    pair_of_directories two;
    auto& files = two.files;
    {
        const auto file = files.open("/d/one", open_mode::create_new);
        file->write_at(byte_offset{0}, as_bytes("first and second"));
        file->truncate(5);
        file->sync_all();
        files.sync_directory("/d");
    }
    CHECK(two.are_same());
    CHECK(as_text(two.disk->content("/m/one")) == "first");
    {
        const auto file = files.open("/d/one", open_mode::write);
        file->write_at(byte_offset{5}, as_bytes(", again"));
        file->sync_data();
    }
    CHECK(two.are_same());
    io::replace_durably(files, "/d/two", as_bytes("2"));
    files.make_directory("/d/sub");
    files.open("/d/sub/three", open_mode::create_new)->sync_all();
    files.sync_directory("/d/sub");
    files.link("/d/two", "/d/four");
    files.remove("/d/one");
    files.sync_directory("/d");
    CHECK(two.are_same());
    CHECK(
        two.disk->files_below("/m") == std::vector<std::string>{"/m/four", "/m/sub/three", "/m/two"}
    );
}

TEST_CASE("the directory is changed before its mirror, and both before a sync returns") {
    pair_of_directories two;
    const auto file = two.files.open("/d/one", open_mode::create_new);
    std::vector<std::string> seen;
    two.disk->observe([&](std::uint64_t, io::operation op, const std::string& path) {
        seen.push_back(std::string{io::name_of(op)} + ' ' + path);
    });
    file->write_at(byte_offset{0}, as_bytes("x"));
    file->sync_data();
    two.files.rename("/d/one", "/d/two");
    CHECK(
        seen ==
        std::vector<std::string>{
            "write /d/one",
            "write /m/one",
            "sync_data /d/one",
            "sync_data /m/one",
            "rename /d/one",
            "rename /m/one"}
    );
}

TEST_CASE("a directory is mirrored whether or not its name ends in a slash") {
    for (const std::string name : {"/d", "/d/", "/d//"}) {
        CAPTURE(name);
        pair_of_directories two;
        io::mirrored_files files{two.disk, name, "/m/"};
        io::replace_durably(files, io::join(name, "one"), as_bytes("1"));
        CHECK(two.disk->files_below("/m") == std::vector<std::string>{"/m/one"});
        files.sync_directory(name);
        CHECK(two.are_same());
        files.open("/d/two", open_mode::create_new)->sync_all();
        files.sync_directory(io::parent("/d/two"));
        CHECK(two.are_same());
    }
}

TEST_CASE("what lies outside a mirrored directory is not mirrored") {
    pair_of_directories two;
    two.disk->make_directory("/d2");
    two.files.open("/d2/one", open_mode::create_new)->sync_all();
    two.files.sync_directory("/");
    CHECK(two.disk->files_below("/m").empty());
    CHECK(two.files.kind("/d2/one", false) == path_kind::regular_file);
}

TEST_CASE("a file that only the mirror has is replaced by a new one, and its lack can be removed") {
    pair_of_directories two;
    two.disk->open("/m/left", open_mode::create_new)->write_at(byte_offset{0}, as_bytes("old"));
    two.files.open("/d/left", open_mode::create_new)->write_at(byte_offset{0}, as_bytes("n"));
    CHECK(as_text(two.disk->content("/m/left")) == "n");
    two.disk->remove("/m/left");
    two.files.remove("/d/left");
    CHECK(two.disk->files_below("/d").empty());
}

TEST_CASE("what fails in the mirror names the mirror's path") {
    pair_of_directories two;
    const auto file = two.files.open("/d/one", open_mode::create_new);
    two.disk->observe([&](std::uint64_t at, io::operation, const std::string& path) {
        if (path.starts_with("/m/"))
            two.disk->fail_at(at, ENOSPC);
    });
    std::optional<io_error> failed;
    try {
        file->write_at(byte_offset{0}, as_bytes("1"));
    } catch (const io_error& e) {
        failed = e;
    }
    REQUIRE(failed);
    CHECK(failed->path() == "/m/one");
    CHECK(failed->is_disk_full());
}

TEST_CASE("two locks are held while both are") {
    pair_of_directories two;
    const auto lock = io::both(two.disk->try_lock("/d/LOCK"), two.disk->try_lock("/m/LOCK"));
    lock->write_owner("me");
    CHECK(two.disk->lock_owner("/m/LOCK") == "me");
    CHECK(lock->is_held());
    two.disk->remove("/m/LOCK");
    CHECK(!lock->is_held());
}

TEST_CASE("a directory is within itself and what it lies in, by whatever name") {
    const testing::scratch_dir here;
    const auto posix = io::posix_files();
    const auto disk = std::make_shared<io::simulated_disk>();
    const auto look = [](io::file_system& files, const std::string& top) {
        files.make_directory(top + "/a");
        files.make_directory(top + "/a/b");
        files.make_directory(top + "/ab");
        CHECK(files.is_within(top + "/a", top + "/a"));
        CHECK(files.is_within(top + "/a/b", top + "/a/"));
        CHECK(files.is_within(top + "/a/b", "/"));
        CHECK(files.is_within(top + "/a/../a", top + "/a"));
        CHECK(!files.is_within(top + "/a", top + "/a/b"));
        CHECK(!files.is_within(top + "/ab", top + "/a"));
        CHECK_THROWS_AS(static_cast<void>(files.is_within(top + "/none", top)), io_error);
    };
    look(*posix, here.string());
    disk->make_directory("/top");
    look(*disk, "/top");
    std::filesystem::create_symlink(here / "a", here / "link");
    CHECK(posix->is_within(here / "link", here / "a"));
    CHECK(posix->is_within(here / "link/b", here / "a"));
    CHECK(posix->is_within(here / "a", here / "link"));
}
