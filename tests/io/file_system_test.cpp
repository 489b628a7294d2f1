// SPDX-License-Identifier: MIT
// What every file system of ours does, the real one and the simulated one alike.
#include <everfold/base/error.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/io/simulated.hpp>

#include <doctest/doctest.h>
#include <support/scratch_dir.hpp>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

using namespace everfold;
using namespace everfold::io;

namespace {

struct on_posix {
    testing::scratch_dir directory{};
    std::string root = directory.string();
    machine system = posix_machine();
};

struct on_simulated {
    std::string root = "/data";
    machine system = made(std::make_shared<simulated_disk>());

    static machine made(std::shared_ptr<simulated_disk> disk) {
        disk->make_directory("/data");
        return simulated_machine(std::move(disk));
    }
};

struct on_plain_memory {
    std::string root = "/data";
    machine system = on_simulated::made(std::make_shared<simulated_disk>(false));
};

template <class Setup>
struct place : Setup {
    file_system& files = *this->system.files;

    [[nodiscard]] std::string operator/(std::string_view name) const {
        return join(this->root, name);
    }

    void write(std::string_view name, std::string_view text) {
        auto f = files.open(*this / name, open_mode::create_new);
        f->write_at(byte_offset{0}, as_bytes(text));
    }

    [[nodiscard]] std::string read(std::string_view name) {
        return std::string{as_text(read_whole(files, *this / name, 1_MiB))};
    }
};

// The errno that `call` fails with; 0 where it does not fail.
template <class Call>
int error_number_of(Call call) {
    try {
        call();
        return 0;
    } catch (const io_error& e) {
        return e.error_number();
    }
}

std::string read_text(file& f, std::uint64_t at, std::size_t size) {
    std::string out(size, '?');
    out.resize(f.read_at(byte_offset{at}, std::as_writable_bytes(std::span{out})));
    return out;
}

} // namespace

TEST_CASE_TEMPLATE(
    "what was written is read back, at any offset", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    const auto f = here.files.open(here / "f", open_mode::create_new);
    CHECK(f->size() == 0);
    f->write_at(byte_offset{0}, as_bytes("hello world"));
    f->write_at(byte_offset{6}, as_bytes("there"));
    CHECK(f->size() == 11);
    CHECK(read_text(*f, 0, 11) == "hello there");
    CHECK(read_text(*f, 4, 3) == "o t");
    f->write_at(byte_offset{3}, {});
    f->write_at(byte_offset{100}, {});
    CHECK(f->size() == 11);
    f->sync_data();
    f->sync_all();
    CHECK(here.read("f") == "hello there");
}

TEST_CASE_TEMPLATE(
    "a read past the end is short, not a failure", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    here.write("f", "12345");
    const auto f = here.files.open(here / "f", open_mode::read);
    CHECK(read_text(*f, 3, 10) == "45");
    CHECK(read_text(*f, 5, 10).empty());
    CHECK(read_text(*f, 500, 10).empty());
    CHECK(read_text(*f, 0, 0).empty());
}

TEST_CASE_TEMPLATE(
    "a gap before a write reads as zeros", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    const auto f = here.files.open(here / "f", open_mode::create_new);
    f->write_at(byte_offset{1000}, as_bytes("x"));
    CHECK(f->size() == 1001);
    CHECK(read_text(*f, 0, 1001) == std::string(1000, '\0') + 'x');
}

TEST_CASE_TEMPLATE(
    "truncate cuts, and extends with zeros", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    const auto f = here.files.open(here / "f", open_mode::create_new);
    f->write_at(byte_offset{0}, as_bytes("abcdef"));
    f->truncate(2);
    CHECK(f->size() == 2);
    f->truncate(4);
    CHECK(read_text(*f, 0, 10) == std::string{"ab\0\0", 4});
}

TEST_CASE_TEMPLATE(
    "create_new refuses what exists, the others what is missing",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    here.write("f", "kept");
    here.files.make_directory(here / "d");
    const auto opened = [&](std::string_view name, open_mode mode) {
        return error_number_of([&] { (void)here.files.open(here / name, mode); });
    };
    CHECK(opened("f", open_mode::create_new) == EEXIST);
    CHECK(opened("d", open_mode::create_new) == EEXIST);
    CHECK(opened("missing", open_mode::read) == ENOENT);
    CHECK(opened("missing", open_mode::write) == ENOENT);
    CHECK(opened("d", open_mode::read) == EISDIR);
    CHECK(opened("d", open_mode::write) == EISDIR);
    CHECK(opened("f/below", open_mode::read) == ENOTDIR);
    CHECK(opened("missing/f", open_mode::create_new) == ENOENT);
    CHECK(opened(std::string{"f\0g", 3}, open_mode::read) == EINVAL);
    CHECK(here.read("f") == "kept");
}

