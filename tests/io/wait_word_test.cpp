// SPDX-License-Identifier: MIT
// Sleeping on four bytes of a file, between processes.
#include <everfold/base/bytes.hpp>
#include <everfold/io/posix.hpp>
#include <everfold/io/simulated.hpp>

#include <doctest/doctest.h>
#include <support/child_process.hpp>
#include <support/scratch_dir.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

using namespace everfold;
using namespace everfold::io;
using everfold::testing::child_process;
using everfold::testing::numbers_out;
using everfold::testing::scratch_dir;
using slept = wait_word::slept;

namespace {

constexpr byte_offset at{4104};
// Nobody sleeps so long: a test in which nobody is woken fails by its answer, and late.
constexpr std::chrono::seconds long_time{60};

void write_word(file& f, std::uint32_t value) {
    std::array<std::byte, 4> bytes{};
    store_le(bytes.data(), value);
    f.write_at(at, bytes);
}

std::unique_ptr<file> file_with_word(const std::string& path, std::uint32_t value) {
    auto out = posix_files()->open(path, open_mode::create_new);
    out->truncate(8192);
    write_word(*out, value);
    return out;
}

/// A process that sleeps until it is woken; its answer is how the sleep ended.
child_process sleeper(const std::string& path, std::uint32_t seen) {
    return child_process{[&path, seen](const numbers_out& say) {
        const auto word = posix_files()->open(path, open_mode::read)->word_at(at);
        if (word == nullptr)
            return 98;
        say.put(1);
        return static_cast<int>(word->wait(seen, long_time));
    }};
}

/// Wakes until somebody was asleep: a child says that it is about to sleep, not that it does.
void wake_one(wait_word& word) {
    std::size_t woken = 0;
    for (int turn = 0; turn < 20'000 && woken == 0; ++turn) {
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
        woken = word.wake();
    }
    REQUIRE(woken > 0);
}

} // namespace

TEST_CASE("whoever sleeps on a word of a file is woken by another process") {
    const scratch_dir dir;
    const auto f = file_with_word(dir / "f", 0x1234'5678);
    const auto word = f->word_at(at);
    REQUIRE(word != nullptr);
    auto one = sleeper(dir / "f", 0x1234'5678);
    auto other = sleeper(dir / "f", 0x1234'5678);
    REQUIRE(one.get());
    REQUIRE(other.get());
    wake_one(*word);
    write_word(*f, 0x1234'5679); // for the one who was not yet asleep
    word->wake();
    CHECK(one.wait() == static_cast<int>(slept::until_woken));
    CHECK(other.wait() == static_cast<int>(slept::until_woken));
    CHECK(word->wake() == 0);
}

TEST_CASE("nobody falls asleep on a word that has changed since it was looked at") {
    const scratch_dir dir;
    const auto f = file_with_word(dir / "f", 1);
    const auto word = f->word_at(at);
    REQUIRE(word != nullptr);
    // Each byte counts, in the order in which files have them.
    for (const std::uint32_t seen : {0U, 2U, 0x0100'0000U, 0x0000'0101U})
        CHECK(word->wait(seen, long_time) == slept::until_woken);
    write_word(*f, 0x0100'0000);
    CHECK(word->wait(1, long_time) == slept::until_woken);
}

TEST_CASE("a sleep that nobody ends ends by itself") {
    const scratch_dir dir;
    const auto f = file_with_word(dir / "f", 1);
    const auto word = f->word_at(at);
    REQUIRE(word != nullptr);
    CHECK(word->wait(1, std::chrono::milliseconds{3}) == slept::until_timeout);
    CHECK(word->wait(1, std::chrono::nanoseconds{0}) == slept::until_timeout);
    CHECK(word->wait(1, std::chrono::nanoseconds{-1}) == slept::until_timeout);
}

TEST_CASE("a file that is cut short under its sleepers ends nobody's process") {
    const scratch_dir dir;
    const auto f = file_with_word(dir / "f", 1);
    const auto word = f->word_at(at);
    REQUIRE(word != nullptr);
    auto asleep = sleeper(dir / "f", 1);
    REQUIRE(asleep.get());
    for (const std::uint64_t size : {4096U, 1U, 0U}) {
        CAPTURE(size);
        f->truncate(size);
        const auto outcome = word->wait(1, std::chrono::milliseconds{1});
        CHECK(outcome == slept::not_at_all);
        CHECK(word->wake() == 0);
    }
    // As long as before, it has its sleepers back. (A cut that came before the child fell asleep
    // ended its sleep; then there is nobody.)
    f->truncate(8192);
    write_word(*f, 2);
    word->wake();
    const auto answer = asleep.wait();
    CHECK(answer >= 0);
    CHECK(answer <= static_cast<int>(slept::not_at_all));
    CHECK(word->wait(1, long_time) == slept::until_woken);
}

TEST_CASE("a sleeper that is killed leaves nothing behind") {
    const scratch_dir dir;
    const auto f = file_with_word(dir / "f", 1);
    const auto word = f->word_at(at);
    REQUIRE(word != nullptr);
    auto asleep = sleeper(dir / "f", 1);
    REQUIRE(asleep.get());
    asleep.kill();
    CHECK(word->wake() == 0);
    CHECK(posix_files()->list(dir.string()) == std::vector<std::string>{"f"});
}

TEST_CASE("a word outlives its open file, a change of name and its removal") {
    const scratch_dir dir;
    auto f = file_with_word(dir / "f", 1);
    const auto word = f->word_at(at);
    REQUIRE(word != nullptr);
    auto asleep = sleeper(dir / "f", 1);
    REQUIRE(asleep.get());
    posix_files()->rename(dir / "f", dir / "g");
    f.reset();
    wake_one(*word);
    CHECK(asleep.wait() == static_cast<int>(slept::until_woken));
    posix_files()->remove(dir / "g");
    CHECK(word->wait(1, std::chrono::milliseconds{1}) == slept::until_timeout);
}

TEST_CASE("there is no word across its natural boundary, and none on the simulated disk") {
    const scratch_dir dir;
    const auto f = file_with_word(dir / "f", 1);
    for (const std::uint64_t odd : {1U, 2U, 3U, 4103U})
        CHECK(f->word_at(byte_offset{odd}) == nullptr);
    const auto disk = std::make_shared<simulated_disk>();
    CHECK(disk->open("/f", open_mode::create_new)->word_at(byte_offset{0}) == nullptr);
}