TEST_CASE_TEMPLATE(
    "a file opened for reading can't be changed", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    here.write("f", "kept");
    const auto f = here.files.open(here / "f", open_mode::read);
    CHECK(error_number_of([&] { f->write_at(byte_offset{0}, as_bytes("x")); }) == EBADF);
    CHECK(error_number_of([&] { f->truncate(0); }) == EINVAL);
    CHECK(here.read("f") == "kept");
}

TEST_CASE_TEMPLATE(
    "a write beyond what a file can hold is refused", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    const auto f = here.files.open(here / "f", open_mode::create_new);
    const auto far = byte_offset{~std::uint64_t{0}};
    CHECK(error_number_of([&] { f->write_at(far, as_bytes("x")); }) == EFBIG);
    CHECK(error_number_of([&] { f->truncate(far.value()); }) == EFBIG);
    CHECK(f->size() == 0);
}

TEST_CASE_TEMPLATE(
    "a failure says what was done, where, and why", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    const auto message_of = [](auto call) -> std::string {
        try {
            call();
        } catch (const io_error& e) {
            return e.message();
        }
        return "no failure";
    };
    const auto missing = here / "missing";
    const auto suffix = " '" + missing + "': No such file or directory";
    CHECK(message_of([&] {
              (void)here.files.open(missing, open_mode::read);
          }) == "can't open" + suffix);
    CHECK(message_of([&] { here.files.remove(missing); }) == "can't remove" + suffix);
    CHECK(message_of([&] { here.files.rename(missing, here / "x"); }) == "can't rename" + suffix);
    CHECK(message_of([&] { (void)here.files.list(missing); }) == "can't list" + suffix);
    CHECK(message_of([&] {
              here.files.sync_directory(missing);
          }) == "can't sync directory" + suffix);
    const auto below = missing + "/d";
    CHECK(message_of([&] {
              here.files.make_directory(below);
          }) == "can't create directory '" + below + "': No such file or directory");
}

TEST_CASE_TEMPLATE(
    "kind tells files, directories and nothing apart",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    here.write("f", "");
    here.files.make_directory(here / "d");
    CHECK(here.files.kind(here / "f") == path_kind::regular_file);
    CHECK(here.files.kind(here / "d") == path_kind::directory);
    CHECK(here.files.kind(here / "missing") == path_kind::missing);
    CHECK(here.files.kind(here / "missing/below") == path_kind::missing);
    CHECK(here.files.kind(here / "f/below") == path_kind::missing);
    CHECK(here.files.kind("/") == path_kind::directory);
    CHECK(here.files.kind(".", true) == path_kind::directory);
}

TEST_CASE_TEMPLATE(
    "list gives the names of one directory, sorted", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    CHECK(here.files.list(here.root).empty());
    for (const auto* name : {"b", "a", "c", "B", "10", "9", ".hidden"})
        here.write(name, "");
    here.files.make_directory(here / "d");
    here.write("d/below", "");
    CHECK(
        here.files.list(here.root) ==
        std::vector<std::string>{".hidden", "10", "9", "B", "a", "b", "c", "d"}
    );
    CHECK(here.files.list(here / "d") == std::vector<std::string>{"below"});
    CHECK(error_number_of([&] { (void)here.files.list(here / "a"); }) == ENOTDIR);
}

TEST_CASE_TEMPLATE(
    "make_directory needs a parent and a free name", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    here.write("f", "");
    here.files.make_directory(here / "d");
    const auto made = [&](std::string_view name) {
        return error_number_of([&] { here.files.make_directory(here / name); });
    };
    CHECK(made("d") == EEXIST);
    CHECK(made("f") == EEXIST);
    CHECK(made("missing/d") == ENOENT);
    CHECK(made("f/d") == ENOTDIR);
    CHECK(made("d/e") == 0);
}

TEST_CASE_TEMPLATE(
    "rename replaces its target and keeps open files",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    here.write("old", "old");
    here.write("new", "new");
    here.files.make_directory(here / "d");
    const auto f = here.files.open(here / "old", open_mode::read);
    here.files.rename(here / "new", here / "old");
    CHECK(here.read("old") == "new");
    CHECK(here.files.kind(here / "new") == path_kind::missing);
    CHECK(read_text(*f, 0, 10) == "old");

    here.files.rename(here / "old", here / "old");
    here.files.rename(here / "old", here / "d/moved");
    CHECK(here.read("d/moved") == "new");
    here.files.rename(here / "d", here / "e");
    CHECK(here.read("e/moved") == "new");

    here.files.rename(here / "e/moved", here / "back");
    const auto renamed = [&](std::string_view from, std::string_view to) {
        return error_number_of([&] { here.files.rename(here / from, here / to); });
    };
    CHECK(renamed("missing", "x") == ENOENT);
    CHECK(renamed("back", "e") == EISDIR);
    CHECK(renamed("e", "back") == ENOTDIR);
    CHECK(renamed("back", "missing/x") == ENOENT);
    CHECK(here.read("back") == "new");
}

TEST_CASE_TEMPLATE(
    "remove takes a file's name; who has it open keeps it",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    here.write("f", "still");
    here.files.make_directory(here / "d");
    const auto f = here.files.open(here / "f", open_mode::write);
    here.files.remove(here / "f");
    CHECK(here.files.kind(here / "f") == path_kind::missing);
    CHECK(read_text(*f, 0, 10) == "still");
    f->write_at(byte_offset{0}, as_bytes("S"));
    f->sync_data();
    CHECK(error_number_of([&] { here.files.remove(here / "f"); }) == ENOENT);
    CHECK(error_number_of([&] { here.files.remove(here / "d"); }) == EISDIR);
}

TEST_CASE_TEMPLATE(
    "a lock is held once until it is let go", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    CHECK(here.files.lock_owner(here / "LOCK").empty());
    auto lock = here.files.try_lock(here / "LOCK");
    REQUIRE(lock != nullptr);
    CHECK(lock->is_held());
    CHECK(here.files.kind(here / "LOCK") == path_kind::regular_file);
    CHECK(here.files.try_lock(here / "LOCK") == nullptr);
    CHECK(here.files.try_lock(here / "OTHER") != nullptr);
    lock.reset();
    lock = here.files.try_lock(here / "LOCK");
    REQUIRE(lock != nullptr);
    CHECK(lock->is_held());
}

TEST_CASE_TEMPLATE(
    "the holder's text is there for others, whole and short",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    const auto lock = here.files.try_lock(here / "LOCK");
    REQUIRE(lock != nullptr);
    lock->write_owner("a long name of a process");
    lock->write_owner("pid 12");
    CHECK(here.files.lock_owner(here / "LOCK") == "pid 12");
    lock->write_owner(std::string(10'000, 'x'));
    CHECK(here.files.lock_owner(here / "LOCK") == std::string(256, 'x'));
}

TEST_CASE_TEMPLATE(
    "a lock whose file was removed or replaced is no longer held",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    const auto lock = here.files.try_lock(here / "LOCK");
    REQUIRE(lock != nullptr);
    SUBCASE("removed") {
        here.files.remove(here / "LOCK");
    }
    SUBCASE("replaced") {
        here.write("x", "");
        here.files.rename(here / "x", here / "LOCK");
    }
    SUBCASE("its directory moved away") {
        here.files.make_directory(here / "d");
        here.files.rename(here / "LOCK", here / "d/LOCK");
        here.files.rename(here / "d", here / "e");
    }
    CHECK_FALSE(lock->is_held());
    // The next one gets a lock of its own, which this one's end leaves alone.
    const auto next = here.files.try_lock(here / "LOCK");
    REQUIRE(next != nullptr);
    CHECK(next->is_held());
    CHECK_FALSE(lock->is_held());
}

TEST_CASE_TEMPLATE(
    "an open file is in place until its path leads elsewhere or nowhere",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    here.write("f", "text");
    const auto file = here.files.open(here / "f", open_mode::read);
    CHECK(file->is_in_place());
    here.files.open(here / "f", open_mode::write)->write_at(byte_offset{0}, as_bytes("more"));
    CHECK(file->is_in_place());
    SUBCASE("removed") {
        here.files.remove(here / "f");
        CHECK_FALSE(file->is_in_place());
    }
    SUBCASE("replaced") {
        here.write("x", "more");
        here.files.rename(here / "x", here / "f");
        CHECK_FALSE(file->is_in_place());
        CHECK(here.files.open(here / "f", open_mode::read)->is_in_place());
    }
    SUBCASE("moved") {
        here.files.rename(here / "f", here / "g");
        CHECK_FALSE(file->is_in_place());
        here.files.rename(here / "g", here / "f");
        CHECK(file->is_in_place());
    }
    CHECK(read_text(*file, 0, 4) == "more");
}

TEST_CASE_TEMPLATE("a directory is no lock", Setup, on_posix, on_simulated, on_plain_memory) {
    place<Setup> here;
    here.files.make_directory(here / "d");
    CHECK(error_number_of([&] { (void)here.files.try_lock(here / "d"); }) == EISDIR);
    CHECK(error_number_of([&] { (void)here.files.try_lock(here / "missing/LOCK"); }) == ENOENT);
}

TEST_CASE_TEMPLATE(
    "unsafe_kind finds nothing wrong with a local directory",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    CHECK(here.files.unsafe_kind(here.root).empty());
    CHECK(error_number_of([&] { (void)here.files.unsafe_kind(here / "missing"); }) == ENOENT);
}

TEST_CASE_TEMPLATE(
    "replace_durably leaves the new content and no other file",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    replace_durably(here.files, here / "f", as_bytes("one"));
    CHECK(here.read("f") == "one");
    here.write("f.tmp", "left by an attempt that was cut short");
    replace_durably(here.files, here / "f", as_bytes("two"));
    CHECK(here.read("f") == "two");
    replace_durably(here.files, here / "f", {});
    CHECK(here.read("f").empty());
    CHECK(here.files.list(here.root) == std::vector<std::string>{"f"});
}

TEST_CASE_TEMPLATE(
    "read_whole refuses a file above its limit before reading it",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> here;
    here.write("f", "12345");
    CHECK(read_whole(here.files, here / "f", 5).size() == 5);
    try {
        (void)read_whole(here.files, here / "f", 4);
        FAIL("it was read");
    } catch (const error& e) {
        CHECK(e.code() == errc::limit);
        CHECK(e.message() == "'" + (here / "f") + "' has 5 bytes; at most 4 are read");
    }
}

TEST_CASE_TEMPLATE(
    "random identities differ and are version 4", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    auto& random = *here.system.random;
    const auto a = random.next_uuid();
    const auto b = random.next_uuid();
    CHECK(a != b);
    CHECK(a.to_string()[14] == '4');
    CHECK(random.next_u64() != random.next_u64());
    byte_buffer large(100'000);
    random.fill(large);
    CHECK(std::count(large.begin(), large.end(), std::byte{0}) < 1000);
    random.fill({});
}

TEST_CASE_TEMPLATE(
    "monotonic time never goes back", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> here;
    auto last = here.system.time->monotonic();
    for (int i = 0; i < 1000; ++i) {
        const auto now = here.system.time->monotonic();
        CHECK(now >= last);
        last = now;
    }
    CHECK(here.system.time->now() > timestamp::from_milliseconds(1'600'000'000'000));
    CHECK_FALSE(here.system.boot_id.is_nil());
    CHECK_FALSE(here.system.process_name.empty());
}

TEST_CASE_TEMPLATE(
    "a link is a second name for the same file", Setup, on_posix, on_simulated, on_plain_memory
) {
    place<Setup> at;
    at.write("one", "content");
    at.files.link(at / "one", at / "two");
    CHECK(at.read("two") == "content");
    at.files.open(at / "two", open_mode::write)->write_at(byte_offset{0}, as_bytes("CON"));
    CHECK(at.read("one") == "CONtent");
    at.files.remove(at / "one");
    CHECK(at.read("two") == "CONtent");
    CHECK(error_number_of([&] { at.files.link(at / "one", at / "three"); }) == ENOENT);
    at.write("one", "another");
    CHECK(error_number_of([&] { at.files.link(at / "one", at / "two"); }) == EEXIST);
}

TEST_CASE_TEMPLATE(
    "a mapping is the whole content and outlives its file",
    Setup,
    on_posix,
    on_simulated,
    on_plain_memory
) {
    place<Setup> at;
    at.write("full", "what is mapped");
    at.write("empty", "");
    const auto map = [&](std::string_view name) {
        return at.files.open(at / name, open_mode::read)->map();
    };
    const auto full = map("full");
    CHECK(as_text(full->bytes()) == "what is mapped");
    at.files.remove(at / "full");
    CHECK(as_text(full->bytes()) == "what is mapped");
    CHECK(map("empty")->bytes().empty());
}

TEST_CASE("join puts one slash between a directory and a name") {
    CHECK(join("a", "b") == "a/b");
    CHECK(join("a/", "b") == "a/b");
    CHECK(join("/", "b") == "/b");
    CHECK(join("", "b") == "b");
    CHECK(join(".", "b") == "./b");
}

TEST_CASE("parent names the directory that a sync must cover") {
    CHECK(parent("a/b") == "a");
    CHECK(parent("/a/b/c") == "/a/b");
    CHECK(parent("a/b/") == "a");
    CHECK(parent("a//b") == "a");
    CHECK(parent("/a") == "/");
    CHECK(parent("//a") == "/");
    CHECK(parent("/") == "/");
    CHECK(parent("a") == ".");
    CHECK(parent("a/") == ".");
    CHECK(parent("") == ".");
}
